/** One broken rule of the repository: where it is, which rule it breaks, and what to do about it. */
export type Violation = { file: string; line: number; rule: string; fix: string }

/** Prints violations the way compilers do, so that an editor can jump to them. Returns whether there were none. */
export function report(violations: Violation[]): boolean {
  for (const { file, line, rule, fix } of violations) console.log(`${file}:${line}  ${rule}\n    fix: ${fix}`)
  return violations.length === 0
}

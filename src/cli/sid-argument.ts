/**
 * Arguments in which a sid that begins with a hyphen, as one of 64 does, is no option: after `--sid` it is joined to it, and
 * elsewhere it comes last, behind `--`.
 */
export function withSidsApart(args: readonly string[]): string[] {
  const options: string[] = []
  const sids: string[] = []
  for (const arg of args) {
    if (!/^-[A-Za-z0-9_-]{21}$/.test(arg)) options.push(arg)
    else if (options.at(-1) === '--sid') options.splice(-1, 1, `--sid=${arg}`)
    else sids.push(arg)
  }
  if (sids.length === 0 || options.includes('--')) return [...options, ...sids]
  return [...options, '--', ...sids]
}

/** Whether a text can be a sid at all. */
export function isSid(text: string): boolean {
  return /^[A-Za-z0-9_-]{22}$/.test(text)
}

/**
 * The doors of the package: every entry of package.json's `exports` mirrors a file of src (`./stores/sqlite` is
 * src/stores/sqlite.ts), and every command of `bin` can start. A file without an entry is internal.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { report, type Violation } from './violation.ts'

export type Manifest = {
  name: string
  bin?: Record<string, string>
  exports: Record<string, unknown>
  dependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
  devDependencies?: Record<string, string>
}

export function readManifest(root: string): Manifest {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
}

/** The files of src that a subpath may stand for. */
const candidates = (subpath: string): string[] =>
  subpath === '.' ? ['src/index.ts'] : [`src${subpath.slice(1)}.ts`, `src${subpath.slice(1)}/index.ts`]

/** The files of src that users can import, relative to the root. */
export function publicFiles(root: string, { exports }: Manifest): Set<string> {
  return new Set(
    Object.keys(exports)
      .flatMap(candidates)
      .filter(file => existsSync(join(root, file))),
  )
}

export function exportViolations(root: string): Violation[] {
  const manifest = readManifest(root)
  const text = readFileSync(join(root, 'package.json'), 'utf8')
  const at = (needle: string, rule: string, fix: string): Violation => {
    const line = text.slice(0, text.indexOf(needle)).split('\n').length
    return { file: 'package.json', line, rule, fix }
  }

  const entries = Object.entries(manifest.exports).flatMap(([subpath, entry]) => {
    if (subpath === './package.json') return []
    const key = `"${subpath}":`
    const source = candidates(subpath).find(file => existsSync(join(root, file)))
    if (!source) {
      const rule = `the export ${subpath} has no file`
      return at(key, rule, `create ${candidates(subpath).join(' or ')}, or remove the entry`)
    }
    // The order counts: a resolver takes the first condition that it knows.
    const expected = JSON.stringify({
      'latchkey-source': `./${source}`,
      types: `./${source.replace('src', 'dist').replace('.ts', '.d.ts')}`,
      default: `./${source.replace('src', 'dist').replace('.ts', '.js')}`,
    })
    if (JSON.stringify(entry) === expected) return []
    return at(key, `the export ${subpath} does not mirror ${source}`, `write exactly ${expected}, in this order`)
  })

  const commands = Object.entries(manifest.bin ?? {}).flatMap(([name, target]) => {
    const key = `"${name}": "${target}"`
    const source = target.replace('./dist/', 'src/').replace('.js', '.ts')
    if (!existsSync(join(root, source))) {
      return at(key, `the command ${name} has no file`, `create ${source}, or remove the entry`)
    }
    if (readFileSync(join(root, source), 'utf8').startsWith('#!/usr/bin/env node\n')) return []
    return at(key, `the command ${name} cannot start`, `begin ${source} with the line #!/usr/bin/env node`)
  })

  return [...entries, ...commands]
}

if (import.meta.main) process.exitCode = report(exportViolations(process.cwd())) ? 0 : 1

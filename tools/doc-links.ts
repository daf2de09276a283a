/** Every relative link in README.md and docs/ leads to a file that exists and, with `#…`, to a heading in it. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join, posix as path, sep } from 'node:path'
import { type Link, type Page, parsePage } from './markdown.ts'
import { report, type Violation } from './violation.ts'

/** The pages of the documentation by path, parsed. */
export function readPages(root: string): Map<string, Page> {
  const files = globSync(['README.md', 'docs/**/*.md'], { cwd: root }).map(file => file.replaceAll(sep, '/'))
  return new Map(files.sort().map(file => [file, parsePage(readFileSync(join(root, file), 'utf8'))]))
}

export function linkViolations(root: string): Violation[] {
  const pages = readPages(root)
  return [...pages].flatMap(([file, { links }]) =>
    links.flatMap(link => {
      const broken = brokenBy(root, pages, file, link)
      return broken ? { file, line: link.line, ...broken } : []
    }),
  )
}

function brokenBy(
  root: string,
  pages: Map<string, Page>,
  file: string,
  { target }: Link,
): Pick<Violation, 'rule' | 'fix'> | null {
  if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return null // another site: not ours to check at every test run
  const [address = '', anchor] = target.split('#', 2)
  const to = address === '' ? file : path.normalize(path.join(path.dirname(file), decodeURIComponent(address)))
  if (address.startsWith('/') || to.startsWith('..') || !existsSync(join(root, to))) {
    return {
      rule: `the link ${target} leads nowhere`,
      fix: 'write the path relative to this page, as it is spelt on disk',
    }
  }
  if (anchor === undefined) return null
  const page = pages.get(to)
  if (page?.anchors.has(anchor)) return null
  const known = page ? `one of: ${[...page.anchors].map(name => `#${name}`).join(' ')}` : 'the file without an anchor'
  return { rule: `the link ${target} leads to no heading of ${to}`, fix: `write ${known}` }
}

if (import.meta.main) process.exitCode = report(linkViolations(process.cwd())) ? 0 : 1

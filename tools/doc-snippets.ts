/**
 * Every block fenced as `ts` in README.md and docs/ passes the type checker, each as a module of its own. What fragments
 * take as given (`app`, `session`, …) is declared once, in docs/snippets.d.ts.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { readPages } from './doc-links.ts'
import { report, type Violation } from './violation.ts'

const given = 'docs/snippets.d.ts'

export function snippetViolations(root: string): Violation[] {
  // Inside the tree, so that `latchkey` and its types are found; a directory each, so that two runs do not meet.
  const directory = join(root, '.cache', `snippets-${process.pid}`)
  mkdirSync(directory, { recursive: true })
  try {
    const places = writeSnippets(root, directory)
    return places.size === 0 ? [] : check(root, directory, places)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** Writes each block to a file of its own, pushed down to the line it has on its page. Returns the page of each file. */
function writeSnippets(root: string, directory: string): Map<string, string> {
  const places = new Map<string, string>()
  for (const [page, { blocks }] of readPages(root)) {
    for (const { language, text, line } of blocks) {
      if (language !== 'ts') continue
      const file = `${page.replaceAll('/', '.')}.${line}.ts`
      writeFileSync(join(directory, file), '\n'.repeat(line - 1) + text)
      places.set(file, page)
    }
  }
  return places
}

function check(root: string, directory: string, places: Map<string, string>): Violation[] {
  const project = join(directory, 'tsconfig.json')
  const compilerOptions = { moduleDetection: 'force', noUnusedLocals: false, noUnusedParameters: false }
  const files = [...places.keys(), relative(directory, join(root, given))]
  writeFileSync(project, JSON.stringify({ extends: '../../tsconfig.json', compilerOptions, include: [], files }))
  const tsc = join(root, 'node_modules/.bin/tsc')
  const args = ['-p', project, '--pretty', 'false']
  const { status, stdout, stderr, error } = spawnSync(tsc, args, { cwd: directory, encoding: 'utf8' })
  if (status === 0) return []
  const errors = [...stdout.matchAll(/^(\S+?)\((\d+),\d+\): error (.*(?:\n {2}.*)*)/gm)]
  if (errors.length === 0) throw new Error(`tsc failed: ${stdout}${stderr}${error?.message ?? ''}`)
  return errors.flatMap(([, file = '', line, message]) => {
    const page = places.get(file) ?? relative(root, join(directory, file))
    // What is wrong in src is found by the check of the types there.
    if (!places.has(file) && page !== given) return []
    const fix = `correct it, declare what it takes as given in ${given}, or fence it as text`
    return { file: page, line: Number(line), rule: `the snippet does not compile: ${message}`, fix }
  })
}

/** The text of a page's blocks in a language, for tests that run what a page shows. */
export function blocksOf(root: string, page: string, language: string): string[] {
  const found = readPages(root).get(page)
  if (!found) throw new Error(`There is no page ${page}.`)
  return found.blocks.filter(block => block.language === language).map(block => block.text)
}

if (import.meta.main) process.exitCode = report(snippetViolations(process.cwd())) ? 0 : 1

/**
 * Fills in the last column of the tables in docs/standards.md: the test files that name the row's requirement in a test.
 * The other columns are written by hand. It writes the page; a test sees to it that what the page claims is true.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'

/** The page, and the command that fills it in. */
export const standardsPage = 'docs/standards.md'
export const fillStandardsPage = 'node tools/standards-proofs.ts'

/** A row: its requirements (one demand of several documents), who keeps it, the files that prove it, those it shows. */
export type Row = { ids: string[]; by: string; proofs: string[]; shown: string[] }

const row = /^\| ((?:[A-Z]+[- ]?\d*[\w.-]+(?:, )?)+) \| (.*) \| ([^|]*) \| ([^|]*) \|$/
/** Enough to find the proof; the suites by requirement come first. */
const mostProofs = 3

/** The page with its last columns filled in, and its rows. */
export function standardsPageText(root: string): { text: string; rows: Row[] } {
  const tests = testFiles(root)
  const rows: Row[] = []
  const lines = readFileSync(join(root, standardsPage), 'utf8').split('\n')
  const filled = lines.map(line => {
    const [, cell, how, by, last] = row.exec(line) ?? []
    if (cell === undefined || how === undefined || by === undefined) return line
    const ids = cell.split(', ')
    const proofs = tests.filter(({ text }) => ids.some(id => names(text, id))).map(({ file }) => file)
    const shown = [...(last ?? '').matchAll(/\(\.\.\/([^)]+)\)/g)].map(([, file = '']) => file)
    rows.push({ ids, by, proofs, shown })
    const links = proofs.slice(0, mostProofs).map(file => `[${titleOf(file)}](../${file})`)
    return `| ${cell} | ${how} | ${by} | ${links.join(', ') || '–'} |`
  })
  return { text: filled.join('\n'), rows }
}

/** Test files with what is code in them, the suites by requirement first. */
function testFiles(root: string): { file: string; text: string }[] {
  return globSync(['test/**/*.test.ts', 'src/testing/*-contract/*.ts'], { cwd: root })
    .filter(file => !file.startsWith('test/docs/standards') && !file.startsWith('test/tools'))
    .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
    .map(file => ({ file, text: readFileSync(join(root, file), 'utf8').replace(/^\s*(\/\/|\/?\*).*$/gm, '') }))
}

function rank(file: string): number {
  return ['test/standards/', 'test/e2e/', 'src/testing/', 'test/http/', 'test/session/'].findIndex(
    (start, index, starts) => file.startsWith(start) || index === starts.length - 1,
  )
}

/** Whether a text names a requirement. Names of tests may leave out the word ASVS or NIST. */
function names(text: string, id: string): boolean {
  const bare = id.replace(/^(ASVS|NIST) /, '').replaceAll('.', '\\.')
  const whole = id.replaceAll('.', '\\.')
  return new RegExp(`(?<![\\w.-])(${whole}(?![\\w-]|\\.\\d)|${bare}(?=[:,]))`).test(text)
}

function titleOf(file: string): string {
  const name = basename(file, '.ts').replace('.test', '')
  const [, contract] = /(store|adapter)-contract\//.exec(file) ?? []
  const kind = contract
    ? `${contract} contract`
    : file.startsWith('test/app/')
      ? 'Campus'
      : file.startsWith('test/e2e/')
        ? 'Chromium'
        : ''
  return kind ? `${kind}: ${name}` : name
}

if (import.meta.main) writeFileSync(join(process.cwd(), standardsPage), standardsPageText(process.cwd()).text)

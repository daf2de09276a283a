import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, describe, test } from 'node:test'
import { linkViolations } from '../../tools/doc-links.ts'
import { parsePage } from '../../tools/markdown.ts'

const temporary = mkdtempSync(join(tmpdir(), 'latchkey-docs-'))
after(() => rmSync(temporary, { recursive: true }))

let repositories = 0

/** A repository with these files and nothing else. */
function repository(files: Record<string, string>): string {
  const root = join(temporary, String(repositories++))
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(join(root, dirname(file)), { recursive: true })
    writeFileSync(join(root, file), text)
  }
  return root
}

const page = '# Title\n\n## What is new?\n\n## `code` & more\n\n## What is new?\n'

const links: [name: string, link: string, broken: RegExp | null][] = [
  ['a file beside', 'other.md', null],
  ['a file above', '../README.md', null],
  ['a directory', '../src', null],
  ['a heading', 'other.md#what-is-new', null],
  ['a heading with code', 'other.md#code--more', null],
  ['the second of two equal headings', 'other.md#what-is-new-1', null],
  ['a heading of this page', '#here', null],
  ['another site', 'https://example.com/nowhere#x', null],
  ['a missing file', 'missing.md', /leads nowhere/],
  ['a file outside of the repository', '../../../etc/passwd', /leads nowhere/],
  ['an absolute path', '/docs/other.md', /leads nowhere/],
  ['a missing heading', 'other.md#old', /leads to no heading of docs\/other\.md/],
  ['a heading of this page that is missing', '#there', /leads to no heading of docs\/page\.md/],
  ['a heading of what is no page', '../src/a.ts#x', /leads to no heading of src\/a\.ts/],
]

describe('a link to', () => {
  for (const [name, link, broken] of links) {
    test(`${name} is ${broken ? 'reported' : 'fine'}`, () => {
      const text = `# Here\n\n[a link](${link})\n`
      const root = repository({ 'README.md': page, 'docs/page.md': text, 'docs/other.md': page, 'src/a.ts': '' })
      const found = linkViolations(root)
      assert.deepEqual(
        found.map(({ file, line }) => `${file}:${line}`),
        broken ? ['docs/page.md:3'] : [],
      )
      if (broken) assert.match(found[0]?.rule ?? '', broken)
    })
  }

  test('what looks like one in code is none', () => {
    const root = repository({ 'docs/page.md': '`[a](b)`\n\n```ts\nconst [a](c)\n# no heading\n```\n' })
    assert.deepEqual(linkViolations(root), [])
  })
})

test('blocks know their language and line, also inside of a list', () => {
  const { blocks } = parsePage('1. One:\n\n   ```ts\n   const a = 1\n   ```\n\n```\nplain\n```\n')
  assert.deepEqual(blocks, [
    { language: 'ts', text: '   const a = 1', line: 4 },
    { language: '', text: 'plain', line: 8 },
  ])
})

test('a block that is not closed is an error that names its line', () => {
  assert.throws(() => parsePage('a\n```ts\nb'), /line 2 is not closed/)
})

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { snippetViolations } from '../../tools/doc-snippets.ts'

const root = mkdtempSync(join(tmpdir(), 'latchkey-snippets-'))
after(() => rmSync(root, { recursive: true }))
mkdirSync(join(root, 'docs'))
symlinkSync(join(import.meta.dirname, '../../node_modules'), join(root, 'node_modules'))
writeFileSync(
  join(root, 'tsconfig.json'),
  JSON.stringify({ compilerOptions: { strict: true, noEmit: true, types: [] } }),
)
writeFileSync(join(root, 'docs/snippets.d.ts'), 'declare const given: number\n')

test('a snippet that does not compile is reported at its line of the page, others are left alone', () => {
  const page = [
    '# Page',
    '```ts',
    'const a: number = given',
    '```',
    '```js',
    'nonsense(',
    '```',
    '```ts',
    '',
    "const a: number = 'a'",
    '```',
  ]
  writeFileSync(join(root, 'docs/page.md'), page.join('\n'))
  const [found, ...others] = snippetViolations(root)
  assert.deepEqual(others, [])
  assert.deepEqual([found?.file, found?.line], ['docs/page.md', 10])
  assert.match(found?.rule ?? '', /does not compile: TS2322/)
})

test('each snippet is a module of its own, so that two may use one name', () => {
  writeFileSync(join(root, 'docs/page.md'), '```ts\nconst a = 1\n```\n```ts\nconst a = 2\n```\n')
  assert.deepEqual(snippetViolations(root), [])
})

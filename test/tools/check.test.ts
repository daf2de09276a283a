import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'

const check = join(import.meta.dirname, '../../tools/check.ts')
const temporary = mkdtempSync(join(tmpdir(), 'latchkey-check-'))
after(() => rmSync(temporary, { recursive: true }))

/** Runs `npm test -- x.test.ts` on a test file of its own. */
function checkFile(text: string, ci: boolean) {
  writeFileSync(join(temporary, 'x.test.ts'), `import { describe, test } from 'node:test'\n${text}`)
  const { NODE_TEST_CONTEXT: _, ...env } = process.env // else the inner runner takes itself for a part of this one
  const { status, stdout } = spawnSync(process.execPath, [check, 'x.test.ts'], {
    cwd: temporary,
    encoding: 'utf8',
    env: { ...env, CI: String(ci) },
  })
  return { green: status === 0, output: stdout, lastLine: stdout.trimEnd().split('\n').at(-1) }
}

type Row = [name: string, text: string, green: boolean, greenInCI: boolean, skipped: number]

const table: Row[] = [
  ['a passing test', `test('a', () => {})`, true, true, 0],
  ['a failing test', `test('a', () => { throw new Error() })`, false, false, 0],
  ['a file that cannot be loaded', `throw new Error()`, false, false, 0],
  ['a skipped test', `test('a', { skip: 'no browser' }, () => {})`, true, false, 1],
  ['a test that skips itself', `test('a', t => t.skip())`, true, false, 1],
  ['a skipped suite', `describe('a', { skip: true }, () => { test('b', () => {}) })`, true, false, 1],
  ['a test to do', `test.todo('a')`, true, false, 1],
  ['a failing test to do', `test('a', { todo: true }, () => { throw new Error() })`, true, false, 1],
  ['a file without a test', `if (process.env.NEVER) test('a', () => {})`, false, false, 0],
  ['a file that ends before its tests', `test('a', () => process.exit(0)); test('b', () => {})`, false, false, 0],
]

for (const [name, text, green, greenInCI, skipped] of table) {
  test(`npm test: ${name} is ${green ? 'green' : 'red'}, with CI=true ${greenInCI ? 'green' : 'red'}`, () => {
    for (const [ci, expected] of [
      [false, green],
      [true, greenInCI],
    ] as const) {
      const result = checkFile(text, ci)
      assert.equal(result.green, expected, result.output)
      assert.equal(result.lastLine, `skipped tests: ${skipped}`)
      assert.match(result.output, /^ℹ tests \d+$/m)
    }
  })
}

test('npm test: a path without tests is red', () => {
  const { status, stdout } = spawnSync(process.execPath, [check, 'nowhere'], { cwd: temporary, encoding: 'utf8' })
  assert.equal(status, 1)
  assert.match(stdout, /no tests in nowhere/)
})

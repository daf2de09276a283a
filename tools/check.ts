/**
 * `npm test`: every check of the repository, in order. With paths (`npm test -- test/session`) only those tests.
 * Under CI=true a skipped test or a missing service is a failure.
 */
import { spawnSync } from 'node:child_process'
import { delimiter, resolve } from 'node:path'
import { provision } from './provision.ts'
import { runTests, testFiles } from './tests.ts'

const checks: [name: string, command: string, ...args: string[]][] = [
  ['types', 'tsc', '-p', 'tsconfig.json'],
  ['types of what is published', 'tsc', '-p', 'tsconfig.build.json', '--noEmit'],
  ['types of what runs in browsers', 'tsc', '-p', 'tsconfig.browser.json', '--noEmit'],
  ['types of the console', 'tsc', '-p', 'src/console/page', '--noEmit'],
  ['lint and format', 'biome', 'ci', '--error-on-warnings', '--colors=off', '.'],
  ['layers', 'node', 'tools/layers.ts'],
  ['exports', 'node', 'tools/exports.ts'],
]

const minutes = 15
const startedAt = Date.now()
const elapsed = () => Date.now() - startedAt
const remaining = () => Math.max(1, minutes * 60_000 - elapsed())
const inCI = process.env.CI === 'true'
const paths = process.argv.slice(2)
const failures: string[] = []

function heading(name: string) {
  console.log(`\n── ${name}`)
}

function check([name, command, ...args]: (typeof checks)[number]) {
  heading(name)
  const began = Date.now()
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: Number.POSITIVE_INFINITY,
    timeout: remaining(),
    env: { ...process.env, PATH: `${resolve('node_modules/.bin')}${delimiter}${process.env.PATH}` },
  })
  if (status === 0) return console.log(`✔ ${((Date.now() - began) / 1000).toFixed(1)} s`)
  console.log(`$ ${command} ${args.join(' ')}\n${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}`)
  failures.push(name)
}

if (paths.length === 0) {
  for (const one of checks) check(one)
  heading('what the tests need')
  const missing = provision()
  if (missing.length > 0 && inCI) failures.push(`missing: ${missing.join(', ')}`)
}

heading('tests')
const files = testFiles(paths.length > 0 ? paths : ['test'])
if (files.length === 0) failures.push(`no tests in ${paths.join(', ') || 'test'}`)
const timeIsUp = new AbortController()
setTimeout(() => timeIsUp.abort(new Error(`npm test may take ${minutes} minutes`)), remaining()).unref()
const { passed, skipped } = files.length > 0 ? await runTests(files, timeIsUp.signal) : { passed: true, skipped: [] }
if (!passed) failures.push('tests')
if (skipped.length > 0 && inCI) failures.push('skipped tests, which CI=true forbids')

heading('result')
for (const test of skipped) console.log(`SKIPPED ${test}`)
console.log(failures.length > 0 ? `✖ failed: ${failures.join('; ')}` : '✔ all passed')
console.log(`total time: ${(elapsed() / 1000).toFixed(1)} s`)
console.log(`skipped tests: ${skipped.length}`)
process.exitCode = failures.length > 0 ? 1 : 0

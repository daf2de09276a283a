/** What pages show as the output of a program is what the program puts out. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, it } from 'node:test'
import { createSessions, type SessionsOptions, UsageError } from 'latchkey'
import { memoryStore } from 'latchkey/stores/memory'
import { blocksOf } from '../../tools/doc-snippets.ts'

const root = join(import.meta.dirname, '../..')
const secret = randomBytes(32).toString('base64url')

function sessionsWith(policy: NonNullable<SessionsOptions['policy']>) {
  return createSessions({
    secrets: [secret],
    store: memoryStore(),
    environment: 'development',
    sweepEvery: false,
    policy,
  })
}

it('ASVS 7.1.1: docs/policy.md shows the policy page as it is printed', () => {
  const [shown] = blocksOf(root, 'docs/policy.md', 'markdown')
  assert.equal(`${shown}\n`, sessionsWith({ preset: 'aal2', maxSessions: 5 }).policyPage())
})

it('docs/policy.md shows the refusal of a policy weaker than its preset', () => {
  const [shown] = blocksOf(root, 'docs/policy.md', 'text')
  assert.throws(
    () => sessionsWith({ preset: 'aal3', idleTimeout: '1h' }),
    error => error instanceof UsageError && error.message === shown,
  )
})

function latchkey(...args: string[]): string {
  const env = { PATH: process.env.PATH, SESSION_SECRET: secret }
  const command = ['--conditions=latchkey-source', 'src/cli/latchkey.ts', ...args]
  return spawnSync(process.execPath, command, { cwd: root, env, encoding: 'utf8' }).stdout.trim()
}

const [help, report] = blocksOf(root, 'docs/cli.md', 'text')

it('docs/cli.md shows the help as it is printed', () => {
  assert.equal(help, latchkey('--help'))
})

it('docs/cli.md shows what the doctor says about the configuration it shows', () => {
  mkdirSync(join(root, '.cache'), { recursive: true })
  const directory = mkdtempSync(join(root, '.cache', 'doctor-'))
  after(() => rmSync(directory, { recursive: true }))
  const [configuration = ''] = blocksOf(root, 'docs/cli.md', 'ts')
  const file = join(directory, 'session-options.ts')
  const place = '/var/lib/campus'
  assert.ok(configuration.includes(place))
  writeFileSync(file, configuration.replaceAll(place, directory))
  const said = latchkey('doctor', '--config', file, '--private', directory).replaceAll(directory, place)
  const withoutVersion = (text: string) => text.replace(/Node \d[\d.]*\d/, 'Node …')
  const [, shown = ''] = report?.split('\n\n', 2) ?? []
  const [lines] = said.split('\n\n')
  assert.equal(withoutVersion(shown), withoutVersion(lines ?? ''))
  assert.ok(report?.endsWith(said.slice(said.lastIndexOf('\n'))))
})

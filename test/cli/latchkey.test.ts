import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { judgeAnswer } from '../../src/cli/site-checks.ts'

const root = new URL('../..', import.meta.url)
const secret = 'q3Zr8vXw1Tn6LkYp0sBd5fHj2mCg7aUe9iOxRtWzQyE'

/** Runs the command as a user would, in a process of its own. */
function latchkey(
  args: string[],
  env: Record<string, string> = {},
): Promise<{ code: number; out: string; error: string }> {
  return new Promise(resolve => {
    const command = ['--conditions=latchkey-source', 'src/cli/latchkey.ts', ...args]
    execFile(
      process.execPath,
      command,
      { cwd: root, env: { PATH: process.env.PATH ?? '', ...env } },
      (failure, out, error) => {
        resolve({ code: failure ? Number(failure.code) : 0, out, error })
      },
    )
  })
}

describe('latchkey keygen', () => {
  it('prints one secret of 256 bits, another one each time', async () => {
    const [one, two] = await Promise.all([latchkey(['keygen']), latchkey(['keygen'])])
    assert.match(one.out, /^[A-Za-z0-9_-]{43}\n$/)
    assert.notEqual(one.out, two.out)
    assert.equal(one.code, 0)
  })

  it('refuses what it does not understand', async () => {
    const { code, error } = await latchkey(['keygen', '--bits', '64'])
    assert.equal(code, 2)
    assert.match(error, /takes no options/)
  })
})

describe('latchkey doctor', () => {
  let directory: string
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'latchkey-doctor-'))
  })
  after(() => rm(directory, { recursive: true }))

  async function configuration(source: string): Promise<string> {
    const file = join(directory, `${Math.random().toString(36).slice(2)}.ts`)
    await writeFile(file, source)
    return file
  }
  const store = `const store = { name: 'test', persistent: true, ping: async () => {}, close: async () => {} }\n`

  it('finds nothing wrong with a sound set-up and exits 0', async () => {
    const file = await configuration(
      `${store}export default { secrets: [process.env.SESSION_SECRET], store, trustProxy: false, onEvent() {}, policy: { maxSessions: 5 } }`,
    )
    const { code, out } = await latchkey(['doctor', '--strict', '--config', file], {
      NODE_ENV: 'production',
      SESSION_SECRET: secret,
    })
    assert.equal(code, 0, out)
    assert.match(out, /0 to think about, 0 wrong/)
  })

  const wrong: readonly (readonly [name: string, options: string, says: RegExp])[] = [
    [
      'a missing secret',
      `{ secrets: [process.env.NOT_SET], store, trustProxy: false }`,
      /FAIL {2}secrets\[0\] is missing[\s\S]*keygen/,
    ],
    [
      'a store that forgets',
      `{ secrets: ['${secret}'], store: { ...store, persistent: false }, trustProxy: false }`,
      /FAIL {2}store is test/,
    ],
    [
      'a store that does not answer',
      `{ secrets: ['${secret}'], store: { ...store, ping: async () => { throw new Error('down') } }, trustProxy: false }`,
      /FAIL {2}It does not start/,
    ],
    ['plain HTTP', `{ secrets: ['${secret}'], store, trustProxy: false, insecureHttp: true }`, /FAIL {2}insecureHttp/],
    ['no trustProxy', `{ secrets: ['${secret}'], store }`, /FAIL {2}trustProxy is not set/],
    [
      'report-only CSRF',
      `{ secrets: ['${secret}'], store, trustProxy: false, csrf: { insecureReportOnly: true } }`,
      /FAIL {2}csrf\.insecureReportOnly/,
    ],
  ]
  for (const [name, options, says] of wrong) {
    it(`finds ${name} and exits 1`, async () => {
      const file = await configuration(`${store}export default ${options}`)
      const { code, out } = await latchkey(['doctor', '--config', file], { NODE_ENV: 'production' })
      assert.equal(code, 1)
      assert.match(out, says)
      assert.doesNotMatch(out, new RegExp(secret), 'a secret was printed')
    })
  }

  it('says what is wrong with a module it cannot use', async () => {
    const { code, out } = await latchkey(['doctor', '--config', join(directory, 'nowhere.ts')], {
      NODE_ENV: 'production',
    })
    assert.equal(code, 1)
    assert.match(out, /could not be loaded/)
  })

  it('finds a file that others can read', async () => {
    const file = await configuration('')
    await chmod(file, 0o644)
    const open = await latchkey(['doctor', '--private', file], { NODE_ENV: 'production' })
    assert.equal(open.code, 1)
    assert.match(open.out, /mode 644/)
    await chmod(file, 0o600)
    assert.equal((await latchkey(['doctor', '--private', file], { NODE_ENV: 'production' })).code, 0)
  })

  it('finds that a site is plain HTTP, or does not answer', async () => {
    const server = createServer().listen(0)
    const { port } = server.address() as AddressInfo
    const plain = await latchkey(['doctor', '--url', `http://127.0.0.1:${port}/`], { NODE_ENV: 'production' })
    assert.match(plain.out, /FAIL.*plain HTTP/)
    server.close()
    const dead = await latchkey(['doctor', '--url', `https://127.0.0.1:${port}/`], { NODE_ENV: 'production' })
    assert.match(dead.out, /FAIL.*did not answer/)
  })

  it('exits 2 for a command or an option it does not know', async () => {
    assert.equal((await latchkey(['doktor'])).code, 2)
    assert.equal((await latchkey(['doctor', '--nope'])).code, 2)
    assert.equal((await latchkey(['constructor'])).code, 2)
  })
})

describe('the look from outside', () => {
  const cookie = '__Host-Http-sid=x; Path=/; Secure; HttpOnly; SameSite=Lax'
  const hsts = 'max-age=31536000; includeSubDomains'
  const cases: readonly (readonly [name: string, headers: [string, string][], worst: string])[] = [
    [
      'all is well',
      [
        ['strict-transport-security', hsts],
        ['x-content-type-options', 'nosniff'],
        ['set-cookie', cookie],
        ['cache-control', 'no-store'],
      ],
      'ok',
    ],
    ['ASVS 3.4.1: no HSTS', [['x-content-type-options', 'nosniff']], 'failure'],
    [
      'ASVS 3.4.1: HSTS for a day',
      [
        ['strict-transport-security', 'max-age=86400'],
        ['x-content-type-options', 'nosniff'],
      ],
      'failure',
    ],
    [
      'ASVS 3.3.4: a cookie without HttpOnly',
      [
        ['strict-transport-security', hsts],
        ['x-content-type-options', 'nosniff'],
        ['set-cookie', '__Host-a=x; Secure; SameSite=Lax'],
        ['cache-control', 'no-store'],
      ],
      'failure',
    ],
    [
      'ASVS 3.3.1: a cookie without prefix',
      [
        ['strict-transport-security', hsts],
        ['x-content-type-options', 'nosniff'],
        ['set-cookie', 'a=x; Secure; HttpOnly; SameSite=Lax'],
        ['cache-control', 'no-store'],
      ],
      'warning',
    ],
    [
      'WSTG-SESS-04b: a cookie in a cacheable answer',
      [
        ['strict-transport-security', hsts],
        ['x-content-type-options', 'nosniff'],
        ['set-cookie', cookie],
      ],
      'failure',
    ],
  ]
  for (const [name, headers, worst] of cases) {
    it(`${name}: ${worst}`, () => {
      const levels = judgeAnswer('https://a.example/', new Headers(headers)).map(finding => finding.level)
      const found = levels.includes('failure') ? 'failure' : levels.includes('warning') ? 'warning' : 'ok'
      assert.equal(found, worst)
    })
  }
})

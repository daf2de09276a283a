import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createKeySet } from '../../src/bearer/key-set.ts'
import { keygen } from '../../src/cli/keygen.ts'
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
    assert.match(error, /--bits/)
  })

  /** The command without a process, which would take most of the time. */
  async function run(args: string[]): Promise<{ code: number; out: string; error: string }> {
    const said = { out: '', error: '' }
    const terminal = {
      out: (text: string) => (said.out += `${text}\n`),
      error: (text: string) => (said.error += text),
      color: false,
    }
    return { code: await keygen(args.slice(1), terminal), ...said }
  }

  const algorithms: readonly (readonly [alg: string, kty: string, secret: string])[] = [
    ['ES256', 'EC', 'd'],
    ['EdDSA', 'OKP', 'd'],
    ['Ed25519', 'OKP', 'd'],
    ['HS256', 'oct', 'k'],
  ]
  for (const [alg, kty, part] of algorithms) {
    it(`--jwk --alg ${alg} prints one private key that createKeySet takes, another one each time`, async () => {
      const args = ['keygen', '--jwk', '--alg', alg, '--from', '2026-01-31', '--until', '2126-01-31T04:00:00Z']
      const [one, two] = await Promise.all([run(args), run(args)])
      assert.equal(one.code, 0, one.error)
      assert.match(one.out, /^\{[^\n]+\}\n$/, 'alone on its line')
      const jwk = JSON.parse(one.out)
      assert.deepEqual([jwk.alg, jwk.kty, jwk.use], [alg, kty, 'sig'])
      assert.deepEqual([jwk['latchkey:from'], jwk['latchkey:until']], ['2026-01-31T00:00:00Z', '2126-01-31T04:00:00Z'])
      assert.equal(Buffer.from(jwk[part], 'base64url').length, 32)
      assert.notEqual(jwk[part], JSON.parse(two.out)[part])
      const keys = createKeySet(one.out + two.out, { verifiesForMs: 900_000 })
      assert.equal(keys.signingKey(Date.now()).kid, jwk.kid)
    })
  }

  it('--jwk makes ES256, without times, when nothing is said; lengths of time count from now', async () => {
    const [plain, later] = await Promise.all([run(['keygen', '--jwk']), run(['keygen', '--jwk', '--from', '7d'])])
    assert.deepEqual(Object.keys(JSON.parse(plain.out)).sort(), ['alg', 'crv', 'd', 'kid', 'kty', 'use', 'x', 'y'])
    assert.equal(JSON.parse(plain.out).alg, 'ES256')
    const inDays = (Date.parse(JSON.parse(later.out)['latchkey:from']) - Date.now()) / 86_400_000
    assert.ok(inDays > 6.9 && inDays <= 7, `${inDays}`)
  })

  const refused: readonly (readonly [args: string, says: RegExp])[] = [
    ['--alg ES256', /for --jwk/],
    ['--jwk --alg none', /none of ES256/],
    ['--jwk --alg RS256', /none of ES256/],
    ['--jwk --alg toString', /none of ES256/],
    ['--jwk --from tomorrow', /no time.*7d/],
    ['--jwk --from 2027-06-31', /no time/],
    ['--jwk --from 2027-01-31T04:00:00+01:00', /no time/],
    ['--jwk --from 2027-02-01 --until 2027-01-31', /--until/],
    ['--jwk key.json', /key\.json/],
  ]
  for (const [args, says] of refused) {
    it(`keygen ${args} is refused and prints no key`, async () => {
      const { code, out, error } = await run(['keygen', ...args.split(' ')])
      assert.equal(code, 2)
      assert.equal(out, '')
      assert.match(error, says)
    })
  }
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

/**
 * T03: every `Set-Cookie` of a whole life of sessions, collected from real responses of every adapter, and each row
 * about cookie attributes checked on all of them.
 */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { SessionsOptions } from 'latchkey'
import { CookieJar } from 'tough-cookie'
import { adapters, type Running, running } from '../actors/application.ts'
import { site, type WireAnswer } from '../actors/http-client.ts'

interface SetCookie {
  readonly line: string
  readonly name: string
  readonly value: string
  /** By lower-case name; a flag without value is `true`. */
  readonly attributes: ReadonlyMap<string, string | true>
  /** Attribute names as written, in order. */
  readonly attributeNames: readonly string[]
}

function parsed(line: string): SetCookie {
  const [pair = '', ...rest] = line.split('; ')
  const at = pair.indexOf('=')
  const attributes = rest.map(attribute => attribute.split(/=(.*)/s))
  return {
    line,
    name: pair.slice(0, at),
    value: pair.slice(at + 1),
    attributes: new Map(attributes.map(([name = '', value]) => [name.toLowerCase(), value ?? true])),
    attributeNames: attributes.map(([name = '']) => name.toLowerCase()),
  }
}

interface Crawl {
  readonly answers: readonly WireAnswer[]
  readonly cookies: readonly SetCookie[]
}

/** A guest, a sign-in, everything that changes the token, errors, sign-out, and "remember me". */
async function crawl({ client, clock }: Running): Promise<Crawl> {
  const answers: WireAnswer[] = []
  const visitor = client()
  const visit = async (method: 'GET' | 'POST', path: string): Promise<void> => {
    answers.push(await (method === 'POST' ? visitor.post(path) : visitor.send(path)))
  }
  await visit('POST', '/set?color=red')
  await visit('POST', '/login?user=alice')
  await visit('GET', '/me')
  await visit('POST', '/step-up')
  await visit('POST', '/rotate')
  clock.advance('10m')
  await visit('GET', '/me')
  await visit('POST', '/set?size=9')
  await visit('POST', '/set-both?size=9')
  await visit('GET', '/throws')
  await visit('POST', '/set-and-throw?size=8')
  await visit('POST', '/set-and-answer-204?size=7')
  await visit('POST', '/logout')
  await visit('GET', '/private')
  await visit('POST', '/login?user=bob')
  await visit('POST', '/remember')
  await visit('POST', '/logout')
  const ours = /^(__Host-Http-|__Secure-)?(sid|campus|second)$/
  const cookies = answers.flatMap(({ setCookies }) => setCookies.map(parsed)).filter(({ name }) => ours.test(name))
  return { answers, cookies }
}

type Configuration = Pick<SessionsOptions, 'cookie' | 'policy' | 'insecureHttp'>
type Row = readonly [
  configuration: string,
  options: Configuration,
  name: string,
  attributes: Readonly<Record<string, string | true>>,
]

const host = { path: '/', secure: true, httponly: true, samesite: 'Lax' } as const
const rows: readonly Row[] = [
  ['by default', {}, '__Host-Http-sid', host],
  ['with sameSite strict', { cookie: { sameSite: 'strict' } }, '__Host-Http-sid', { ...host, samesite: 'Strict' }],
  ['with preset owasp-high', { policy: { preset: 'owasp-high' } }, '__Host-Http-sid', { ...host, samesite: 'Strict' }],
  ['with a name', { cookie: { name: 'campus' } }, '__Host-Http-campus', host],
  ['with a domain', { cookie: { domain: 'campus.example' } }, '__Secure-sid', { ...host, domain: 'campus.example' }],
  [
    'with sameSite none',
    { cookie: { sameSite: 'none', insecureSameSiteNone: true } },
    '__Host-Http-sid',
    { ...host, samesite: 'None' },
  ],
  ['with insecureHttp', { insecureHttp: true }, 'sid', { path: '/', httponly: true, samesite: 'Lax' }],
]

for (const adapter of Object.keys(adapters)) {
  suite(`T03: the session cookie on ${adapter}`, () => {
    for (const [configuration, options, name, attributes] of rows) {
      test(`ASVS 3.3.1, 3.3.2, 3.3.3, WSTG-SESS-02, CK-8, CK-12: ${configuration} it has this name and these attributes`, () =>
        running(
          adapter,
          async application => {
            const { cookies } = await crawl(application)
            const first = cookies.filter(cookie => !cookie.name.endsWith('second'))
            assert.ok(first.length >= 9, `only ${first.length} cookies were set`)
            for (const cookie of first) {
              const life = ['max-age', 'expires']
              const others = [...cookie.attributes].filter(([attribute]) => !life.includes(attribute))
              assert.deepEqual([cookie.name, Object.fromEntries(others)], [name, attributes], cookie.line)
            }
          },
          { sessions: options },
        ))
    }

    test('CK-1, CK-2, CK-3, CK-4: every answer has one well-formed cookie of a name, and they are few and short', () =>
      running(adapter, async application => {
        const { answers } = await crawl(application)
        const mixed = await application.client().post('/set-with-cookies?color=red')
        for (const { setCookies } of [...answers, mixed]) {
          const all = setCookies.map(parsed)
          assert.equal(new Set(all.map(cookie => cookie.name)).size, all.length)
          assert.ok(all.filter(cookie => cookie.name.startsWith('__')).length <= 2)
          for (const { name, value, attributeNames, line } of all) {
            assert.match(name, /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/)
            assert.match(value, /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/)
            assert.equal(new Set(attributeNames).size, attributeNames.length, line)
            assert.ok(name.length + value.length <= 256, line)
          }
        }
      }))

    test('WSTG-SESS-01d, NIST 5.1-h: only "remember me" outlives the browser, and never its session', () =>
      running(adapter, async ({ client }) => {
        const visitor = client()
        const transient = await visitor.post('/login?user=alice')
        const remembered = await visitor.post('/remember')
        const [before, after] = [transient, remembered].map(({ setCookies }) => parsed(setCookies[0] ?? ''))
        assert.deepEqual(
          before?.attributeNames.filter(name => /max-age|expires/.test(name)),
          [],
        )
        assert.equal(after?.attributes.get('max-age'), String(30 * 86_400))
      }))

    test('CK-6: what removes the cookie is accepted by a conforming jar and removes it', () =>
      running(adapter, async ({ signedIn }) => {
        const alice = await signedIn()
        assert.notEqual(await alice.token(), null)
        const { setCookies } = await alice.post('/logout')
        assert.equal(await alice.token(), null)
        assert.equal(parsed(setCookies[0] ?? '').value, '')
      }))

    test('CK-6, CK-8: all cookies of the crawl pass a jar that enforces prefixes', () =>
      running(adapter, async application => {
        const { cookies } = await crawl(application)
        const jar = new CookieJar(undefined, { prefixSecurity: 'strict' })
        for (const { line } of cookies) assert.ok(await jar.setCookie(line, site), line)
        for (const { line } of cookies) {
          await assert.rejects(jar.setCookie(line.replace('; Secure', ''), site))
        }
      }))

    test('CK-7: the name counts in its exact case', () =>
      running(adapter, async ({ signedIn, client }) => {
        const token = await (await signedIn()).token()
        assert.equal((await client().me({ cookie: `__Host-Http-sid=${token}` })).userId, 'alice')
        for (const name of ['__host-http-sid', '__HOST-HTTP-SID', '__Host-http-sid', 'sid', '__Host-sid']) {
          assert.equal((await client().me({ cookie: `${name}=${token}` })).userId, null, name)
        }
      }))

    test('CK-14, CS-S1, NIST 5.1.1-c: the value is opaque and the name tells nothing', () =>
      running(adapter, async ({ client }) => {
        const person = 'jane.doe@university.example'
        const jane = client()
        await jane.post(`/login?user=${encodeURIComponent(person)}`)
        const token = (await jane.token()) ?? ''
        const { id } = await jane.me()
        const decoded = Buffer.from(token.split('.')[1] ?? '', 'base64url')
        for (const text of [token, decoded.toString('latin1'), decoded.toString('hex')]) {
          assert.doesNotMatch(text, /jane|doe|university/i)
        }
        assert.equal(decoded.subarray(0, 16).toString('base64url'), id, 'nothing but the public id can be read')
      }))

    test('NIST 5.1.1-d, WSTG-SESS-07: a cookie that the client keeps too long is refused by the server', () =>
      running(adapter, async ({ client, clock }) => {
        const alice = client()
        await alice.post('/remember')
        const kept = await alice.cookie()
        clock.advance('30d')
        assert.equal((await client().me({ cookie: kept })).userId, null)
      }))

    test('ASVS 3.3.4: the token leaves the server in Set-Cookie and nowhere else', () =>
      running(adapter, async application => {
        const { answers, cookies } = await crawl(application)
        const tokens = cookies.map(cookie => cookie.value).filter(value => value !== '')
        assert.ok(tokens.length >= 7)
        for (const { headers, body } of answers) {
          const { 'set-cookie': _, ...others } = headers
          const rest = JSON.stringify(others) + body
          for (const token of tokens) assert.ok(!rest.includes(token) && !rest.includes(encodeURIComponent(token)))
        }
      }))
  })
}

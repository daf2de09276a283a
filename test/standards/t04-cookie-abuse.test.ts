/**
 * T04: cookies that no browser would send. Whatever arrives, the answer has a clean status, nobody becomes somebody
 * else, nothing crashes, and what looks like an attack is told.
 */
import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import type { SessionStore } from 'latchkey'
import { memoryStore } from 'latchkey/stores/memory'
import { createKeyRing } from '../../src/session/key-ring.ts'
import { writeToken } from '../../src/session/token.ts'
import { send, speak } from '../../src/testing/adapter-contract/wire.ts'
import { adapters, type Running, running } from '../actors/application.ts'

const numRuns = Number(process.env.FUZZ_RUNS ?? 100)
const ours = '__Host-Http-sid'

/** What a raw request was answered with: the status, and who the server thinks it came from. */
interface Heard {
  readonly status: number
  readonly userId: string | null
}

/** Sends `GET /me` with these lines as they are, byte for byte. */
async function ask({ origin }: Running, lines: readonly string[]): Promise<Heard> {
  const head = ['GET /me HTTP/1.1', 'Host: campus.example', 'X-Forwarded-Proto: https', 'Connection: close', ...lines]
  const heard = await speak(origin, `${head.join('\r\n')}\r\n\r\n`)
  // A server that stops reading may reset the connection before its refusal is read.
  const status = heard === '' ? 431 : Number(/^HTTP\/1\.1 (\d{3}) /.exec(heard)?.[1])
  return { status, userId: /"userId":"(\w+)"/.exec(heard)?.[1] ?? null }
}

type Row = readonly [
  name: string,
  lines: (token: string) => readonly string[],
  heard: readonly [status: number, userId: string | null],
  event?: string,
]

const alice = [200, 'alice'] as const
const nobody = [200, null] as const
const refused = [400, null] as const
const tooLarge = [431, null] as const

const rows: readonly Row[] = [
  ['our cookie alone', t => [`Cookie: ${ours}=${t}`], alice],
  ['our cookie among others', t => [`Cookie: a=1; ${ours}=${t}; b=2`], alice],
  ['the header name in capitals', t => [`COOKIE: ${ours}=${t}`], alice],
  ['CK-11: two Cookie headers', t => ['Cookie: a=1', `Cookie: ${ours}=${t}`], alice],

  ['CK-10: two of ours', t => [`Cookie: ${ours}=${t}; ${ours}=x`], nobody, 'cookie.duplicated'],
  ['CK-10: two of ours, the good one last', t => [`Cookie: ${ours}=x; ${ours}=${t}`], nobody, 'cookie.duplicated'],
  ['CK-10: two equal ones', t => [`Cookie: ${ours}=${t}; ${ours}=${t}`], nobody, 'cookie.duplicated'],
  ['CK-10: in two headers', t => [`Cookie: ${ours}=${t}`, `Cookie: ${ours}=x`], nobody, 'cookie.duplicated'],
  ['CK-10: a thousand of ours', t => [`Cookie: ${`${ours}=x; `.repeat(500)}${ours}=${t}`], nobody, 'cookie.duplicated'],

  ['CK-9: a percent-encoded name', t => [`Cookie: __%48ost-Http-sid=${t}`], nobody],
  ['CK-9: a name after U+00A0', t => [`Cookie: a=1; \xa0${ours}=${t}`], nobody],
  ['CK-9: a name after U+0085', t => [`Cookie: a=1; \x85${ours}=${t}`], nobody],
  ['CK-9: a name after U+2000 in UTF-8', t => [`Cookie: a=1; \xe2\x80\x80${ours}=${t}`], nobody],
  ['CK-9: a name before a space', t => [`Cookie: ${ours} =${t}`], nobody],
  ['CK-9: $Version', t => [`Cookie: $Version=1,${ours}=${t}`], nobody],
  ['CK-9: $Version and a quoted value', t => [`Cookie: $Version=1; ${ours}="${t}"; $Path="/"`], nobody, 'token.forged'],
  ['CK-9: a quoted value', t => [`Cookie: ${ours}="${t}"`], nobody, 'token.forged'],
  ['CK-9: a nameless cookie', t => [`Cookie: =${ours}=${t}`], nobody],
  ['CK-9: hidden in a quoted value', t => [`Cookie: a="; ${ours}=${t}`], alice],
  ['CK-9: commas between cookies', t => [`Cookie: a=1, ${ours}=${t}`], nobody],
  ['CK-9: an array in the name', t => [`Cookie: ${ours}[]=${t}`], nobody],

  ['a folded header', t => ['Cookie: a=1;', ` ${ours}=${t}`], refused],
  ['NUL in the value', t => [`Cookie: ${ours}=${t}\0`], refused],
  ['NUL in front', t => [`Cookie: \0${ours}=${t}`], refused],
  ['a bare CR', t => [`Cookie: ${ours}=x\r; ${ours}=${t}`], refused],
  ['a header name with a space', t => [`Cookie : ${ours}=${t}`], refused],
  ['an empty value', () => [`Cookie: ${ours}=`], nobody],
  ['an empty header', () => ['Cookie:'], nobody],
  ['only separators', () => [`Cookie: ${';'.repeat(8_000)}`], nobody],
  ['only equals signs', () => [`Cookie: ${'='.repeat(8_000)}`], nobody],
  ['a name of 8 KiB', t => [`Cookie: ${'a'.repeat(8_192)}=1; ${ours}=${t}`], alice],
  ['WSTG-SESS-01c: 12 KiB of value', () => [`Cookie: ${ours}=${'a'.repeat(12_288)}`], nobody, 'token.forged'],
  ['WSTG-SESS-01c: 64 KiB of value', () => [`Cookie: ${ours}=${'a'.repeat(65_536)}`], tooLarge],
  ['WSTG-SESS-01c: 64 KiB of other cookies', t => [`Cookie: ${'a=1; '.repeat(13_108)}${ours}=${t}`], tooLarge],
  ['WSTG-SESS-01c: ten thousand headers', t => [...Array(10_000).fill('A: 1'), `Cookie: ${ours}=${t}`], tooLarge],

  ['WSTG-SESS-01c: cut by one', t => [`Cookie: ${ours}=${t.slice(0, -1)}`], nobody, 'token.forged'],
  ['WSTG-SESS-01c: longer by one', t => [`Cookie: ${ours}=${t}A`], nobody, 'token.forged'],
  ['WSTG-SESS-01c: padded', t => [`Cookie: ${ours}=${t}==`], nobody, 'token.forged'],
  ['WSTG-SESS-01c: twice', t => [`Cookie: ${ours}=${t}${t}`], nobody, 'token.forged'],
  ['WSTG-SESS-01c: percent-encoded', t => [`Cookie: ${ours}=${t.replace('.', '%2E')}`], nobody, 'token.forged'],
  ['WSTG-SESS-01c: in capitals', t => [`Cookie: ${ours}=${t.toUpperCase()}`], nobody, 'token.forged'],
  ['WSTG-SESS-01c: in base64', t => [`Cookie: ${ours}=${inBase64(t)}`], nobody, 'token.forged'],
  ['WSTG-SESS-01c: without key id', t => [`Cookie: ${ours}=${t.slice(t.indexOf('.'))}`], nobody, 'token.forged'],
  ['CS-S3: SQL', () => [`Cookie: ${ours}=' OR '1'='1`], nobody, 'token.forged'],
  ['CS-S3: a path', () => [`Cookie: ${ours}=../../../../etc/passwd`], nobody, 'token.forged'],
  ['CS-S3: a key pattern', () => [`Cookie: ${ours}=*`], nobody, 'token.forged'],
  ['CS-S3: __proto__', () => [`Cookie: ${ours}=__proto__`], nobody, 'token.forged'],

  ['WSTG-SESS-04c: in a header of its own', t => [`${ours}: ${t}`, `X-Session-Token: ${t}`, `sid: ${t}`], nobody],
  ['WSTG-SESS-04c: as bearer token', t => [`Authorization: Bearer ${t}`], nobody],
  ['WSTG-SESS-04c: in Cookie2', t => [`Cookie2: ${ours}=${t}`], nobody],
  ['WSTG-SESS-04c: in Set-Cookie', t => [`Set-Cookie: ${ours}=${t}`], nobody],
  ['WSTG-SESS-04c: in Referer', t => [`Referer: https://campus.example/?${ours}=${t}`], nobody],
]

/** With a character that only base64 has, so that a lenient decoder would take it for the same. */
const inBase64 = (token: string) => token.replace(/[-_]|.$/, character => (character === '_' ? '/' : '+'))

for (const adapter of Object.keys(adapters)) {
  suite(`T04: cookies that no browser sends, on ${adapter}`, () => {
    for (const [name, lines, [status, userId], event] of rows) {
      test(`${name}: ${status}, ${userId ?? 'nobody'}${event ? `, told as ${event}` : ''}`, () =>
        running(adapter, async application => {
          const { signedIn, events } = application
          const user = await signedIn()
          const token = (await user.token()) ?? ''
          events.length = 0
          assert.deepEqual(await ask(application, lines(token)), { status, userId })
          assert.deepEqual(
            events.map(({ type }) => type),
            event ? [event] : [],
          )
          assert.equal((await user.me()).userId, 'alice', 'the honest session lives on')
        }))
    }

    test('WSTG-SESS-01c: a token with any one character changed is forged, and costs no store access', () =>
      running(adapter, async ({ origin, signedIn, events, clock, store }) => {
        const token = (await (await signedIn()).token()) ?? ''
        const agent = new Agent({ keepAlive: true })
        events.length = 0
        store.calls.length = 0
        let tried = 0
        for (let at = 0; at < token.length; at += 1) {
          for (const character of othersThan(token.charAt(at))) {
            const forged = token.slice(0, at) + character + token.slice(at + 1)
            const headers = { Host: 'campus.example', 'X-Forwarded-Proto': 'https', Cookie: `${ours}=${forged}` }
            const { status, body } = await send(origin, { path: '/me', headers, agent })
            assert.deepEqual([status, JSON.parse(body).userId], [200, null], `${character} at ${at}`)
            tried += 1
            // Events of one second are limited in number.
            clock.advance('1s')
          }
        }
        agent.destroy()
        assert.deepEqual(store.calls, [])
        assert.equal(events.filter(({ type }) => type === 'token.forged').length, tried)
      }))

    test('WSTG-SESS-04c, ASVS 14.2.1: a token in the address or in the body is ignored', () =>
      running(adapter, async ({ client, signedIn }) => {
        const token = (await (await signedIn()).token()) ?? ''
        for (const name of [ours, 'sid', 'session', 'token']) {
          assert.equal(JSON.parse((await client().send(`/me?${name}=${token}`)).body).userId, null)
          for (const [type, body] of [
            ['application/x-www-form-urlencoded', `${name}=${token}`],
            ['application/json', JSON.stringify({ [name]: token })],
            ['text/plain', `${name}=${token}`],
          ] as const) {
            const stranger = client()
            await stranger.post('/set?seen=yes', { headers: { 'Content-Type': type }, body })
            const { userId, data } = await stranger.me()
            assert.deepEqual([userId, data], [null, { seen: 'yes' }])
          }
        }
      }))

    test('CS-S3: whatever a key holder puts into a token, the store is asked for 22 harmless characters', () => {
      const asked: string[] = []
      const inner = memoryStore()
      const store: SessionStore = Object.assign(Object.create(inner), {
        read: (sid: string) => {
          asked.push(sid)
          return inner.read(sid)
        },
      })
      return running(
        adapter,
        async application => {
          const ring = createKeyRing([application.secret])
          for (const bytes of ["'; DROP TABLE --", '../../etc/passwd', '\0\r\n*?[{}]$%`|;<>']) {
            const sid = Buffer.from(bytes.padEnd(16).slice(0, 16), 'latin1').toString('base64url')
            const token = writeToken(ring.newest, sid, Buffer.alloc(32, 7))
            assert.deepEqual(await ask(application, [`Cookie: ${ours}=${token}`]), { status: 200, userId: null })
          }
          assert.equal(asked.length, 3)
          for (const sid of asked) assert.match(sid, /^[\w-]{22}$/)
        },
        { sessions: { store } },
      )
    })

    test('T04: any bytes in a Cookie header get a clean status and make nobody a user', () =>
      running(adapter, async application => {
        const user = await application.signedIn()
        const token = (await user.token()) ?? ''
        const pieces = [ours, '=', ';', '; ', ' ', '\t', ',', '"', '\\', '%', '$Version', '\xa0', token.slice(0, -1)]
        const bytes = fc
          .array(fc.integer({ min: 1, max: 255 }), { maxLength: 40 })
          .map(all => String.fromCharCode(...all))
        const header = fc
          .array(fc.oneof(fc.constantFrom(...pieces), bytes), { maxLength: 20 })
          .map(all => all.join('').replaceAll(/[\r\n]/g, ''))
        await fc.assert(
          fc.asyncProperty(header, async text => {
            const { status, userId } = await ask(application, [`Cookie: ${text}`])
            assert.ok([200, 400, 431].includes(status), `status ${status}`)
            assert.equal(userId, null)
          }),
          { numRuns },
        )
        assert.equal((await user.me()).userId, 'alice')
      }))

    test('CS-L2: a flood of bad cookies is counted instead of told one by one', () =>
      running(adapter, async ({ origin, events, clock }) => {
        const agent = new Agent({ keepAlive: true, maxSockets: 4 })
        const headers = { Host: 'campus.example', 'X-Forwarded-Proto': 'https', Cookie: `${ours}=forged` }
        const flood = async () => {
          await Promise.all(Array.from({ length: 300 }, () => send(origin, { path: '/me', headers, agent })))
        }
        await flood()
        clock.advance('1s')
        await flood()
        agent.destroy()
        assert.equal(events.filter(({ type }) => type === 'token.forged').length, 200)
        const [suppressed] = events.filter(event => event.type === 'events.suppressed')
        assert.equal(suppressed?.count, 200)
      }))
  })
}

/** Neighbours in the alphabet (a changed bit), another case, and characters that are in no token. */
function othersThan(character: string): string[] {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const at = alphabet.indexOf(character)
  const near = [1, 2, 8, 32].map(bit => alphabet.charAt(at < 0 ? 0 : at ^ bit))
  return [...new Set([...near, '.', '~', '+', '%'])].filter(other => other !== character)
}

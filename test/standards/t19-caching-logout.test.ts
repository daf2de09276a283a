/**
 * T19: what caches may keep and what stays in the browser after sign-out. Every answer of a crawl is checked on every
 * adapter: those that used a session are kept by nobody, those that did not are left alone.
 */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { SessionsOptions } from 'latchkey'
import { type ContractRoute, faults } from 'latchkey/testing'
import { adapters, type Running, running } from '../actors/application.ts'
import type { HttpClient, WireAnswer } from '../actors/http-client.ts'

const namesOf = (header: string | undefined) => (header ?? '').toLowerCase().split(/, */)
const mayNotBeStored = ({ headers }: WireAnswer, row: string) =>
  assert.ok(
    namesOf(headers['cache-control']).includes('no-store'),
    `${row}: Cache-Control: ${headers['cache-control']}`,
  )

/** A route that says itself who may keep its answer, and reads or changes the session or does not. */
function cached(path: string, headers: Record<string, string>, use: 'nothing' | 'reads' | 'writes'): ContractRoute {
  return {
    method: use === 'writes' ? 'POST' : 'GET',
    path,
    needs: 'nothing',
    answer: async ({ session }) => {
      if (use !== 'nothing') await session.load()
      if (use === 'writes') session.data.n = Number(session.data.n ?? 0) + 1
      return { status: 200, headers, body: 'page' }
    },
  }
}

type Row = readonly [own: Record<string, string>, reads: readonly [string, string], writes: readonly [string, string]]

/** What the application says, and what becomes of it when the session was read, and when a cookie is set. */
const ownHeaders: readonly Row[] = [
  [{}, ['no-store', 'Cookie'], ['no-store', 'Cookie']],
  [{ Vary: 'Accept-Encoding' }, ['no-store', 'Accept-Encoding, Cookie'], ['no-store', 'Accept-Encoding, Cookie']],
  [{ Vary: 'cookie' }, ['no-store', 'cookie'], ['no-store', 'cookie']],
  [{ Vary: '*' }, ['no-store', '*'], ['no-store', '*']],
  [{ 'Cache-Control': 'public, max-age=3600' }, ['no-store', 'Cookie'], ['no-store', 'Cookie']],
  [{ 'Cache-Control': 'max-age=3600' }, ['no-store', 'Cookie'], ['no-store', 'Cookie']],
  [{ 'Cache-Control': 'no-cache' }, ['no-store', 'Cookie'], ['no-store', 'Cookie']],
  [{ 'Cache-Control': 'private, max-age=60' }, ['private, max-age=60', 'Cookie'], ['no-store', 'Cookie']],
  [{ 'Cache-Control': 'private, public' }, ['no-store', 'Cookie'], ['no-store', 'Cookie']],
  [{ 'Cache-Control': 'private="set-cookie"' }, ['no-store', 'Cookie'], ['no-store', 'Cookie']],
  [
    { 'Cache-Control': 'no-store, no-transform' },
    ['no-store, no-transform', 'Cookie'],
    ['no-store, no-transform', 'Cookie'],
  ],
]

const signOuts: readonly (readonly [
  name: string,
  options: Pick<SessionsOptions, 'clearSiteData'>,
  header: string | undefined,
])[] = [
  ['by default', {}, '"storage"'],
  ['with cache', { clearSiteData: ['cache'] }, '"storage", "cache"'],
  ['with cookies', { clearSiteData: ['cookies'] }, '"storage", "cookies"'],
  ['with both', { clearSiteData: ['cache', 'cookies'] }, '"storage", "cache", "cookies"'],
  ['switched off', { clearSiteData: false }, undefined],
]

/** A life of sessions: which answers used one, and which did not. */
async function crawl({ client, store, clock }: Running) {
  const used: [string, WireAnswer][] = []
  const public_: [string, WireAnswer][] = []
  const visit = async (visitor: HttpClient, method: 'GET' | 'POST', path: string, into = used) => {
    into.push([`${method} ${path}`, await (method === 'POST' ? visitor.post(path) : visitor.send(path))])
  }
  const alice = client()
  await visit(alice, 'GET', '/public', public_)
  await visit(alice, 'GET', '/missing', public_)
  for (const path of ['/me', '/private', '/csrf', '/not-modified', '/both', '/late-nothing']) {
    await visit(client(), 'GET', path, path === '/late-nothing' ? public_ : used)
  }
  await visit(alice, 'POST', '/set-with-cookies?color=red')
  await visit(alice, 'POST', '/login?user=alice')
  for (const path of ['/me', '/private', '/csrf', '/not-modified', '/both']) await visit(alice, 'GET', path)
  for (const path of [
    '/set?a=1',
    '/increment',
    '/set-and-stream?b=1',
    '/set-and-answer-204?c=1',
    '/set-and-throw?d=1',
  ]) {
    await visit(alice, 'POST', path)
  }
  for (const path of ['/step-up', '/rotate', '/set-both?e=1']) await visit(alice, 'POST', path)
  used.push(['POST without token', await alice.send('/set?f=1', { method: 'POST' })])
  clock.advance('10m')
  await visit(alice, 'GET', '/me')
  await visit(alice, 'GET', '/public', public_)
  store.disturb(faults.refuses)
  used.push(['GET while the store is down', await alice.send('/me')])
  await visit(alice, 'GET', '/public', public_)
  store.heal()
  await visit(alice, 'POST', '/logout')
  await visit(alice, 'GET', '/private')
  return { used, public: public_ }
}

for (const adapter of Object.keys(adapters)) {
  suite(`T19: caches and sign-out on ${adapter}`, () => {
    test('CC-1, ASVS 14.3.2, WSTG-ATHN-06, WSTG-SESS-04b: no answer that used a session may be stored', () =>
      running(adapter, async application => {
        const { used } = await crawl(application)
        assert.ok(used.length > 20)
        for (const [row, answer] of used) {
          mayNotBeStored(answer, row)
          assert.ok(namesOf(answer.headers.vary).includes('cookie'), `${row}: Vary: ${answer.headers.vary}`)
        }
      }))

    test('CC-2: answers that did not use one are left alone, and cost no store access', () =>
      running(adapter, async application => {
        const { public: others } = await crawl(application)
        for (const [row, { headers, setCookies }] of others) {
          assert.deepEqual([setCookies, headers['cache-control'], headers.vary], [[], undefined, undefined], row)
        }
        const { store, signedIn } = application
        const alice = await signedIn()
        store.calls.length = 0
        for (const path of ['/public', '/missing', '/favicon.ico']) await alice.send(path)
        assert.deepEqual(store.calls, [])
      }))

    for (const [own, reads, writes] of ownHeaders) {
      test(`ASVS 14.2.2, 14.3.2, CC-1: the application's own ${JSON.stringify(own)}`, () =>
        running(
          adapter,
          async ({ signedIn, client }) => {
            const alice = await signedIn()
            const seen = ({ headers }: WireAnswer) => [headers['cache-control'], headers.vary]
            assert.deepEqual(seen(await alice.send('/reads')), reads)
            assert.deepEqual(seen(await client().post('/writes')), writes)
            assert.deepEqual(seen(await alice.send('/untouched')), [own['Cache-Control'], own.Vary])
          },
          {
            routes: [
              cached('/reads', own, 'reads'),
              cached('/writes', own, 'writes'),
              cached('/untouched', own, 'nothing'),
            ],
          },
        ))
    }

    test('ASVS 14.2.5: a private page under a name that looks static is as private as before', () =>
      running(
        adapter,
        async ({ signedIn }) => {
          const alice = await signedIn()
          for (const path of ['/me/style.css', '/me%2Fstyle.css', '/me;style.css', '/me%00.css', '/private/a.js']) {
            const answer = await alice.send(path)
            if (/alice/.test(answer.body)) mayNotBeStored(answer, path)
            else assert.equal(answer.status, 404, path)
          }
          const named = await alice.send('/me.css')
          assert.match(named.body, /alice/)
          mayNotBeStored(named, '/me.css')
        },
        {
          routes: [
            {
              method: 'GET',
              path: '/me.css',
              needs: 'user',
              answer: async ({ session }) => ({
                status: 200,
                headers: { 'Cache-Control': 'public, max-age=31536000', 'Content-Type': 'text/css' },
                body: `/* ${session.userId} */`,
              }),
            },
          ],
        },
      ))

    for (const [name, options, header] of signOuts) {
      test(`ASVS 14.3.1, CSD-1, CSD-2, CSD-3: sign-out clears ${header ?? 'nothing'} (${name}), and sets nothing new`, () =>
        running(
          adapter,
          async ({ signedIn }) => {
            const alice = await signedIn()
            const { headers, setCookies } = await alice.post('/logout')
            assert.equal(headers['clear-site-data'], header)
            assert.equal(setCookies.length, 1)
            assert.match(setCookies[0] ?? '', /^__Host-Http-sid=; Max-Age=0; /)
            mayNotBeStored({ headers, setCookies, status: 303, body: '' }, 'sign-out')
          },
          { sessions: options },
        ))
    }

    test('CSD-1: over plain HTTP, where browsers ignore it, nothing is asked to be cleared', () =>
      running(
        adapter,
        async ({ signedIn }) => {
          const alice = await signedIn()
          const { headers } = await alice.post('/logout', { headers: { 'X-Forwarded-Proto': 'http' } })
          assert.equal(headers['clear-site-data'], undefined)
        },
        { sessions: { insecureHttp: true } },
      ))

    test('CSD-2: nothing but a sign-out asks the browser to clear anything', () =>
      running(
        adapter,
        async application => {
          const { used, public: others } = await crawl(application)
          for (const [row, { headers }] of [...used, ...others]) {
            assert.equal('clear-site-data' in headers, row === 'POST /logout', row)
          }
        },
        { sessions: { clearSiteData: ['cookies'] } },
      ))

    test('CSD-2: who gets a new cookie in the answer to a sign-out is not told to forget all cookies', () =>
      running(
        adapter,
        async ({ signedIn }) => {
          const alice = await signedIn()
          const { headers, setCookies } = await alice.post('/logout-with-message')
          assert.equal(setCookies.length, 1)
          assert.equal(headers['clear-site-data'], undefined)
          const { userId, data } = await alice.me()
          assert.deepEqual([userId, data], [null, { message: 'See you!' }])
        },
        {
          sessions: { clearSiteData: ['cookies'] },
          routes: [
            {
              method: 'POST',
              path: '/logout-with-message',
              needs: 'user',
              answer: async ({ session }) => {
                await session.end()
                session.data.message = 'See you!'
                return { status: 200 }
              },
            },
          ],
        },
      ))

    test('WSTG-SESS-06a, NIST 5.1-e: after sign-out neither the page nor the token works any more', () =>
      running(adapter, async ({ signedIn, client }) => {
        const alice = await signedIn()
        const cookie = await alice.cookie()
        await alice.post('/logout')
        for (const visitor of [alice, client()]) {
          const { status, body } = await visitor.send('/private', { cookie })
          assert.deepEqual([status, /alice/.test(body)], [401, false])
        }
      }))

    for (const method of ['GET', 'HEAD', 'OPTIONS']) {
      test(`CSD-4, ASVS 3.5.3, 10.6.2: ${method} signs nobody out`, () =>
        running(adapter, async ({ signedIn }) => {
          const alice = await signedIn()
          const { headers, setCookies } = await alice.send('/logout', { method })
          assert.deepEqual([headers['clear-site-data'], setCookies], [undefined, []])
          assert.equal((await alice.me()).userId, 'alice')
        }))
    }

    test('CSD-4, ASVS 10.6.2: another site cannot sign anybody out', () =>
      running(adapter, async ({ signedIn }) => {
        const alice = await signedIn()
        const csrf = await alice.csrf()
        const cases = [{ 'Sec-Fetch-Site': 'cross-site', 'X-CSRF-Token': csrf }, { 'X-CSRF-Token': 'guessed' }, {}]
        for (const headers of cases) {
          const answer = await alice.send('/logout', { method: 'POST', headers })
          assert.deepEqual([answer.status, answer.setCookies], [403, []])
          assert.equal(answer.headers['clear-site-data'], undefined)
        }
        assert.equal((await alice.me()).userId, 'alice')
      }))
  })
}

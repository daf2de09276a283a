/** T07: the classic attacks, and everything that could open a gap beside the two layers. Over real HTTP, on every adapter. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { CsrfOptions } from 'latchkey'
import { running, wireAdapters } from '../actors/application.ts'
import { evil, isRefusal, outcome } from '../actors/forgery.ts'
import { site, type Wanted } from '../actors/http-client.ts'

for (const adapter of Object.keys(wireAdapters)) {
  suite(`T07: attacks on ${adapter}`, () => {
    const proofsOfConcept: readonly (readonly [
      name: string,
      method: string,
      type: string | null,
      body: string | undefined,
    ])[] = [
      ['a form', 'POST', 'application/x-www-form-urlencoded', 'touched=yes'],
      ['an image', 'GET', null, undefined],
      ['a form that imitates JSON', 'POST', 'text/plain', '{"touched":"yes","a":"=b"}'],
      ['a form with a file', 'POST', 'multipart/form-data; boundary=x', '--x--\r\n'],
      ['a beacon', 'POST', 'text/plain;charset=UTF-8', 'touched=yes'],
      ['a form that asks for another method', 'POST', 'application/x-www-form-urlencoded', '_method=GET&touched=yes'],
    ]
    for (const [name, method, type, body] of proofsOfConcept) {
      for (const [browser, said] of Object.entries({
        'a browser of today': { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors', Origin: evil },
        'a browser of 2020': { 'Sec-Fetch-Site': null, Origin: evil },
        'a sandboxed page': { 'Sec-Fetch-Site': null, Origin: 'null' },
        'a browser of 2010': { 'Sec-Fetch-Site': null, Origin: null, Referer: `${evil}/` },
      })) {
        test(`WSTG-SESS-05a: ${name} on another site does nothing, in ${browser}`, () =>
          running(adapter, async application => {
            const alice = await application.signedIn()
            const override = { 'X-HTTP-Method-Override': 'GET', 'X-Method-Override': 'GET', 'X-HTTP-Method': 'GET' }
            const wanted = {
              method,
              headers: { 'Content-Type': type, ...override, ...said },
              ...(body === undefined ? {} : { body }),
            }
            const { answer, touched } = await outcome(application, alice, wanted)
            assert.deepEqual([answer.status, touched], [method === 'GET' ? 404 : 403, false])
          }))
      }
    }

    test("CSRF-9: another site cannot sign a visitor in to the attacker's account", () =>
      running(adapter, async ({ client, signedIn }) => {
        const headers = { 'Sec-Fetch-Site': 'cross-site', Origin: evil }
        for (const victim of [client(), await signedIn()]) {
          const before = await victim.cookie()
          isRefusal(await victim.send('/login?user=mallory', { method: 'POST', headers }), 'login')
          assert.equal(await victim.cookie(), before)
        }
      }))

    test('CSRF-3: without either header a request with no session passes, one with a session needs the token', () =>
      running(adapter, async application => {
        const headers = { 'Sec-Fetch-Site': null }
        assert.equal((await outcome(application, application.client(), { headers })).reason, null)
        const alice = await application.signedIn()
        assert.equal((await outcome(application, alice, { headers })).reason, 'csrf-token-missing')
      }))

    test('CSRF-3: with the token layer off, a session whose client hides its origin is refused', () =>
      running(
        adapter,
        async application => {
          const alice = await application.signedIn()
          const rows: readonly (readonly [headers: Wanted['headers'], reason: string | null])[] = [
            [{ 'Sec-Fetch-Site': null }, 'csrf-no-origin'],
            [{ 'Sec-Fetch-Site': null, Origin: site }, null],
            [{ 'Sec-Fetch-Site': 'same-origin' }, null],
            [{ 'Sec-Fetch-Site': 'cross-site' }, 'csrf-cross-site'],
          ]
          for (const [headers, expected] of rows) {
            const { reason } = await outcome(application, alice, headers ? { headers } : {})
            assert.equal(reason, expected, JSON.stringify(headers))
          }
        },
        { sessions: { csrf: { token: false } } },
      ))

    for (const cookie of [{ sameSite: 'strict' }, { sameSite: 'lax' }] as const) {
      test(`CSRF-12, WSTG-SESS-05b: with SameSite=${cookie.sameSite} both layers are on all the same`, () =>
        running(
          adapter,
          async application => {
            const alice = await application.signedIn()
            const across = await outcome(application, alice, { headers: { 'Sec-Fetch-Site': 'cross-site' } })
            assert.equal(across.reason, 'csrf-cross-site')
            assert.equal((await outcome(application, alice, {})).reason, 'csrf-token-missing')
          },
          { sessions: { cookie } },
        ))
    }

    test('CSRF-13: a bearer token without a cookie needs no proof, beside a cookie it excuses nothing', () =>
      running(adapter, async application => {
        const headers = { Authorization: 'Bearer abc' }
        assert.equal((await outcome(application, application.client(), { headers })).reason, null)
        const alice = await application.signedIn()
        assert.equal((await outcome(application, alice, { headers })).reason, 'csrf-token-missing')
      }))

    const csrf: CsrfOptions = { exempt: ['POST /hook'] }
    const exemptions: readonly (readonly [method: string, path: string, exempt: boolean])[] = [
      ['POST', '/hook', true],
      ['POST', '/hook?a=1', true],
      ['POST', '/hook/', false],
      ['POST', '/Hook', false],
      ['POST', '//hook', false],
      ['POST', '/./hook', false],
      ['POST', '/a/../hook', false],
      ['POST', '/%68ook', false],
      ['POST', '/hook%2f', false],
      ['POST', '/hook;a', false],
      ['POST', '/hook#a', false],
      ['POST', 'https://campus.example/hook', false],
      ['PUT', '/hook', false],
      ['POST', '/set?path=/hook', false],
    ]
    for (const [method, path, exempt] of exemptions) {
      test(`CSRF-5: with "POST /hook" exempt, ${method} ${path} ${exempt ? 'is' : 'is not'}`, () =>
        running(
          adapter,
          async ({ signedIn }) => {
            const alice = await signedIn()
            const { status } = await alice.send(path, { method, headers: { 'Sec-Fetch-Site': 'cross-site' } })
            assert.equal(status, exempt ? 200 : 403)
          },
          {
            sessions: { csrf },
            routes: [
              {
                method: 'POST',
                path: '/hook',
                needs: 'nothing',
                answer: async ({ session }) => {
                  await session.load()
                  return { status: 200, body: 'taken' }
                },
              },
            ],
          },
        ))
    }

    test('CSRF-10: report-only carries everything out and tells what it would have refused', () =>
      running(
        adapter,
        async application => {
          const alice = await application.signedIn()
          const rows: readonly (readonly [headers: Wanted['headers'], reason: string])[] = [
            [{ 'Sec-Fetch-Site': 'cross-site' }, 'csrf-cross-site'],
            [{}, 'csrf-token-missing'],
            [{ 'X-CSRF-Token': 'wrong' }, 'csrf-token-invalid'],
          ]
          for (const [headers, expected] of rows) {
            const { answer, reason } = await outcome(application, alice, headers ? { headers } : {})
            assert.deepEqual([answer.status, reason], [303, expected])
          }
        },
        { sessions: { csrf: { insecureReportOnly: true } } },
      ))

    test('CSRF-8: the CSRF token is in no address, header, cookie or event', () =>
      running(adapter, async application => {
        const { signedIn, events } = application
        const alice = await signedIn()
        const tokens: string[] = []
        const heard: string[] = []
        for (const path of ['/set?a=1', '/rotate', '/step-up', '/throws', '/login?user=alice', '/logout']) {
          const token = await alice.csrf()
          tokens.push(token)
          for (const headers of [{ 'X-CSRF-Token': token }, { 'X-CSRF-Token': `${token}x` }]) {
            const answer = await alice.send(path, { method: 'POST', headers })
            heard.push(JSON.stringify(answer))
          }
        }
        heard.push(JSON.stringify(events))
        for (const token of tokens) assert.ok(!heard.some(text => text.includes(token)))
      }))
  })
}

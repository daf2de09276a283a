/** T07, layer 2: the token that only a page of the session knows. Over real HTTP, on every adapter. */
import assert from 'node:assert/strict'
import { Agent } from 'node:http'
import { suite, test } from 'node:test'
import { send } from '../../src/testing/adapter-contract/wire.ts'
import { type Running, running, wireAdapters } from '../actors/application.ts'
import { outcome } from '../actors/forgery.ts'
import type { HttpClient, Wanted } from '../actors/http-client.ts'

for (const adapter of Object.keys(wireAdapters)) {
  suite(`T07: the CSRF token on ${adapter}`, () => {
    const bodies: readonly (readonly [
      name: string,
      type: string | null,
      body: (token: string) => string,
      passes: boolean,
    ])[] = [
      ['a form field', 'application/x-www-form-urlencoded', t => `a=1&csrf_token=${t}`, true],
      [
        'a form field, typed with a charset',
        'application/x-www-form-urlencoded; charset=utf-8',
        t => `csrf_token=${t}`,
        true,
      ],
      ['a JSON field', 'application/json', t => JSON.stringify({ csrf_token: t }), true],
      ['a field of another name', 'application/x-www-form-urlencoded', t => `_csrf=${t}`, false],
      ['the field twice', 'application/x-www-form-urlencoded', t => `csrf_token=${t}&csrf_token=${t}x`, false],
      ['a nested field', 'application/json', t => JSON.stringify({ a: { csrf_token: t } }), false],
      ['a list', 'application/json', t => JSON.stringify([t]), false],
      ['a list in the field', 'application/json', t => JSON.stringify({ csrf_token: [t] }), false],
      ['a field of the prototype', 'application/json', t => `{"__proto__":{"csrf_token":"${t}"}}`, false],
      ['ASVS 3.5.2: JSON in a text', 'text/plain', t => JSON.stringify({ csrf_token: t }), false],
      ['ASVS 3.5.2: JSON in a text form', 'text/plain', t => `{"csrf_token":"${t}","a":"=b"}`, false],
      ['ASVS 3.5.2: JSON without a type', null, t => JSON.stringify({ csrf_token: t }), false],
      ['ASVS 3.5.2: JSON of a suspicious type', 'application/jsonp', t => JSON.stringify({ csrf_token: t }), false],
      [
        'ASVS 3.5.2: a multipart form that nobody parsed',
        'multipart/form-data; boundary=x',
        t => `--x\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n${t}\r\n--x--\r\n`,
        false,
      ],
    ]
    for (const [name, type, body, passes] of bodies) {
      test(`NIST 5.1-k: the token in ${name} ${passes ? 'counts' : 'does not count'}`, () =>
        running(adapter, async application => {
          const alice = await application.signedIn()
          const wanted = { headers: { 'Content-Type': type }, body: body(await alice.csrf()) }
          const { answer, touched } = await outcome(application, alice, wanted)
          assert.deepEqual([answer.status, touched], passes ? [303, true] : [403, false])
        }))
    }

    const places: readonly (readonly [
      name: string,
      headers: (token: string) => Wanted['headers'],
      path: string,
      passes: boolean,
    ])[] = [
      ['the header X-CSRF-Token', t => ({ 'X-CSRF-Token': t }), '', true],
      ['the header X-CSRFToken', t => ({ 'X-CSRFToken': t }), '', true],
      ['the header in small letters', t => ({ 'x-csrf-token': t }), '', true],
      ['the header twice', t => ({ 'X-CSRF-Token': [t, t] }), '', false],
      ['the second header beside a wrong first', t => ({ 'X-CSRF-Token': 'x', 'X-CSRFToken': t }), '', false],
      ['the header X-XSRF-Token', t => ({ 'X-XSRF-Token': t }), '', false],
      ['Authorization', t => ({ Authorization: `Bearer ${t}` }), '', false],
      ['CSRF-8: the address', () => ({}), '&csrf_token=', false],
      ['CSRF-8: a header and the address', () => ({ 'X-CSRF-Token': '' }), '&X-CSRF-Token=', false],
    ]
    for (const [name, headers, query, passes] of places) {
      test(`NIST 5.1-k: the token in ${name} ${passes ? 'counts' : 'does not count'}`, () =>
        running(adapter, async application => {
          const alice = await application.signedIn()
          const token = await alice.csrf()
          const path = `/set?touched=yes${query && query + token}`
          const wanted = headers(token)
          const { answer, touched } = await outcome(application, alice, wanted ? { headers: wanted } : {}, path)
          assert.deepEqual([answer.status, touched], passes ? [303, true] : [403, false])
        }))
    }

    test('CSRF-8: a cookie alone is no proof, also when it holds the token', () =>
      running(adapter, async application => {
        const alice = await application.signedIn()
        const token = await alice.csrf()
        const cookie = `${await alice.cookie()}; csrf_token=${token}; X-CSRF-Token=${token}`
        const { reason, touched } = await outcome(application, alice, { cookie })
        assert.deepEqual([reason, touched], ['csrf-token-missing', false])
      }))

    /** What can happen between a page and the request that it sends. */
    const lives: readonly (readonly [
      name: string,
      before: string[],
      after: (a: Running, user: HttpClient) => Promise<unknown>,
      passes: boolean,
    ])[] = [
      ['from a moment ago', ['/login?user=alice'], async () => {}, true],
      [
        'from before a periodic rotation',
        ['/login?user=alice'],
        async ({ clock }, user) => {
          clock.advance('10m')
          await user.me()
        },
        true,
      ],
      ['from before rotate()', ['/login?user=alice'], (_, user) => user.post('/rotate'), true],
      ['from before the sign-in, of a guest', ['/set?color=red'], (_, user) => user.post('/login?user=alice'), false],
      ['from before the sign-in, of nobody', [], (_, user) => user.post('/login?user=alice'), false],
      [
        'from before another sign-in of the same user',
        ['/login?user=alice'],
        (_, user) => user.post('/login?user=alice'),
        false,
      ],
      ['from before another user signed in', ['/login?user=bob'], (_, user) => user.post('/login?user=alice'), false],
      [
        'from before a step-up',
        ['/login?user=alice'],
        async ({ clock }, user) => {
          clock.advance('1s')
          await user.post('/step-up')
        },
        false,
      ],
      [
        'from before sign-out and sign-in',
        ['/login?user=alice'],
        async (_, user) => {
          await user.post('/logout')
          await user.post('/login?user=alice')
        },
        false,
      ],
    ]
    for (const [name, before, after, passes] of lives) {
      test(`CSRF-7: a token ${name} ${passes ? 'is good' : 'is refused'}`, () =>
        running(adapter, async application => {
          const user = application.client()
          for (const path of before) await user.post(path)
          const token = await user.csrf()
          await after(application, user)
          const { reason, touched } = await outcome(application, user, { headers: { 'X-CSRF-Token': token } })
          assert.deepEqual([reason, touched], passes ? [null, true] : ['csrf-token-invalid', false])
        }))
    }

    test('CSRF-7: a token that is changed in any character is refused, and each page has another one', () =>
      running(adapter, async application => {
        const { signedIn, origin } = application
        const alice = await signedIn()
        const [token, another] = [await alice.csrf(), await alice.csrf()]
        assert.notEqual(token, another)
        const agent = new Agent({ keepAlive: true })
        const cookie = await alice.cookie()
        for (let at = 0; at < token.length; at += 1) {
          const changed = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
          const headers = {
            Host: 'campus.example',
            'X-Forwarded-Proto': 'https',
            Cookie: cookie,
            'X-CSRF-Token': changed,
          }
          const { status } = await send(origin, { method: 'POST', path: '/set?touched=yes', headers, agent })
          assert.equal(status, 403)
        }
        agent.destroy()
        for (const wrong of [`${token}A`, token.slice(1), `${token}=`, token.toLowerCase(), await alice.token()]) {
          const { reason } = await outcome(application, alice, { headers: { 'X-CSRF-Token': wrong } })
          assert.equal(reason, 'csrf-token-invalid')
        }
        assert.deepEqual((await alice.me()).data, {})
      }))

    test("CSRF-7: a guest's page from before the cart was begun still works, but only where the browser vouches", () =>
      running(adapter, async application => {
        const guest = application.client()
        const token = await guest.csrf()
        await guest.post('/set?color=red')
        const from = (fetchSite: string | null) => ({ headers: { 'X-CSRF-Token': token, 'Sec-Fetch-Site': fetchSite } })
        assert.equal((await outcome(application, guest, from(null))).reason, 'csrf-token-invalid')
        assert.equal((await outcome(application, guest, from('same-origin'))).reason, null)
      }))
  })
}

import assert from 'node:assert/strict'
import type { Check } from './check.ts'
import { send } from './wire.ts'

const cookieName = '__Host-Http-sid'
const flags = '; Path=/; Secure; HttpOnly; SameSite=Lax'

const oldCookieLives = 'without a list of sessions an old cookie is good until its time-outs'

/** A session from the first visit to sign-out, and what its answers carry. */
export function lifecycle(check: Check): void {
  check('CC-2: a route that does not use the session reads nothing and adds no header', async ({ visitor, store }) => {
    const guest = visitor()
    await guest.post('/set?color=red')
    store.calls.length = 0
    const { status, body, headers } = await guest.get('/public')
    assert.deepEqual([status, body, store.calls], [200, 'public', []])
    for (const name of ['set-cookie', 'vary', 'cache-control']) assert.equal(headers[name], undefined)
  })

  check('an anonymous visitor costs nothing until something is put into the session', async ({ visitor, store }) => {
    const answer = await visitor().get('/me')
    assert.deepEqual(JSON.parse(answer.body), { id: null, userId: null, data: {} })
    assert.deepEqual([answer.setCookies, store.calls], [[], []])
    assert.equal(answer.headers['cache-control'], 'no-store')
    assert.equal(answer.headers.vary, 'Cookie')
  })

  check('CK-8: a session comes in one cookie with the strongest name and all flags', async ({ visitor }) => {
    const guest = visitor()
    const { status, headers, setCookies } = await guest.post('/set?color=red')
    assert.deepEqual([status, headers.location], [303, '/me'])
    assert.deepEqual(setCookies, [`${cookieName}=${guest.valueOf(cookieName)}${flags}`])
    assert.equal(headers['cache-control'], 'no-store')
  })

  check('the page after a redirect sees the change', async ({ visitor, carried }) => {
    const guest = visitor()
    await guest.post('/set?color=red')
    assert.deepEqual(JSON.parse((await guest.get('/me')).body).data, { color: 'red' })
    const { setCookies } = await guest.post('/set?size=9')
    assert.equal(setCookies.length, carried ? 1 : 0, 'the cookie is sent again only when it changes')
    assert.deepEqual(JSON.parse((await guest.get('/me')).body).data, { color: 'red', size: '9' })
  })

  check(
    'ASVS 7.2.4: sign-in keeps the data, changes id and token, and kills the old token',
    async ({ visitor }) => {
      const guest = visitor()
      await guest.post('/set?color=red')
      const before = guest.copy()
      const { id } = JSON.parse((await before.get('/me')).body)
      const { status, setCookies } = await guest.post('/login?user=alice')
      assert.deepEqual([status, setCookies.length], [303, 1])
      const me = JSON.parse((await guest.get('/me')).body)
      assert.deepEqual([me.userId, me.data], ['alice', { color: 'red' }])
      assert.notEqual(me.id, id)
      assert.equal(JSON.parse((await before.get('/me')).body).id, null)
    },
    { cannotHold: { all: oldCookieLives } },
  )

  check(
    'ASVS 7.4.1: sign-out removes the cookie and kills the token',
    async ({ visitor, events }) => {
      const alice = visitor()
      await alice.post('/login?user=alice')
      const thief = alice.copy()
      const { setCookies, headers } = await alice.post('/logout')
      assert.deepEqual(setCookies, [`${cookieName}=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT${flags}`])
      assert.equal(headers['clear-site-data'], '"storage"')
      assert.equal(JSON.parse((await thief.get('/me')).body).userId, null)
      assert.ok(events.some(event => event.type === 'session.ended' && event.reason === 'signed-out'))
      assert.ok(events.some(event => event.type === 'token.used-after-end'))
    },
    { cannotHold: { all: oldCookieLives } },
  )

  check('the guard lets users through and answers others with 401', async ({ visitor }) => {
    const alice = visitor()
    const { status, headers } = await alice.get('/private')
    assert.deepEqual([status, headers['cache-control']], [401, 'no-store'])
    await alice.post('/login?user=alice')
    const answer = await alice.get('/private')
    assert.deepEqual([answer.status, JSON.parse(answer.body).userId], [200, 'alice'])
  })

  check("CSRF-1: another site's request is refused before anything is read", async ({ visitor, store, events }) => {
    const alice = visitor()
    await alice.post('/login?user=alice')
    const csrf = await alice.csrf()
    store.calls.length = 0
    for (const path of ['/set?color=red', '/login?user=mallory', '/nowhere']) {
      const { status, headers, body } = await alice.post(path, { headers: { ...csrf, 'Sec-Fetch-Site': 'cross-site' } })
      assert.equal(status, 403, path)
      assert.match(String(headers.vary), /Sec-Fetch-Site/)
      assert.doesNotMatch(body, /success/)
    }
    assert.ok(events.some(event => event.type === 'request.refused' && event.reason === 'csrf-cross-site'))
    assert.deepEqual(JSON.parse((await alice.get('/me')).body).data, {})
  })

  check('CSRF-7: a request of a session without its token is refused', async ({ visitor, origin }) => {
    const alice = visitor()
    await alice.post('/login?user=alice')
    const { status } = await send(origin, { method: 'POST', path: '/set?color=red', headers: alice.headers() })
    assert.equal(status, 403)
    assert.deepEqual(JSON.parse((await alice.get('/me')).body).data, {})
  })

  check("CSRF-7: the token in a form's field counts like the one in the header", async ({ visitor, origin }) => {
    const alice = visitor()
    await alice.post('/login?user=alice')
    const token = String((await alice.csrf())['X-CSRF-Token'])
    const headers = alice.headers({ 'Content-Type': 'application/x-www-form-urlencoded' })
    for (const [field, status] of [
      [token, 303],
      [token.toLowerCase(), 403],
    ] as const) {
      const body = `a=1&csrf_token=${field}`
      const answer = await send(origin, { method: 'POST', path: '/set?color=red', headers, body })
      assert.equal(answer.status, status)
    }
  })

  check('ASVS 4.1.3: the adapter tells the address of the socket, which decides whom to believe', async scene => {
    const { visitor, events } = scene
    await visitor().post('/login?user=alice', { headers: { 'X-Forwarded-For': '203.0.113.7' } })
    const signedIn = events.find(event => event.type === 'session.signed-in')
    assert.equal(signedIn?.origin?.address, '203.0.113.7')
  })

  check('WSTG-SESS-04a: over plain HTTP a token is neither taken nor given', async ({ visitor }) => {
    const alice = visitor()
    await alice.post('/login?user=alice')
    const plain = { headers: { 'X-Forwarded-Proto': 'http' } }
    assert.equal(JSON.parse((await alice.get('/me', plain)).body).userId, null)
    const { status, setCookies } = await visitor().post('/set?color=red', plain)
    assert.deepEqual([status, setCookies], [500, []])
  })

  check('two session managers live side by side', async ({ visitor }) => {
    const guest = visitor()
    const { setCookies } = await guest.post('/set-both?color=red')
    assert.deepEqual(setCookies.map(cookie => cookie.split('=', 1)[0]).sort(), ['__Host-Http-second', cookieName])
    const both = async () => JSON.parse((await guest.get('/both')).body)
    for (const { data } of await both()) assert.deepEqual(data, { color: 'red' })
    await guest.post('/login?user=alice')
    assert.deepEqual(
      (await both()).map((one: { userId: string | null }) => one.userId),
      ['alice', null],
    )
    assert.deepEqual(
      (await both()).map((one: { data: unknown }) => one.data),
      [{ color: 'red' }, { color: 'red' }],
    )
  })
}

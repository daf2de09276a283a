import assert from 'node:assert/strict'
import { createHmac, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import express, { type Express } from 'express'
import expressSession, { MemoryStore } from 'express-session'
import { createSessions } from 'latchkey'
import { sessions as expressSessions, loadSession } from 'latchkey/adapters/express'
import { carryOver } from 'latchkey/migrate/express-session'
import { memoryStore } from 'latchkey/stores/memory'

const secret = 'the old secret of express-session'

async function listen(app: Express) {
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const get = async (path: string, cookie = '') => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers: cookie ? { cookie } : {} })
    const setCookie = answer.headers.getSetCookie()
    const text = await answer.text()
    return { status: answer.status, setCookie, body: text.startsWith('{') ? JSON.parse(text) : text }
  }
  return { get, close: () => new Promise(closed => server.close(closed)) }
}

const pairOf = (setCookie: readonly string[], name: string) =>
  setCookie.find(line => line.startsWith(`${name}=`))?.split(';', 1)[0] ?? ''

/** The application as it was, and a visitor who signed in to it. */
async function before(store: MemoryStore, user: string | null) {
  const app = express()
  app.use(expressSession({ secret, store, resave: false, saveUninitialized: false }))
  app.get('/sign-in', (request, response) => {
    Object.assign(request.session, { user, cart: ['book'] })
    response.send('ok')
  })
  const old = await listen(app)
  const cookie = pairOf((await old.get('/sign-in')).setCookie, 'connect.sid')
  await old.close()
  return cookie
}

/** The application as it is now. */
async function now(store: MemoryStore, secrets: readonly string[] = [secret]) {
  const manager = createSessions<{ cart: string[] }>({
    secrets: [randomBytes(32).toString('base64url')],
    store: memoryStore(),
    insecureHttp: true,
    environment: 'development',
  })
  const app = express()
  app.use(expressSessions(manager))
  app.use(
    carryOver({
      secrets,
      store,
      take: ({ user, cart }) => (user === 'gone' ? null : { userId: user as string | null, data: { cart } }),
    }),
  )
  app.get('/me', loadSession(), (request, response) => {
    response.json({ user: request.session.userId, cart: request.session.data.cart ?? null, id: request.session.id })
  })
  const running = await listen(app)
  return { ...running, manager, close: () => running.close().then(() => manager.close()) }
}

describe('taking over from express-session', () => {
  it('whoever is signed in there is signed in here with the next request, once, with what they had', async () => {
    const store = new MemoryStore()
    const old = await before(store, 'alice')
    const app = await now(store)
    const first = await app.get('/me', old)
    assert.deepEqual([first.body.user, first.body.cart], ['alice', ['book']])
    assert.match(first.setCookie.join('\n'), /^connect\.sid=; Path=\/; Expires=Thu, 01 Jan 1970/m)
    const own = pairOf(first.setCookie, 'sid')
    assert.notEqual(own, '')
    const second = await app.get('/me', own)
    assert.deepEqual(second.body, first.body)
    assert.equal((await app.manager.list('alice')).length, 1)

    const copied = await app.get('/me', old)
    assert.equal(copied.body.user, null, 'a copy of the old cookie buys nothing')
    assert.deepEqual(Object.keys((store as unknown as { sessions: object }).sessions), [])
    await app.close()
  })

  it("a guest's data comes along too", async () => {
    const store = new MemoryStore()
    const app = await now(store)
    const { body } = await app.get('/me', await before(store, null))
    assert.deepEqual([body.user, body.cart], [null, ['book']])
    await app.close()
  })

  it('an account that may not come along is nobody', async () => {
    const store = new MemoryStore()
    const app = await now(store)
    assert.equal((await app.get('/me', await before(store, 'gone'))).body.user, null)
    await app.close()
  })

  const sign = (sid: string, key: string) =>
    `s:${sid}.${createHmac('sha256', key).update(sid).digest('base64').replace(/=+$/, '')}`
  const bad: Record<string, (sid: string) => string> = {
    'without a signature': sid => `s:${sid}`,
    'signed with another secret': sid => sign(sid, 'another secret'),
    'without the mark': sid => sign(sid, secret).slice(2),
    'with half a signature': sid => sign(sid, secret).slice(0, -10),
    'of another session': sid => sign(`${sid}x`, secret),
    'in broken percent-encoding': () => '%E0%A4%A',
    empty: () => '',
  }
  for (const [name, cookieOf] of Object.entries(bad)) {
    it(`T04: a cookie ${name} is nobody's, and leaves the old session alone`, async () => {
      const store = new MemoryStore()
      const [, sid = ''] = /s:([^.]+)\./.exec(decodeURIComponent(await before(store, 'alice'))) ?? []
      const app = await now(store)
      const answer = await app.get('/me', `connect.sid=${cookieOf(sid)}`)
      assert.deepEqual([answer.status, answer.body.user], [200, null])
      assert.deepEqual(Object.keys((store as unknown as { sessions: object }).sessions), [sid])
      await app.close()
    })
  }

  it('an old secret still counts when it is in the list', async () => {
    const store = new MemoryStore()
    const old = await before(store, 'alice')
    const app = await now(store, ['a newer secret', secret])
    assert.equal((await app.get('/me', old)).body.user, 'alice')
    await app.close()
  })

  it('a store that fails makes the request fail, and nobody is signed out', async () => {
    const store = new MemoryStore()
    const old = await before(store, 'alice')
    const app = await now(store)
    const { get } = store
    store.get = (_sid, callback) => callback(new Error('connection refused'))
    const failed = await app.get('/me', old)
    assert.equal(failed.status, 500)
    assert.equal(pairOf(failed.setCookie, 'connect.sid'), '', 'the browser keeps its cookie')
    store.get = get
    assert.equal((await app.get('/me', old)).body.user, 'alice')
    await app.close()
  })
})

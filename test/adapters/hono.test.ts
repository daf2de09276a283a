import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Hono } from 'hono'
import { LatchkeyError, UsageError } from 'latchkey'
import {
  sessions as honoSessions,
  loadSession,
  requireFresh,
  requireLevel,
  requireUser,
  type SessionStatus,
  type SessionVariables,
} from 'latchkey/adapters/hono'
import { type FreshSessions, freshSessions } from '../actors/fresh-sessions.ts'

type App = Hono<{ Variables: SessionVariables }>

/** A browser that keeps one cookie and calls the application instead of a server. */
class Caller {
  readonly #app: App
  cookie = ''

  constructor(app: App) {
    this.#app = app
  }

  async call(path: string, init: RequestInit = {}, env?: object): Promise<Response> {
    const headers = { 'sec-fetch-site': 'same-origin', ...(this.cookie && { cookie: this.cookie }), ...init.headers }
    const response = await this.#app.request(`https://a.test${path}`, { ...init, headers }, env)
    for (const line of response.headers.getSetCookie()) {
      if (line.startsWith('__Host-Http-sid=')) this.cookie = line.slice(0, line.indexOf(';'))
    }
    return response
  }

  post(path: string): Promise<Response> {
    return this.call(path, { method: 'POST' })
  }
}

function visiting(build: (app: App, fresh: FreshSessions) => unknown): { visitor: Caller; fresh: FreshSessions } {
  const fresh = freshSessions({ trustProxy: false, csrf: { token: false }, policy: { atIdle: 'lock' } })
  const app: App = new Hono()
  build(app, fresh)
  return { visitor: new Caller(app), fresh }
}

const down = () => Promise.reject(new Error('down'))
const signIn = (app: App) =>
  app.post('/login', async c => {
    await c.var.session.signIn('alice', { amr: ['pwd'] })
    return c.text('in')
  })

suite('guards on Hono', () => {
  const guarded = (app: App, { sessions }: FreshSessions) => {
    app.use(honoSessions(sessions))
    signIn(app)
    app.all('/user', requireUser(), c => c.text('in'))
    app.all('/page', requireUser({ redirectTo: '/login' }), c => c.text('in'))
    app.all('/other', loadSession(), requireUser({ redirectTo: '/login?reason=page' }), c => c.text('in'))
    app.get('/fresh', requireFresh('5m', { redirectTo: '/again' }), c => c.text('in'))
    app.all('/level', requireLevel(2, { redirectTo: '/factor' }), c => c.text('in'))
    app.get('/both', requireFresh('5m', { level: 2, redirectTo: '/again' }), c => c.text('in'))
    app.post('/step-up', async c => {
      await c.var.session.stepUp({ amr: ['otp'] })
      return c.text('done')
    })
    app.get('/status', loadSession(), c => {
      const status: SessionStatus = c.var.sessionStatus()
      return c.json([status.signedIn satisfies boolean, status.locked satisfies boolean])
    })
  }
  const rows: readonly (readonly [method: string, path: string, status: number, location: string | null])[] = [
    ['GET', '/user', 401, null],
    ['POST', '/user', 401, null],
    ['GET', '/page', 303, '/login?returnTo=%2Fpage'],
    ['GET', '/page?a=1&b=2', 303, '/login?returnTo=%2Fpage%3Fa%3D1%26b%3D2'],
    ['HEAD', '/page', 303, '/login?returnTo=%2Fpage'],
    ['POST', '/page', 303, '/login'],
    ['POST', '/other', 303, '/login?reason=page'],
    ['GET', '/fresh', 303, '/again?returnTo=%2Ffresh'],
  ]
  for (const [method, path, status, location] of rows) {
    test(`${method} ${path} of a stranger is answered with ${status}${location ? ` to ${location}` : ''}`, async () => {
      const response = await visiting(guarded).visitor.call(path, { method })
      assert.deepEqual([response.status, response.headers.get('location')], [status, location])
      assert.equal(response.headers.get('cache-control'), 'no-store')
    })
  }

  test('ASVS 7.5.1: the window of requireFresh ends on the millisecond', async () => {
    const { visitor, fresh } = visiting(guarded)
    await visitor.post('/login')
    fresh.clock.advance('299999ms')
    assert.equal((await visitor.call('/fresh')).status, 200)
    fresh.clock.advance('1ms')
    assert.equal((await visitor.call('/fresh')).headers.get('location'), '/again?returnTo=%2Ffresh')
    assert.equal((await visitor.call('/user')).status, 200)
  })

  test('ASVS 6.3.3: who proved too little is sent on to prove more, and let through then', async () => {
    const { visitor } = visiting(guarded)
    const sentTo = async (path: string, method = 'GET') =>
      (await visitor.call(path, { method })).headers.get('location')
    assert.equal(await sentTo('/level'), '/factor?returnTo=%2Flevel')
    await visitor.post('/login')
    assert.equal(await sentTo('/level?a=1'), '/factor?returnTo=%2Flevel%3Fa%3D1')
    assert.equal(await sentTo('/level', 'POST'), '/factor')
    assert.equal(await sentTo('/both'), '/again?returnTo=%2Fboth')
    await visitor.post('/step-up')
    for (const path of ['/level', '/both']) assert.equal((await visitor.call(path)).status, 200)
  })

  test('NIST 2.2.3: whoever was away for too long is sent on to unlock, and knows no more than that', async () => {
    const { visitor, fresh } = visiting(guarded)
    const status = async () => (await visitor.call('/status')).json()
    await visitor.post('/login')
    assert.deepEqual(await status(), [true, false])
    fresh.clock.advance('15m')
    assert.equal((await visitor.call('/user')).status, 401)
    for (const [path, to] of [
      ['/page', '/login'],
      ['/level', '/factor'],
      ['/fresh', '/again'],
    ] as const) {
      const { headers } = await visitor.call(path)
      assert.equal(headers.get('location'), `${to}?returnTo=${encodeURIComponent(path)}`)
    }
    assert.deepEqual(await status(), [false, true])
    await visitor.post('/step-up')
    assert.equal((await visitor.call('/page')).status, 200)
  })

  test('a redirect hides no failure of the store', async () => {
    const { visitor, fresh } = visiting(guarded)
    await visitor.post('/login')
    fresh.store.disturb(down, 'read')
    assert.equal((await visitor.call('/page')).status, 503)
  })

  test('a guard without the middleware names the fix', async () => {
    let seen: unknown
    const { visitor } = visiting(app => {
      app.get('/', requireUser(), c => c.text('in'))
      app.onError((error, c) => {
        seen = error
        return c.text('failed', 500)
      })
    })
    await visitor.call('/')
    assert.ok(seen instanceof UsageError)
    assert.match(seen.message, /app\.use\(/)
  })
})

suite('errors on Hono', () => {
  test("without an error handler of the application's own, errors of ours have their status and headers", async () => {
    const { visitor, fresh } = visiting((app, { sessions }) => {
      app.use(honoSessions(sessions))
      signIn(app)
      app.get('/user', requireUser(), c => c.text('success'))
      app.post('/end', async c => {
        await c.var.session.end()
        return c.text('success')
      })
    })
    const refused = await visitor.call('/user')
    assert.deepEqual([refused.status, await refused.text()], [401, 'Please sign in.\n'])
    const forged = await visitor.call('/end', { method: 'POST', headers: { 'sec-fetch-site': 'cross-site' } })
    assert.deepEqual([forged.status, forged.headers.get('vary')], [403, 'Sec-Fetch-Site, Origin'])
    await visitor.post('/login')
    fresh.store.disturb(down, 'end')
    const failed = await visitor.post('/end')
    assert.deepEqual([failed.status, failed.headers.get('retry-after')], [503, '1'])
    assert.match(failed.headers.get('content-type') ?? '', /^text\/plain/)
    assert.doesNotMatch(await failed.text(), /success|down/)
  })

  test('misuse is printed, and the client learns nothing', async t => {
    const printed = t.mock.method(console, 'error', () => {})
    const { visitor } = visiting((app, { sessions }) => {
      app.use(honoSessions(sessions))
      app.get('/', c => c.text(String(c.var.session.userId)))
    })
    const response = await visitor.call('/')
    assert.deepEqual([response.status, await response.text()], [500, 'Internal Server Error'])
    assert.ok(printed.mock.calls[0]?.arguments[0] instanceof UsageError)
  })

  /** Ways in which error handlers answer: with the context's own methods, and with a response of their own. */
  const handlers: Record<string, (app: App) => unknown> = {
    "Hono's own": () => {},
    'one that uses the context': app => app.onError((_error, c) => c.html('<p>sorry', 503)),
    'one with a response of its own': app => app.onError(() => new Response('sorry', { status: 503 })),
  }
  for (const [name, handle] of Object.entries(handlers)) {
    test(`what the handler said does not reach the client when the session is not written (${name})`, async () => {
      const { visitor, fresh } = visiting((app, { sessions }) => {
        app.use(honoSessions(sessions))
        signIn(app)
        app.post('/set', async c => {
          await c.var.session.load()
          c.var.session.data.color = 'red'
          c.header('x-success', 'yes')
          c.header('set-cookie', 'seen=1')
          c.header('location', '/success')
          return c.text('success', 201)
        })
        app.post('/swap', async c => {
          await c.var.session.signIn('bob', { amr: ['pwd'] })
          c.var.session.data.color = 'red'
          return c.text('success', 201, { 'x-success': 'yes' })
        })
        handle(app)
      })
      await visitor.post('/login')
      fresh.store.disturb(down, 'save')
      const lost = await visitor.post('/set')
      assert.equal(lost.status, 503)
      for (const header of ['x-success', 'set-cookie', 'location']) assert.equal(lost.headers.get(header), null, header)
      assert.equal(lost.headers.get('vary'), 'Cookie')
      assert.doesNotMatch(await lost.text(), /success/)
      const swapped = await visitor.post('/swap')
      assert.deepEqual([swapped.status, swapped.headers.get('x-success')], [503, null])
      assert.equal(swapped.headers.getSetCookie().length, 1, 'the sign-in is true, so its cookie is told')
    })
  }

  test('a page for addresses that lead nowhere that throws changes nothing', async t => {
    t.mock.method(console, 'error', () => {})
    const { visitor, fresh } = visiting((app, { sessions }) => {
      app.use(honoSessions(sessions))
      app.notFound(async c => {
        await c.var.session.signIn('alice', { amr: ['pwd'] })
        c.var.session.data.color = 'red'
        throw new Error('lost')
      })
    })
    const response = await visitor.call('/nowhere')
    assert.equal(response.status, 500)
    assert.ok(!fresh.store.calls.includes('save'))
    assert.equal(response.headers.getSetCookie().length, 1, 'the sign-in is true, so its cookie is told')
    assert.equal(response.headers.get('cache-control'), 'no-store')
  })

  test("an application's part with an error handler of its own answers its own errors", async () => {
    const { visitor } = visiting((app, { sessions }) => {
      app.use(honoSessions(sessions))
      const part: App = new Hono()
      part.get('/', requireUser(), c => c.text('success'))
      part.onError((error, c) => c.text(error instanceof LatchkeyError ? error.code : 'other', 418))
      app.route('/part', part)
    })
    const response = await visitor.call('/part')
    assert.deepEqual([response.status, await response.text()], [418, 'not-signed-in'])
    assert.equal(response.headers.get('vary'), 'Cookie')
  })
})

suite('the middleware on Hono', () => {
  test('mounted twice, it is still one session', async () => {
    const { visitor } = visiting((app, { sessions }) => {
      const first = honoSessions(sessions)
      app.use(first)
      app.use('/area/*', first, honoSessions(sessions))
      app.post('/area/set', async c => {
        await c.var.session.load()
        c.var.session.data.color = 'red'
        first.of(c).data.size = 9
        return c.text('set')
      })
      app.get('/data', loadSession(), c => c.json(c.var.session.data))
    })
    assert.equal((await visitor.post('/area/set')).headers.getSetCookie().length, 1)
    assert.deepEqual(await (await visitor.call('/data')).json(), { color: 'red', size: 9 })
  })

  test('T04: an answer that the application gives to everybody carries nobody else a cookie', async () => {
    const shared = new Response(null, { status: 204 })
    const { visitor } = visiting((app, { sessions }) => {
      app.use(honoSessions(sessions))
      app.post('/', async c => {
        await c.var.session.load()
        c.var.session.data.color = 'red'
        return shared
      })
    })
    assert.equal((await visitor.post('/')).headers.getSetCookie().length, 1)
    assert.deepEqual([...shared.headers], [])
  })

  test("the client's address comes from the platform, and is unknown without", async () => {
    const own = freshSessions({ trustProxy: false })
    const getConnInfo = () => ({ remote: { address: '192.0.2.7' } })
    const node = { socket: { remoteAddress: '192.0.2.8' } }
    // On Node the socket says whether it is TLS, whatever the address in the request line claims.
    for (const [options, env, address, encrypted] of [
      [{}, undefined, null, true],
      [{ getConnInfo }, undefined, '192.0.2.7', true],
      [{}, { incoming: node }, '192.0.2.8', false],
      [{}, { server: { incoming: { socket: { ...node.socket, encrypted: true } } } }, '192.0.2.8', true],
    ] as const) {
      const web = honoSessions(own.sessions, options)
      const { visitor } = visiting(app => app.use(web).get('/', c => c.json(web.clientOf(c))))
      const seen = await (await visitor.call('/', {}, env)).json()
      assert.deepEqual(seen, { address, encrypted, host: 'a.test' })
    }
  })

  test('the session is typed by the manager, in chains without a word and else by SessionVariables', () => {
    type Data = { count: number }
    const { sessions } = freshSessions() as unknown as { sessions: Parameters<typeof honoSessions<Data>>[0] }
    const web = honoSessions(sessions)
    const read = (count: number | undefined) => String(count)
    new Hono().get('/', web, requireUser(), c => c.text(read(web.of(c).data.count) + c.get('csrfToken')()))
    new Hono().use(web).get('/', c => {
      // @ts-expect-error the counter is a number
      c.var.session.data.count = 'one'
      return c.text(read(c.get('session').data.count))
    })
    new Hono<{ Variables: SessionVariables<Data> }>().use(web).get('/', requireFresh('5m'), c => {
      // @ts-expect-error there is no such data
      c.var.session.data.other
      return c.text(read(c.var.session.data.count))
    })
    // @ts-expect-error an application without the middleware has no session
    new Hono().get('/', c => c.text(c.get('session').userId))
  })
})

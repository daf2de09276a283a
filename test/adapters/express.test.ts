import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import express, { type ErrorRequestHandler, type Express, type Request } from 'express'
import { LatchkeyError, UsageError } from 'latchkey'
import {
  sessions as expressSessions,
  loadSession,
  requireFresh,
  requireLevel,
  requireUser,
  type SessionStatus,
} from 'latchkey/adapters/express'
import { Visitor } from '../../src/testing/adapter-contract/visitor.ts'
import { send, type WireRequest } from '../../src/testing/adapter-contract/wire.ts'
import { type FreshSessions, freshSessions } from '../actors/fresh-sessions.ts'
import { listening } from '../actors/listening.ts'

/** An application and somebody who visits it, for as long as `use` takes. */
async function visiting(
  build: (app: Express, fresh: FreshSessions) => void,
  use: (visitor: Visitor, origin: string, fresh: FreshSessions) => Promise<void>,
): Promise<void> {
  const fresh = freshSessions({ policy: { atIdle: 'lock' } })
  const app = express().set('env', 'test')
  build(app, fresh)
  const { origin, close } = await listening(app)
  try {
    await use(new Visitor(origin), origin, fresh)
  } finally {
    await close()
  }
}

const signIn = (app: Express) =>
  app
    .post('/login', async (request, response) => {
      await request.session.signIn('alice', { amr: ['pwd'] })
      response.end()
    })
    .get('/csrf', loadSession(), (request, response) => response.json(request.csrfToken()))

suite('guards on Express', () => {
  const guarded = (app: Express, fresh: FreshSessions) => {
    app.use(expressSessions(fresh.sessions))
    signIn(app)
    app.all('/user', requireUser(), (_request, response) => response.end('in'))
    app.all('/page', requireUser({ redirectTo: '/login' }), (_request, response) => response.end('in'))
    app.all('/other', requireUser({ redirectTo: '/login?reason=page' }), (_request, response) => response.end('in'))
    app.get('/fresh', requireFresh('5m', { redirectTo: '/again' }), (_request, response) => response.end('in'))
    app.all('/level', requireLevel(2, { redirectTo: '/factor' }), (_request, response) => response.end('in'))
    app.get('/both', requireFresh('5m', { level: 2, redirectTo: '/again' }), (_request, response) => response.end('in'))
    app.post('/step-up', async (request, response) => {
      await request.session.stepUp({ amr: ['otp'] })
      response.end()
    })
    app.get('/status', loadSession(), (request, response) => {
      const status: SessionStatus = request.sessionStatus()
      response.json([status.signedIn satisfies boolean, status.locked satisfies boolean])
    })
  }
  const rows: readonly (readonly [method: string, path: string, status: number, location: string | undefined])[] = [
    ['GET', '/user', 401, undefined],
    ['POST', '/user', 401, undefined],
    ['GET', '/page', 303, '/login?returnTo=%2Fpage'],
    ['GET', '/page?a=1&b=2', 303, '/login?returnTo=%2Fpage%3Fa%3D1%26b%3D2'],
    ['HEAD', '/page', 303, '/login?returnTo=%2Fpage'],
    ['POST', '/page', 303, '/login'],
    ['GET', '/other', 303, '/login?reason=page&returnTo=%2Fother'],
    ['POST', '/other', 303, '/login?reason=page'],
    ['GET', '/fresh', 303, '/again?returnTo=%2Ffresh'],
  ]
  for (const [method, path, status, location] of rows) {
    test(`${method} ${path} of a stranger is answered with ${status}${location ? ` to ${location}` : ''}`, () =>
      visiting(guarded, async (visitor, origin) => {
        const answer = await send(origin, { method, path, headers: visitor.headers() })
        assert.deepEqual([answer.status, answer.headers.location], [status, location])
        assert.equal(answer.headers['cache-control'], 'no-store')
      }))
  }

  test('ASVS 7.5.1: the window of requireFresh ends on the millisecond', () =>
    visiting(guarded, async (visitor, _origin, { clock }) => {
      await visitor.post('/login')
      clock.advance('299999ms')
      assert.equal((await visitor.get('/fresh')).body, 'in')
      clock.advance('1ms')
      assert.equal((await visitor.get('/fresh')).headers.location, '/again?returnTo=%2Ffresh')
      assert.equal((await visitor.get('/user')).body, 'in')
    }))

  test('ASVS 6.3.3: who proved too little is sent on to prove more, and let through then', () =>
    visiting(guarded, async (visitor, origin) => {
      await visitor.post('/login')
      assert.equal((await visitor.get('/level?a=1')).headers.location, '/factor?returnTo=%2Flevel%3Fa%3D1')
      assert.equal((await visitor.post('/level')).headers.location, '/factor')
      assert.equal((await visitor.get('/both')).headers.location, '/again?returnTo=%2Fboth')
      await visitor.post('/step-up')
      for (const path of ['/level', '/both']) assert.equal((await visitor.get(path)).body, 'in')
      assert.equal((await send(origin, { path: '/level' })).headers.location, '/factor?returnTo=%2Flevel')
    }))

  test('NIST 2.2.3: whoever was away for too long is sent on to unlock, and knows no more than that', () =>
    visiting(guarded, async (visitor, _origin, { clock }) => {
      await visitor.post('/login')
      assert.equal((await visitor.get('/status')).body, '[true,false]')
      clock.advance('15m')
      assert.equal((await visitor.get('/user')).status, 401)
      assert.equal((await visitor.get('/page')).headers.location, '/login?returnTo=%2Fpage')
      assert.equal((await visitor.get('/level')).headers.location, '/factor?returnTo=%2Flevel')
      assert.equal((await visitor.get('/fresh')).headers.location, '/again?returnTo=%2Ffresh')
      assert.equal((await visitor.get('/status')).body, '[false,true]')
      await visitor.post('/step-up')
      assert.equal((await visitor.get('/page')).body, 'in')
    }))

  test('a redirect hides no failure of the store', () =>
    visiting(guarded, async (visitor, _origin, { store }) => {
      await visitor.post('/login')
      store.disturb(() => Promise.reject(new Error('down')), 'read')
      assert.equal((await visitor.get('/page')).status, 503)
    }))
})

suite('the middleware on Express', () => {
  test('mounted twice, it is still one session', () =>
    visiting(
      (app, { sessions }) => {
        const first = expressSessions(sessions)
        app.use(first)
        signIn(app)
        app.use('/area', first, expressSessions(sessions))
        app.get('/area/set', async (request, response) => {
          await request.session.load()
          request.session.data.color = 'red'
          await first.of(request).load()
          first.of(request).data.size = 9
          response.end()
        })
        app.get('/data', loadSession(), (request, response) => response.json(request.session.data))
      },
      async visitor => {
        assert.equal((await visitor.get('/area/set')).setCookies.length, 1)
        assert.deepEqual(JSON.parse((await visitor.get('/data')).body), { color: 'red', size: 9 })
      },
    ))

  for (const [name, use] of Object.entries({
    'a guard': requireUser(),
    'a reader': loadSession(),
  })) {
    test(`${name} without it names the fix`, () => {
      let message = ''
      const show: ErrorRequestHandler = (error, _request, response, _next) => {
        message = error instanceof UsageError ? error.message : 'another error'
        response.status(500).end()
      }
      return visiting(
        app => app.get('/', use).use(show),
        async visitor => {
          assert.equal((await visitor.get('/')).status, 500)
          assert.match(message, /app\.use\(/)
        },
      )
    })
  }

  test("Express's error handling gets status and headers of every error of ours", () => {
    const seen: unknown[] = []
    const show: ErrorRequestHandler = (error, _request, _response, next) => {
      seen.push(error)
      next(error)
    }
    return visiting(
      (app, { sessions, store }) => {
        app.use(expressSessions(sessions))
        app.post('/set', async (request, response) => {
          await request.session.load()
          request.session.data.color = 'red'
          store.disturb(() => Promise.reject(new Error('down')))
          response.end('success')
        })
        app.use(show)
      },
      async visitor => {
        const { status, headers, body } = await visitor.post('/set')
        assert.deepEqual([status, headers['retry-after']], [503, '1'])
        assert.doesNotMatch(body, /success/)
        assert.equal(seen.length, 1)
        assert.ok(seen[0] instanceof LatchkeyError)
      },
    )
  })

  test('a second answer is an error in the handler and not on the wire', () => {
    const seen: unknown[] = []
    const show: ErrorRequestHandler = (error, _request, response, next) => {
      seen.push(error.code)
      if (!response.writableEnded) next(error)
    }
    return visiting(
      (app, { sessions }) => {
        app.use(expressSessions(sessions))
        app.get('/', async (request, response) => {
          await request.session.load()
          request.session.data.color = 'red'
          response.send('first')
          response.send('the second answer')
        })
        app.use(show)
      },
      async visitor => {
        const { status, body } = await visitor.get('/')
        assert.deepEqual([status, body, seen], [200, 'first', ['ERR_HTTP_HEADERS_SENT']])
      },
    )
  })

  for (const [name, wanted] of Object.entries<Partial<WireRequest>>({
    'a whole file': {},
    'a part of a file': { headers: { Range: 'bytes=10-19' } },
    'the head of a file': { method: 'HEAD' },
  })) {
    test(`${name} is sent after the session is written`, () =>
      visiting(
        (app, { sessions }) => {
          app.use(expressSessions(sessions))
          app.get('/file', async (request, response) => {
            await request.session.load()
            request.session.data.seen = true
            response.sendFile(import.meta.filename, { etag: false, lastModified: false })
          })
        },
        async visitor => {
          const { status, body, headers, setCookies } = await visitor.get('/file', wanted)
          assert.equal(status, wanted.headers ? 206 : 200)
          assert.equal(setCookies.length, 1)
          assert.equal(Buffer.byteLength(body), wanted.method ? 0 : Number(headers['content-length']))
        },
      ))
  }
})

test('guards and status are typed: what makes no sense does not compile, and is refused where nobody compiles', () => {
  const status = (request: Request): SessionStatus => request.sessionStatus()
  const left = (request: Request): number | null => request.sessionStatus().idleIn
  // @ts-expect-error milliseconds or nothing, never a text
  const wrong = (request: Request): string => request.sessionStatus().idleIn
  // @ts-expect-error there is no level 4
  const level = () => requireLevel(4)
  // @ts-expect-error a level that everybody has demands nothing
  const nothing = () => requireFresh('5m', { level: 0 })
  // @ts-expect-error a bare number has no unit
  assert.throws(() => requireFresh(300), UsageError)
  assert.equal(new Set([status, left, wrong, level, nothing]).size, 5)
})

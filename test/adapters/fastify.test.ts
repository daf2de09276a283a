import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:http2'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { suite, test } from 'node:test'
import Fastify, { type FastifyInstance, type LightMyRequestResponse } from 'fastify'
import { LatchkeyError, UsageError } from 'latchkey'
import {
  answerError,
  sessions as fastifySessions,
  loadSession,
  requireFresh,
  requireLevel,
  requireUser,
  type SessionStatus,
} from 'latchkey/adapters/fastify'
import { type FreshSessions, freshSessions } from '../actors/fresh-sessions.ts'

type Method = 'GET' | 'HEAD' | 'POST'

/** A browser as far as these tests need one, without a socket in between. */
class Injected {
  readonly #app: FastifyInstance
  readonly #jar = new Map<string, string>()

  constructor(app: FastifyInstance) {
    this.#app = app
  }

  async send(method: Method, url: string, headers: Record<string, string> = {}): Promise<LightMyRequestResponse> {
    const cookie = [...this.#jar].map(pair => pair.join('=')).join('; ')
    const own = { host: 'a.test', 'sec-fetch-site': 'same-origin', ...(cookie && { cookie }), ...headers }
    const answer = await this.#app.inject({ method, url, headers: own })
    for (const { name, value } of answer.cookies) this.#jar.set(name, value)
    return answer
  }

  get(url: string): Promise<LightMyRequestResponse> {
    return this.send('GET', url)
  }

  post(url: string): Promise<LightMyRequestResponse> {
    return this.send('POST', url)
  }

  get cookieNames(): string[] {
    return [...this.#jar.keys()].sort()
  }
}

/** An application with sessions whose only CSRF layer is the browser's word, for as long as `use` takes. */
async function visiting(
  build: (app: FastifyInstance, fresh: FreshSessions) => unknown,
  use: (visitor: Injected, fresh: FreshSessions) => Promise<void>,
): Promise<void> {
  const fresh = freshSessions({ insecureHttp: true, csrf: { token: false }, policy: { atIdle: 'lock' } })
  const app = Fastify()
  await build(app, fresh)
  try {
    await use(new Injected(app), fresh)
  } finally {
    fresh.store.heal()
    await app.close()
  }
}

const down = () => Promise.reject(new Error('down'))
const isAnError = ({ statusCode, body, headers }: LightMyRequestResponse, status: number) => {
  assert.equal(statusCode, status)
  assert.doesNotMatch(body, /success/)
  assert.deepEqual([headers['x-success'], headers['set-cookie']], [undefined, undefined])
}

suite('guards on Fastify', () => {
  const guarded = async (app: FastifyInstance, { sessions }: FreshSessions) => {
    await app.register(fastifySessions(sessions))
    app.post('/login', async request => {
      await request.session.signIn('alice', { amr: ['pwd'] })
      return 'in'
    })
    const handler = () => 'in'
    app.all('/user', { preHandler: requireUser() }, handler)
    app.all('/page', { preHandler: requireUser({ redirectTo: '/login' }) }, handler)
    app.all('/other', { preHandler: [loadSession(), requireUser({ redirectTo: '/login?reason=page' })] }, handler)
    app.get('/fresh', { onRequest: requireFresh('5m', { redirectTo: '/again' }) }, handler)
    app.all('/level', { preHandler: requireLevel(2, { redirectTo: '/factor' }) }, handler)
    app.get('/both', { preHandler: requireFresh('5m', { level: 2, redirectTo: '/again' }) }, handler)
    app.post('/step-up', async request => {
      await request.session.stepUp({ amr: ['otp'] })
      return 'done'
    })
    app.get('/status', { preHandler: loadSession() }, request => {
      const status: SessionStatus = request.sessionStatus()
      return [status.signedIn satisfies boolean, status.locked satisfies boolean]
    })
  }
  const rows: readonly (readonly [method: Method, path: string, status: number, location: string | undefined])[] = [
    ['GET', '/user', 401, undefined],
    ['POST', '/user', 401, undefined],
    ['GET', '/page', 303, '/login?returnTo=%2Fpage'],
    ['GET', '/page?a=1&b=2', 303, '/login?returnTo=%2Fpage%3Fa%3D1%26b%3D2'],
    ['HEAD', '/page', 303, '/login?returnTo=%2Fpage'],
    ['POST', '/page', 303, '/login'],
    ['POST', '/other', 303, '/login?reason=page'],
    ['GET', '/fresh', 303, '/again?returnTo=%2Ffresh'],
  ]
  for (const [method, path, status, location] of rows) {
    test(`${method} ${path} of a stranger is answered with ${status}${location ? ` to ${location}` : ''}`, () =>
      visiting(guarded, async visitor => {
        const { statusCode, headers } = await visitor.send(method, path)
        assert.deepEqual([statusCode, headers.location], [status, location])
        assert.equal(headers['cache-control'], 'no-store')
      }))
  }

  test('ASVS 7.5.1: the window of requireFresh ends on the millisecond', () =>
    visiting(guarded, async (visitor, { clock }) => {
      await visitor.post('/login')
      clock.advance('299999ms')
      assert.equal((await visitor.get('/fresh')).body, 'in')
      clock.advance('1ms')
      assert.equal((await visitor.get('/fresh')).headers.location, '/again?returnTo=%2Ffresh')
    }))

  test('ASVS 6.3.3: who proved too little is sent on to prove more, and let through then', () =>
    visiting(guarded, async visitor => {
      assert.equal((await visitor.get('/level')).headers.location, '/factor?returnTo=%2Flevel')
      await visitor.post('/login')
      assert.equal((await visitor.get('/level?a=1')).headers.location, '/factor?returnTo=%2Flevel%3Fa%3D1')
      assert.equal((await visitor.post('/level')).headers.location, '/factor')
      assert.equal((await visitor.get('/both')).headers.location, '/again?returnTo=%2Fboth')
      await visitor.post('/step-up')
      for (const path of ['/level', '/both']) assert.equal((await visitor.get(path)).body, 'in')
    }))

  test('NIST 2.2.3: whoever was away for too long is sent on to unlock, and knows no more than that', () =>
    visiting(guarded, async (visitor, { clock }) => {
      await visitor.post('/login')
      assert.equal((await visitor.get('/status')).body, '[true,false]')
      clock.advance('15m')
      assert.equal((await visitor.get('/user')).statusCode, 401)
      assert.equal((await visitor.get('/page')).headers.location, '/login?returnTo=%2Fpage')
      assert.equal((await visitor.get('/level')).headers.location, '/factor?returnTo=%2Flevel')
      assert.equal((await visitor.get('/fresh')).headers.location, '/again?returnTo=%2Ffresh')
      assert.equal((await visitor.get('/status')).body, '[false,true]')
      await visitor.post('/step-up')
      assert.equal((await visitor.get('/page')).body, 'in')
    }))

  test('a redirect hides no failure of the store', () =>
    visiting(guarded, async (visitor, { store }) => {
      await visitor.post('/login')
      store.disturb(down, 'read')
      assert.equal((await visitor.get('/page')).statusCode, 503)
    }))

  test('a guard where no session is names the fix', () =>
    visiting(
      app => app.get('/', { preHandler: requireUser() }, () => 'in').setErrorHandler(error => (error as Error).message),
      async visitor => assert.match((await visitor.get('/')).body, /app\.register\(/),
    ))
})

suite('scopes of Fastify', () => {
  const area = (fresh: FreshSessions) => async (scope: FastifyInstance) => {
    await scope.register(fastifySessions(fresh.sessions))
    scope.post('/login', async request => {
      await request.session.signIn('alice', { amr: ['pwd'] })
      return 'in'
    })
    scope.get('/me', { preHandler: requireUser() }, request => request.session.userId)
  }

  test('two managers in two scopes know nothing of each other, and routes beside them of neither', () => {
    const staff = freshSessions({ insecureHttp: true, csrf: { token: false }, cookie: { name: 'staff' } })
    return visiting(
      (app, fresh) => {
        app.register(area(fresh), { prefix: '/shop' })
        app.register(area(staff), { prefix: '/staff' })
        app.post('/public', request => ({ session: typeof request.session, decorated: 'csrfToken' in request }))
      },
      async (visitor, { store }) => {
        await visitor.post('/shop/login')
        assert.deepEqual(visitor.cookieNames, ['sid'])
        assert.equal((await visitor.get('/shop/me')).body, 'alice')
        assert.equal((await visitor.get('/staff/me')).statusCode, 401)
        await visitor.post('/staff/login')
        assert.deepEqual(visitor.cookieNames, ['sid', 'staff'])
        assert.equal((await visitor.get('/staff/me')).body, 'alice')
        store.calls.length = 0
        const beside = await visitor.send('POST', '/public', { 'sec-fetch-site': 'cross-site' })
        assert.deepEqual(beside.json(), { session: 'undefined', decorated: false })
        assert.deepEqual(store.calls, [])
      },
    )
  })

  test('registered for the application and again for a scope, it is still one session', () =>
    visiting(
      async (app, { sessions }) => {
        const first = fastifySessions(sessions)
        await app.register(first)
        app.register(async scope => {
          await scope.register(fastifySessions(sessions))
          scope.post('/set', async request => {
            await request.session.load()
            request.session.data.color = 'red'
            first.of(request).data.size = 9
            return 'set'
          })
        })
        app.get('/data', { preHandler: loadSession() }, request => request.session.data)
      },
      async visitor => {
        assert.equal((await visitor.post('/set')).cookies.length, 1)
        assert.deepEqual((await visitor.get('/data')).json(), { color: 'red', size: 9 })
      },
    ))

  test('a second manager around or inside is reached by its plugin, and unknown ones name the fix', () => {
    const other = freshSessions({ insecureHttp: true, csrf: { token: false }, cookie: { name: 'other' } })
    const stranger = fastifySessions(freshSessions().sessions)
    return visiting(
      async (app, { sessions }) => {
        const [main, second] = [fastifySessions(sessions), fastifySessions(other.sessions)]
        await app.register(main).register(second)
        app.get('/', async request => {
          assert.equal(request.session, main.of(request))
          assert.notEqual(request.session, second.of(request))
          assert.throws(() => stranger.of(request), UsageError)
          return main.clientOf(request)
        })
      },
      async visitor => {
        const client = { address: '127.0.0.1', encrypted: false, host: 'a.test' }
        assert.deepEqual((await visitor.get('/')).json(), client)
      },
    )
  })

  test('another request.session in the same scope is a mistake that is told at start', async () => {
    const app = Fastify().decorateRequest('session' as never)
    app.register(fastifySessions(freshSessions().sessions))
    await assert.rejects(async () => app.ready(), UsageError)
  })

  test('the page for addresses that lead nowhere has a session', () =>
    visiting(
      async (app, { sessions }) => {
        await app.register(fastifySessions(sessions))
        app.setNotFoundHandler({ preHandler: loadSession() }, (request, reply) => {
          request.session.data.lost = true
          reply.code(404).send('nowhere')
        })
      },
      async visitor => {
        const { statusCode, cookies } = await visitor.get('/nowhere')
        assert.deepEqual([statusCode, cookies.length], [404, 1])
      },
    ))

  test('CSRF-1: what another site sent is refused before its body is parsed', () => {
    let parsed = false
    return visiting(
      async (app, { sessions }) => {
        app.addContentTypeParser('*', (_request, _body, done) => {
          parsed = true
          done(null)
        })
        await app.register(fastifySessions(sessions))
        app.post('/', () => 'success')
      },
      async visitor => {
        const headers = { 'sec-fetch-site': 'cross-site', 'content-type': 'a/b', 'content-length': '0' }
        isAnError(await visitor.send('POST', '/', headers), 403)
        assert.equal(parsed, false)
      },
    )
  })
})

suite('replies of Fastify', () => {
  let streamed = Readable.from([])
  const ways: Record<string, (app: FastifyInstance) => unknown> = {
    'a returned text': app => app.post('/', { preHandler: change }, () => 'success'),
    'reply.send': app => app.post('/', { preHandler: change }, (_request, reply) => void reply.send({ ok: 'success' })),
    'reply.send in an async handler': app =>
      app.post('/', { preHandler: change }, async (_request, reply) => reply.send('success')),
    'a stream': app =>
      app.post('/', { preHandler: change }, () => {
        streamed = Readable.from(['suc', 'cess'])
        return streamed
      }),
    'a web stream': app => app.post('/', { preHandler: change }, () => new Blob(['success']).stream()),
    'a web response': app =>
      app.post('/', { preHandler: change }, () => new Response('success', { headers: { 'x-success': 'yes' } })),
    'reply.raw': app =>
      app.post('/', { preHandler: change }, (_request, reply) => {
        reply.raw.setHeader('x-success', 'yes')
        reply.raw.end('success')
      }),
    'a hijacked reply': app =>
      app.post('/', { preHandler: change }, (_request, reply) => {
        reply.hijack()
        reply.raw.writeHead(200, { 'x-success': 'yes' }).write('suc')
        setImmediate(() => reply.raw.end('cess'))
      }),
    'a guard that answers': app =>
      app.post('/', { preHandler: [change, (_request, reply) => void reply.send('success')] }, () => 'never'),
    'an error handler': app =>
      app
        .post('/', { preHandler: change }, () => Promise.reject(Object.assign(new Error('no'), { statusCode: 409 })))
        .setErrorHandler((_error, _request, reply) => void reply.code(200).send('success')),
    "Fastify's own error answer": app =>
      app.post('/', { preHandler: change }, () =>
        Promise.reject(Object.assign(new Error('success'), { statusCode: 409 })),
      ),
  }
  const change = async (request: { session: { load(): Promise<{ data: Record<string, unknown> }> } }) => {
    const { data } = await request.session.load()
    data.color = 'red'
  }

  for (const [name, build] of Object.entries(ways)) {
    const built = async (app: FastifyInstance, { sessions }: FreshSessions) => {
      await app.register(fastifySessions(sessions))
      app.get('/data', { preHandler: loadSession() }, request => request.session.data)
      await build(app)
    }

    test(`${name}: the session is written, and its cookie comes along`, () =>
      visiting(built, async visitor => {
        const { body, cookies } = await visitor.post('/')
        assert.match(body, /success/)
        assert.equal(cookies.length, 1)
        assert.deepEqual((await visitor.get('/data')).json(), { color: 'red' })
      }))

    test(`${name}: when the session cannot be written, the client sees an error and nothing else`, () =>
      visiting(built, async (visitor, { store }) => {
        store.disturb(down, 'create')
        const answer = await visitor.post('/')
        isAnError(answer, 503)
        assert.equal(answer.headers['retry-after'], '1')
        store.heal()
        assert.deepEqual((await visitor.get('/data')).json(), {})
      }))
  }

  for (const works of [true, false]) {
    test(`HTTP/2: the session is written before the answer leaves (${works ? 'well' : 'store down'})`, async () => {
      const { sessions, store } = freshSessions({ insecureHttp: true, csrf: { token: false } })
      const app = Fastify({ http2: true })
      await app.register(fastifySessions(sessions))
      app.get('/', { preHandler: change }, () => Readable.from(['suc', 'cess']))
      if (!works) store.disturb(down, 'create')
      const client = connect(await app.listen({ host: '127.0.0.1', port: 0 }))
      const stream = client.request({ ':path': '/' }).setEncoding('utf8')
      const [headers] = (await once(stream, 'response')) as [Record<string, string | string[]>]
      let body = ''
      for await (const part of stream) body += part
      client.close()
      await app.close()
      assert.deepEqual([headers[':status'], headers['set-cookie']?.length], works ? [200, 1] : [503, undefined])
      assert.equal(body === 'success', works)
    })
  }

  test('a stream that is not sent after all is let go', () =>
    visiting(
      async (app, { sessions }) => {
        await app.register(fastifySessions(sessions))
        await ways['a stream']?.(app)
      },
      async (visitor, { store }) => {
        store.disturb(down, 'create')
        await visitor.post('/')
        assert.equal(streamed.destroyed, true)
      },
    ))

  test('a status that a later hook decides counts: what becomes a 500 changes nothing', () =>
    visiting(
      async (app, { sessions }) => {
        await app.register(fastifySessions(sessions))
        app.addHook('onSend', async () => {
          throw new Error('a later hook')
        })
        app.post('/', { preHandler: change }, () => 'success')
      },
      async (visitor, { store }) => {
        isAnError(await visitor.post('/'), 500)
        assert.ok(!store.calls.includes('create'))
      },
    ))

  test('an answer that is not sent leaves none of its headers behind; those before it stay', () =>
    visiting(
      async (app, { sessions }) => {
        app.addHook('onRequest', async (_request, reply) => {
          reply.headers({ 'x-frame-options': 'DENY', 'x-changed': 'before', 'set-cookie': ['theme=dark'] })
        })
        await app.register(fastifySessions(sessions))
        app.post('/', { preHandler: change }, (_request, reply) => {
          reply.headers({ 'x-success': 'yes', 'x-changed': 'after', etag: '"a"', 'set-cookie': 'seen=1' })
          reply.redirect('/success', 303)
        })
      },
      async (visitor, { store }) => {
        store.disturb(down, 'create')
        const { statusCode, headers } = await visitor.post('/')
        assert.equal(statusCode, 503)
        const { 'x-success': success, location, etag, 'set-cookie': cookies } = headers
        assert.deepEqual([success, location, etag, cookies].flat(), [undefined, undefined, undefined, 'theme=dark'])
        assert.deepEqual([headers['x-frame-options'], headers['x-changed']], ['DENY', 'before'])
      },
    ))

  test('a failure that is no error does not become the answer', () =>
    visiting(
      async (app, { sessions }) => {
        await app.register(fastifySessions(sessions))
        app.post('/', { preHandler: change }, request => {
          const forgotten = request.session.update(() => {
            throw 'success'
          })
          forgotten.catch(() => {})
          return 'success'
        })
      },
      async visitor => isAnError(await visitor.post('/'), 500),
    ))

  test("Fastify's error handling gets every error of ours, with status, code and headers", () => {
    const seen: unknown[] = []
    return visiting(
      async (app, { sessions }) => {
        await app.register(fastifySessions(sessions))
        app.addHook('onError', async (_request, _reply, error) => void seen.push(error))
        app.post('/', { preHandler: change }, () => 'success')
      },
      async (visitor, { store }) => {
        store.disturb(down, 'create')
        const { code, statusCode } = (await visitor.post('/')).json()
        assert.deepEqual([code, statusCode, seen.length], ['store', 503, 1])
        assert.ok(seen[0] instanceof LatchkeyError)
      },
    )
  })

  test('ASVS 16.5.1: answerError tells what a client may read, and leaves other errors to others', () =>
    visiting(
      async (app, { sessions }) => {
        app.setErrorHandler(answerError)
        await app.register(fastifySessions(sessions))
        app.post('/', { preHandler: change }, () => 'success')
        app.get('/user', { preHandler: requireUser() }, () => 'success')
        app.get('/misused', request => request.session.userId)
        app.get('/other', () => Promise.reject(Object.assign(new Error('teapot'), { statusCode: 418 })))
      },
      async (visitor, { store }) => {
        store.disturb(down, 'create')
        const answer = await visitor.post('/')
        isAnError(answer, 503)
        assert.equal(answer.headers['retry-after'], '1')
        const busy = 'The service is briefly unavailable. Please try again.'
        assert.deepEqual(answer.json(), { statusCode: 503, message: busy })
        const refused = await visitor.get('/user')
        assert.deepEqual(refused.json(), { statusCode: 401, code: 'not-signed-in', message: 'Please sign in.' })
        const misused = (await visitor.get('/misused')).json()
        assert.deepEqual(misused, { statusCode: 500, message: 'Something went wrong on our side.' })
        assert.equal((await visitor.get('/other')).statusCode, 418)
      },
    ))
})

suite('types of the Fastify adapter', () => {
  const root = join(import.meta.dirname, '../..')
  /** What the compiler says of a program of one module. */
  const complaints = (module: string): string[] => {
    const directory = join(root, '.cache', `fastify-types-${process.pid}`)
    mkdirSync(directory, { recursive: true })
    try {
      writeFileSync(join(directory, 'module.ts'), module)
      writeFileSync(
        join(directory, 'tsconfig.json'),
        JSON.stringify({ extends: '../../tsconfig.json', include: [], files: ['module.ts'] }),
      )
      const { stdout } = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', directory, '--pretty', 'false'])
      return [...String(stdout).matchAll(/^\S*module\.ts\(\d+,\d+\): error (.*)$/gm)].map(([, text]) => text ?? '')
    } finally {
      rmSync(directory, { recursive: true })
    }
  }

  test('an application types its session data once', () => {
    const module = `
      import Fastify from 'fastify'
      import { type Sessions } from 'latchkey'
      import { answerError, loadSession, requireFresh, requireUser, sessions } from 'latchkey/adapters/fastify'
      declare module 'latchkey/adapters/fastify' {
        interface Register { data: { cart: string[] } }
      }
      export function build(manager: Sessions<{ cart: string[] }>, staff: Sessions<{ room: number }>) {
        const web = sessions(staff)
        for (const app of [Fastify(), Fastify({ logger: true })]) {
          app.register(sessions(manager))
          app.register(web, { prefix: '/staff' })
          app.setErrorHandler(answerError)
          app.addHook('preHandler', requireUser())
          app.get<{ Params: { id: string } }>('/:id', { preHandler: [loadSession(), requireFresh('5m')] }, request => {
            const cart: string[] | undefined = request.session.data.cart
            const room: number | undefined = web.of(request).data.room
            // @ts-expect-error the cart holds texts
            request.session.data.cart = [1]
            // @ts-expect-error the session is not the handler's to replace
            request.session = web.of(request)
            return [cart, room, request.csrfToken()]
          })
        }
        const secure = Fastify({ http2: true })
        secure.register(sessions(manager))
        secure.get('/', { preHandler: requireUser() }, request => request.session.userId)
      }`
    assert.deepEqual(complaints(module), [])
  })

  test('who does not import the adapter sees nothing of it', () => {
    const module = `
      import Fastify from 'fastify'
      import 'latchkey'
      import 'latchkey/adapters/express'
      import 'latchkey/adapters/node'
      Fastify().get('/', request => request.session)`
    const [complaint, ...others] = complaints(module)
    assert.match(complaint ?? '', /^TS2339: Property 'session' does not exist/)
    assert.deepEqual(others, [])
  })
})

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { describe, test } from 'node:test'
import express from 'express'
import Fastify from 'fastify'
import { Hono } from 'hono'
import { type ClientConnection, UsageError } from 'latchkey'
import { sessions as expressSessions } from 'latchkey/adapters/express'
import { sessions as fastifySessions } from 'latchkey/adapters/fastify'
import { sessions as honoSessions } from 'latchkey/adapters/hono'
import { sessions as nodeSessions } from 'latchkey/adapters/node'
import { createConsole } from 'latchkey/console'
import { expressConsole } from 'latchkey/console/express'
import { fastifyConsole } from 'latchkey/console/fastify'
import { honoConsole } from 'latchkey/console/hono'
import { nodeConsole } from 'latchkey/console/node'
import { webConsole } from 'latchkey/console/web'
import { send } from '../../src/testing/adapter-contract/wire.ts'
import type { StartConsole } from '../actors/console-applications.ts'
import { openConsole } from '../actors/console-scene.ts'
import { consoleWatch } from '../actors/console-watch.ts'
import { listening } from '../actors/listening.ts'
import { startServer } from '../actors/server.ts'

/** Places for a console that are not `/console`. */
const mounts: readonly { readonly where: string; readonly mount: string; readonly start: StartConsole }[] = [
  {
    where: 'below a router of Express, with a parameter',
    mount: '/ops/blue/console',
    start({ sessions, console }) {
      const team = express.Router({ mergeParams: true }).use('/console', expressConsole(console))
      return listening(express().set('env', 'test').use(expressSessions(sessions)).use('/ops/:team', team))
    },
  },
  {
    where: 'on a host of its own, on Express',
    mount: '',
    start: ({ sessions, console }) => listening(express().use(expressSessions(sessions)).use(expressConsole(console))),
  },
  {
    where: 'in a scope of Fastify, with a parameter',
    mount: '/ops/blue/console',
    async start({ sessions, console }) {
      const app = Fastify({ forceCloseConnections: true })
      await app.register(
        async scope => {
          await scope.register(fastifySessions(sessions))
          await scope.register(fastifyConsole(console), { prefix: '/console' })
        },
        { prefix: '/ops/:team' },
      )
      return { origin: await app.listen({ host: '127.0.0.1', port: 0 }), close: () => app.close() }
    },
  },
  {
    where: 'on a host of its own, on Fastify',
    mount: '',
    async start({ sessions, console }) {
      const app = Fastify({ forceCloseConnections: true })
      await app.register(fastifySessions(sessions))
      await app.register(fastifyConsole(console))
      return { origin: await app.listen({ host: '127.0.0.1', port: 0 }), close: () => app.close() }
    },
  },
  {
    where: 'on a host of its own, on node',
    mount: '',
    start({ sessions, console }) {
      const answered = nodeConsole(console, { at: '/' })
      const handler = nodeSessions(sessions, async (request, response, context) => {
        if (!(await answered(request, response, context))) response.writeHead(404).end()
      })
      return listening(createServer(handler))
    },
  },
]

describe('where a console is mounted', () => {
  for (const { where, mount, start } of mounts) {
    test(where, async t => {
      const scene = await openConsole(t, start)
      const admin = await scene.admin()
      const get = (path: string, headers = admin.headers()) => send(scene.origin, { path: `${mount}${path}`, headers })
      assert.equal((await get('/api/overview')).status, 200)
      assert.ok([200, 503].includes((await get('/')).status))
      assert.equal((await get('/nothing')).status, 404)
      if (mount !== '') assert.equal((await get('')).headers.location, `${mount}/`)
      const visitor = await get('/?x=//evil.example', scene.client().headers())
      assert.equal(visitor.headers.location, `/prove?returnTo=${encodeURIComponent(`${mount}/`)}`)
    })
  }

  test('Fastify does not wait for live feeds when it closes', async t => {
    let close = async () => {}
    const start: StartConsole = async ({ sessions, console }) => {
      const app = Fastify()
      await app.register(fastifySessions(sessions))
      await app.register(fastifyConsole(console), { prefix: '/console' })
      close = () => app.close()
      return { origin: await app.listen({ host: '127.0.0.1', port: 0 }), close }
    }
    const scene = await openConsole(t, start)
    const feed = await (await scene.admin()).follow()
    const [rest] = await Promise.all([feed.rest(), close()])
    assert.deepEqual(rest, [])
  })

  test('a mount that is no path is a mistake', () => {
    const { sessions } = startServer()
    const console = createConsole(sessions, consoleWatch(Date.now), { administrator: () => true, signInAt: '/login' })
    for (const at of ['console', '/a b', '//evil', '/console/*', '/:team'])
      for (const mount of [nodeConsole, webConsole, honoConsole])
        assert.throws(() => mount(console, { at }), UsageError, at)
  })

  test('sessions of another manager open nothing: the application hears of the mistake', async t => {
    const { sessions: others } = startServer()
    const applications: StartConsole[] = [
      ({ console }) => {
        const app = express().set('env', 'test').use(expressSessions(others)).use('/console', expressConsole(console))
        return listening(app)
      },
      ({ console }) => listening(express().set('env', 'test').use('/console', expressConsole(console))),
      ({ sessions, console }) => {
        const both = [expressSessions(others), expressSessions(sessions)]
        return listening(express().set('env', 'test').use(both).use('/console', expressConsole(console)))
      },
      async ({ sessions, console }) => {
        const app = Fastify({ forceCloseConnections: true })
        await app.register(fastifySessions(others))
        await app.register(fastifySessions(sessions))
        await app.register(fastifyConsole(console), { prefix: '/console' })
        return { origin: await app.listen({ host: '127.0.0.1', port: 0 }), close: () => app.close() }
      },
    ]
    for (const start of applications) {
      const scene = await openConsole(t, start)
      const admin = await scene.admin()
      assert.equal((await admin.get('/api/overview')).status, 500)
    }
    const app = new Hono().use(honoSessions(others))
    const console = createConsole(startServer().sessions, consoleWatch(Date.now), {
      administrator: () => true,
      signInAt: '/login',
    })
    app.use('/console/*', honoConsole(console, { at: '/console' }))
    app.onError((error, context) => context.text(error.name, 500))
    assert.equal(await (await app.request('/console/api/overview')).text(), 'UsageError')
  })
})

describe('options of a console', () => {
  const { sessions } = startServer()
  const watch = consoleWatch(Date.now)
  const fine = { administrator: () => true, signInAt: '/login' }
  const wrong: readonly (readonly [string, object, RegExp])[] = [
    ['no administrator', { signInAt: '/login' }, /administrator/],
    ['no page to prove more', { administrator: () => true }, /signInAt/],
    ['a page of somebody else', { ...fine, signInAt: '//evil.example' }, /signInAt/],
    ['a page with a scheme', { ...fine, signInAt: 'https://evil.example/' }, /signInAt/],
    ['a time without a unit', { ...fine, fresh: 15 }, /fresh/],
    ['no listeners', { ...fine, feed: { most: 0 } }, /feed\.most/],
    ['half a listener', { ...fine, feed: { mostOfSession: 0.5 } }, /feed\.mostOfSession/],
    ['a feed that asks always', { ...fine, feed: { askEvery: '0s' } }, /feed\.askEvery/],
  ]
  for (const [what, options, message] of wrong) {
    test(`${what} does not start`, () => {
      assert.throws(
        () => createConsole(sessions, watch, options as never),
        error => error instanceof UsageError && message.test(error.message),
      )
    })
  }

  test('an administrator who cannot be looked up is none, and the fault is the framework’s', async () => {
    const console = createConsole(sessions, watch, { ...fine, administrator: () => Promise.reject(new Error('down')) })
    const client: ClientConnection = { address: null, encrypted: true, host: 'campus.example' }
    const answer = console.answer({
      ...{
        method: 'GET',
        mount: '/console',
        path: '/api/overview',
        query: new URLSearchParams(),
        client,
        native: null,
      },
      header: () => null,
      json: async () => null,
      session: { id: 'x', userId: 'admin', proofs: [] } as never,
      guards: { requireUser: async () => {}, requireLevel: async () => {}, requireFresh: async () => {} },
      csrfToken: () => '',
    })
    await assert.rejects(answer, /down/)
  })
})

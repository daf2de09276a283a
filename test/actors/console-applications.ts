import { createServer } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import express from 'express'
import Fastify from 'fastify'
import { Hono } from 'hono'
import type { Sessions } from 'latchkey'
import { sessions as expressSessions } from 'latchkey/adapters/express'
import { answerError, sessions as fastifySessions } from 'latchkey/adapters/fastify'
import { sessions as honoSessions } from 'latchkey/adapters/hono'
import { sessions as nodeSessions } from 'latchkey/adapters/node'
import { sessions as webSessions } from 'latchkey/adapters/web'
import type { Console } from 'latchkey/console'
import { expressConsole } from 'latchkey/console/express'
import { fastifyConsole } from 'latchkey/console/fastify'
import { honoConsole } from 'latchkey/console/hono'
import { nodeConsole } from 'latchkey/console/node'
import { webConsole } from 'latchkey/console/web'
import type { ContractServer } from 'latchkey/testing'
import { type Peer, servingFetch } from './fetch-server.ts'
import { quiet } from './hono-application.ts'
import { listening } from './listening.ts'
import type { Data } from './server.ts'

/** An application with nothing in it but sessions and the console at `/console`. */
export type StartConsole = (parts: {
  readonly sessions: Sessions<Data>
  readonly console: Console
}) => Promise<ContractServer>

/** What the application itself says where nothing is. */
export const nothingHere = 'the application has no such page'

const at = { at: '/console' }

/** One for every adapter. */
export const consoleApplications: Readonly<Record<string, StartConsole>> = {
  express({ sessions, console }) {
    const app = express().set('env', 'test')
    app.use(expressSessions(sessions))
    app.use('/console', expressConsole(console))
    app.use((_request, response) => void response.status(404).send(nothingHere))
    return listening(app)
  },

  async fastify({ sessions, console }) {
    const app = Fastify({ forceCloseConnections: true })
    app.setErrorHandler(answerError)
    app.setNotFoundHandler((_request, reply) => reply.code(404).send(nothingHere))
    await app.register(fastifySessions(sessions))
    await app.register(fastifyConsole(console), { prefix: '/console' })
    return { origin: await app.listen({ host: '127.0.0.1', port: 0 }), close: () => app.close() }
  },

  'hono on node': ({ sessions, console }) => {
    const app = quiet(new Hono())
    app.use(honoSessions(sessions))
    app.use('/console/*', honoConsole(console, at))
    app.notFound(context => context.text(nothingHere, 404))
    return listening(createServer(getRequestListener(app.fetch, { overrideGlobalObjects: false })))
  },

  'hono on web standards': ({ sessions, console }) => {
    const app = quiet(new Hono())
    app.use(honoSessions(sessions, { getConnInfo: ({ env }) => ({ remote: { address: env.address } }) }))
    app.use('/console/*', honoConsole(console, at))
    app.notFound(context => context.text(nothingHere, 404))
    return servingFetch((request, peer) => app.fetch(request, peer))
  },

  node({ sessions, console }) {
    const answered = nodeConsole(console, at)
    const handler = nodeSessions(sessions, async (request, response, context) => {
      if (await answered(request, response, context)) return
      response.writeHead(404).end(nothingHere)
    })
    return listening(createServer(handler))
  },

  web({ sessions, console }) {
    const answered = webConsole(console, at)
    const handler = webSessions(
      sessions,
      async (request, context, _peer: Peer) =>
        (await answered(request, context)) ?? new Response(nothingHere, { status: 404 }),
      { connection: (_request, peer) => peer },
    )
    return servingFetch(handler)
  },
}

import { Readable } from 'node:stream'
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import {
  sessions as fastifySessions,
  type Guard,
  loadSession,
  requireFresh,
  requireLevel,
  requireUser,
} from 'latchkey/adapters/fastify'
import type { ContractAnswer, ContractApplication, ContractNeeds, ContractServer } from 'latchkey/testing'

const guards: Readonly<Record<ContractNeeds, Guard[]>> = {
  nothing: [],
  user: [loadSession(), requireUser()],
  'level 2': [requireLevel(2)],
  fresh: [requireFresh('5m')],
  'fresh level 2': [requireFresh('5m', { level: 2 })],
}

/** The contract's application on Fastify, with its own error handling. */
export async function startFastify({ routes, sessions, second }: ContractApplication): Promise<ContractServer> {
  const app = Fastify({ onProtoPoisoning: 'ignore', forceCloseConnections: true })
  const first = fastifySessions(sessions)
  const other = fastifySessions(second)
  app.register(first)
  app.register(other)
  parseForms(app)
  // The routes come after the plugins, whose hooks would otherwise not hold for them.
  app.after(() => {
    for (const { method, path, needs, answer } of routes) {
      app.route({
        method,
        url: path,
        preHandler: guards[needs],
        handler: async (request, reply) => {
          const query = new URL(request.url, 'http://fastify.test').searchParams
          const csrfToken = () => request.csrfToken()
          const sessionStatus = () => request.sessionStatus()
          const both = { session: first.of(request), second: other.of(request) }
          give(reply, await answer({ ...both, csrfToken, sessionStatus, query }))
          return reply
        },
      })
    }
  })
  const origin = await app.listen({ host: '127.0.0.1', port: 0 })
  return { origin, close: () => app.close() }
}

/** Forms into objects; of other types than JSON and text nothing is read. */
function parseForms(app: FastifyInstance): void {
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => {
    done(null, Object.fromEntries(new URLSearchParams(String(body))))
  })
  app.addContentTypeParser('*', (_request, body, done) => {
    body.resume()
    done(null)
  })
}

function give(reply: FastifyReply, { status, headers = {}, body }: ContractAnswer): void {
  reply.code(status)
  for (const [name, value] of Object.entries(headers)) reply.header(name, value)
  reply.send(typeof body === 'object' ? Readable.from(body) : body)
}

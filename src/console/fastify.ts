import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify'
import {
  sessions as fastifySessions,
  type Guard,
  requireFresh,
  requireLevel,
  requireUser,
  type SessionPlugin,
} from '../adapters/fastify.ts'
import { UsageError } from '../index.ts'
import type { Console } from './console.ts'
import type { ConsoleAnswer, ConsoleRequest } from './contract.ts'
import { giveOnNode, headerIn } from './node-answer.ts'

/**
 * The console for Fastify 5: `app.register(fastifyConsole(console), { prefix: '/console' })`, in a scope with the session plugin.
 * Whoever finds nothing there gets the application's own answer for that.
 */
export function fastifyConsole(console: Console): FastifyPluginCallback {
  // Finds the session that the plugin of these sessions gave a request; never registered itself.
  const plugin = fastifySessions(console.sessions)
  return (app, _options, done) => {
    const depth = app.prefix.split('/').length
    const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
      const answer = await console.answer(consoleRequest(request, reply, plugin, depth))
      if (answer === null) return reply.callNotFound()
      return give(reply, answer)
    }
    for (const url of ['/', '/*']) app.route({ method: ['GET', 'POST'], url, handler })
    // Before Fastify waits for the answers that are under way, of which a feed is one.
    app.addHook('preClose', async () => console.close())
    done()
  }
}

function consoleRequest(
  request: FastifyRequest,
  reply: FastifyReply,
  plugin: SessionPlugin<object>,
  depth: number,
): ConsoleRequest {
  const session = plugin.of(request)
  if (session !== (request.session as unknown)) throw new UsageError(notMain)
  const pass = (guard: Guard) =>
    new Promise<void>((resolve, reject) => {
      guard(request, reply, error => (error ? reject(error) : resolve()))
    })
  const [sent = '', query = ''] = request.originalUrl.split(/\?(.*)/s)
  // As it was sent: a prefix may have parameters.
  const mount = sent.split('/').slice(0, depth).join('/')
  return {
    method: request.method,
    mount,
    path: sent.slice(mount.length),
    query: new URLSearchParams(query),
    header: name => headerIn(request.headers, name),
    json: async () => request.body,
    session,
    guards: {
      requireUser: options => pass(requireUser(options)),
      requireLevel: (level, options) => pass(requireLevel(level, options)),
      requireFresh: (within, options) => pass(requireFresh(within, options)),
    },
    csrfToken: () => request.csrfToken(),
    client: plugin.clientOf(request),
    native: request,
  }
}

function give(reply: FastifyReply, answer: ConsoleAnswer): FastifyReply {
  const { status, headers, body } = answer
  if (typeof body === 'function') {
    reply.hijack()
    giveOnNode(reply.raw, answer)
    return reply
  }
  return reply
    .code(status)
    .headers(headers)
    .send(body instanceof Uint8Array ? Buffer.from(body) : (body ?? ''))
}

const notMain =
  "The console's sessions are not the main ones of this scope: the session plugin that is registered first must be theirs."

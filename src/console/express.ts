import type { Request, RequestHandler, Response } from 'express'
import {
  sessions as expressSessions,
  requireFresh,
  requireLevel,
  requireUser,
  type SessionMiddleware,
} from '../adapters/express.ts'
import { UsageError } from '../index.ts'
import type { Console } from './console.ts'
import type { ConsoleRequest } from './contract.ts'
import { giveOnNode, headerIn, jsonOf } from './node-answer.ts'

/**
 * The console for Express 5: `app.use('/console', expressConsole(console))`, after the session middleware. Whoever finds nothing
 * there is passed on to the next route.
 */
export function expressConsole(console: Console): RequestHandler {
  // Finds the session that the middleware of these sessions gave a request; never mounted itself.
  const middleware = expressSessions(console.sessions)
  return async (request, response, next) => {
    const answer = await console.answer(consoleRequest(request, response, middleware))
    if (answer === null) next()
    else giveOnNode(response, answer)
  }
}

function consoleRequest(request: Request, response: Response, middleware: SessionMiddleware<object>): ConsoleRequest {
  const session = middleware.of(request)
  if (session !== (request.session as unknown)) throw new UsageError(notMain)
  const pass = (guard: RequestHandler) =>
    new Promise<void>((resolve, reject) => {
      void guard(request, response, (error?: unknown) => (error ? reject(error) : resolve()))
    })
  const { method, baseUrl: mount, originalUrl } = request
  const [sent = '', query = ''] = originalUrl.split(/\?(.*)/s)
  return {
    method,
    mount,
    path: sent.slice(mount.length),
    query: new URLSearchParams(query),
    header: name => headerIn(request.headers, name),
    json: () => jsonOf(request),
    session,
    guards: {
      requireUser: options => pass(requireUser(options)),
      requireLevel: (level, options) => pass(requireLevel(level, options)),
      requireFresh: (within, options) => pass(requireFresh(within, options)),
    },
    csrfToken: () => request.csrfToken(),
    client: middleware.clientOf(request),
    native: request,
  }
}

const notMain =
  "The console's sessions are not the main ones of this application: the session middleware that is mounted first must be theirs."

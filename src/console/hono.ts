import type { Context, MiddlewareHandler } from 'hono'
import {
  sessions as honoSessions,
  requireFresh,
  requireLevel,
  requireUser,
  type SessionMiddleware,
} from '../adapters/hono.ts'
import { UsageError } from '../index.ts'
import type { Console } from './console.ts'
import type { ConsoleRequest } from './contract.ts'
import { below, type MountOptions, mountPath } from './mount.ts'
import { jsonOf, responseOf } from './web-answer.ts'

/**
 * The console for Hono 4: `app.use('/console/*', honoConsole(console, { at: '/console' }))`, after the session middleware. Whoever
 * finds nothing there is passed on to the next route.
 */
export function honoConsole(console: Console, options: MountOptions): MiddlewareHandler {
  const mount = mountPath(options)
  // Finds the session that the middleware of these sessions gave a request; never mounted itself.
  const middleware = honoSessions(console.sessions)
  return async (context, next) => {
    const request = consoleRequest(context, mount, middleware)
    const answer = request && (await console.answer(request))
    return answer ? responseOf(answer, context.req.method) : next()
  }
}

function consoleRequest(context: Context, mount: string, middleware: SessionMiddleware<object>): ConsoleRequest | null {
  const { pathname, search } = new URL(context.req.url)
  const place = below(mount, `${pathname}${search}`)
  if (place === null) return null
  const session = middleware.of(context)
  if (session !== context.get('session')) throw new UsageError(notMain)
  const pass = async (guard: MiddlewareHandler): Promise<void> => {
    await guard(context, async () => {})
  }
  return {
    method: context.req.method,
    mount,
    ...place,
    header: name => context.req.header(name) ?? null,
    json: () => jsonOf(context.req.raw),
    session,
    guards: {
      requireUser: options => pass(requireUser(options)),
      requireLevel: (level, options) => pass(requireLevel(level, options)),
      requireFresh: (within, options) => pass(requireFresh(within, options)),
    },
    csrfToken: () => context.get('csrfToken')(),
    client: middleware.clientOf(context),
    native: context,
  }
}

const notMain =
  "The console's sessions are not the main ones of this application: the session middleware that is mounted first must be theirs."

import type { WebContext } from '../adapters/web.ts'
import type { Console } from './console.ts'
import { below, type MountOptions, mountPath } from './mount.ts'
import { jsonOf, responseOf } from './web-answer.ts'

/** Answers a request to the console; `null`: it was for somewhere else, or there is nothing for whoever asks, and the handler goes on. */
export type WebConsole = (request: Request, context: WebContext<never> | WebContext<object>) => Promise<Response | null>

/**
 * The console for Web-standard requests, inside of a handler of the sessions' adapter, which must be the console's own sessions:
 * `return (await answered(request, context)) ?? new Response(…)`.
 */
export function webConsole(console: Console, options: MountOptions): WebConsole {
  const mount = mountPath(options)
  return async (request, context) => {
    const { pathname, search } = new URL(request.url)
    const place = below(mount, `${pathname}${search}`)
    if (place === null) return null
    const { session, csrfToken, requireUser, requireLevel, requireFresh, exchange } = context as WebContext<object>
    const answer = await console.answer({
      method: request.method,
      mount,
      ...place,
      header: name => request.headers.get(name),
      json: () => jsonOf(request),
      session,
      guards: { requireUser, requireLevel, requireFresh },
      csrfToken,
      client: exchange.client,
      native: request,
    })
    return answer && responseOf(answer, request.method)
  }
}

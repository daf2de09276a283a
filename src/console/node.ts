import type { IncomingMessage, ServerResponse } from 'node:http'
import type { NodeContext } from '../adapters/node.ts'
import type { Console } from './console.ts'
import { below, type MountOptions, mountPath } from './mount.ts'
import { giveOnNode, headerIn, jsonOf } from './node-answer.ts'

/** Answers a request to the console; `false`: it was for somewhere else, or there is nothing for whoever asks, and the handler goes on. */
export type NodeConsole = (
  request: IncomingMessage & { body?: unknown },
  response: ServerResponse,
  context: NodeContext<never> | NodeContext<object>,
) => Promise<boolean>

/**
 * The console for `node:http`, inside of a handler of the sessions' adapter, which must be the console's own sessions:
 * `if (await answered(request, response, context)) return`.
 */
export function nodeConsole(console: Console, options: MountOptions): NodeConsole {
  const mount = mountPath(options)
  return async (request, response, context) => {
    const place = below(mount, request.url ?? '')
    if (place === null) return false
    const { session, csrfToken, requireUser, requireLevel, requireFresh, exchange } = context as NodeContext<object>
    const answer = await console.answer({
      method: request.method ?? '',
      mount,
      ...place,
      header: name => headerIn(request.headers, name),
      json: () => jsonOf(request),
      session,
      guards: { requireUser, requireLevel, requireFresh },
      csrfToken,
      client: exchange.client,
      native: request,
    })
    if (answer === null) return false
    giveOnNode(response, answer)
    return true
  }
}

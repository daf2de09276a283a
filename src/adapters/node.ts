import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Authenticator, Endpoint } from '../http/endpoint.ts'
import { contextOf, type HandlerContext } from '../http/handler-context.ts'
import { NodeFacts, type NodeRequest, requestFacts } from '../http/node-facts.ts'
import { writePlainError } from '../http/plain-error.ts'
import type { Sessions } from '../http/sessions.ts'
import { isThenable } from '../session/awaitable.ts'

export { type NodeRequest, requestFacts } from '../http/node-facts.ts'

/** What a handler gets besides request and response. */
export type NodeContext<Data extends object> = HandlerContext<Data>

/** A request handler with a session. What it throws becomes the answer: a refusal its status, anything else 500. */
export type NodeHandler<Data extends object> = (
  request: NodeRequest,
  response: ServerResponse,
  context: NodeContext<Data>,
) => unknown

/** How {@link sessions} treats errors. */
export interface NodeOptions {
  /**
   * Writes the answer for an error. Default: status, headers and one line of plain text that gives nothing away (a 500
   * is printed to the standard error output); it also stands in when this throws or rejects.
   */
  readonly onError?: (error: unknown, request: IncomingMessage, response: ServerResponse) => unknown
}

/**
 * Sessions for `node:http` and `node:https`: wraps a handler into a request listener.
 *
 * The form field `csrf_token` is read from `request.body`; a handler that parses bodies itself assigns it before it
 * loads the session.
 */
export function sessions<Data extends object>(
  manager: Sessions<Data>,
  handler: NodeHandler<Data>,
  options: NodeOptions = {},
): RequestListener {
  const { onError = (error, _request, response) => writePlainError(error, response) } = options
  return (request: NodeRequest, response) => {
    // The last resort for every request, so it never throws or rejects itself (ASVS 16.5.4).
    const fail = async (error: unknown): Promise<void> => {
      // An answer that was given whole stands; half of one must not be taken for the whole.
      if (response.writableEnded) return
      if (response.headersSent) {
        response.destroy(error instanceof Error ? error : undefined)
        return
      }
      try {
        await onError(error, request, response)
      } catch {
        if (!response.headersSent) writePlainError(error, response)
        else if (!response.writableEnded) response.destroy()
      }
    }
    const exchange = manager.exchange(new NodeFacts(request, response, fail))
    const refusal = exchange.refusal()
    if (refusal) {
      fail(refusal)
      return
    }
    const context = contextOf(exchange)
    try {
      const handled = handler(request, response, context)
      if (isThenable(handled)) handled.then(undefined, fail)
    } catch (error) {
      fail(error)
    }
  }
}

/**
 * Wraps a handler that only requests with a good access token reach: `bearer` comes from `createBearer` of
 * `latchkey/bearer`. Everybody else gets the refusal, with status and `WWW-Authenticate`.
 */
export function requireBearer<Access, Options>(
  bearer: Authenticator<Access, Options>,
  handler: (request: NodeRequest, response: ServerResponse, access: Access) => unknown,
  options?: Options,
): (request: NodeRequest, response: ServerResponse) => Promise<void> {
  return answering(async (request, response) => {
    await handler(request, response, await bearer.authenticate(requestFacts(request, response), options))
  })
}

/** A route of Latchkey's own, such as `bearer.endpoints.refresh`. Assign the parsed body to `request.body` before. */
export function endpoint(route: Endpoint): (request: NodeRequest, response: ServerResponse) => Promise<void> {
  return answering(async (request, response) => {
    const { status, headers, body } = await route(requestFacts(request, response))
    const text = body === null ? '' : JSON.stringify(body)
    const type = body === null ? {} : { 'content-type': 'application/json; charset=utf-8' }
    response.writeHead(status, { ...headers, ...type, 'content-length': Buffer.byteLength(text) }).end(text)
  })
}

/** What it throws becomes the answer, or the end of one that has begun. */
function answering(work: (request: NodeRequest, response: ServerResponse) => Promise<void>): typeof work {
  return async (request, response) => {
    try {
      await work(request, response)
    } catch (error) {
      if (!response.headersSent) writePlainError(error, response)
      else response.destroy()
    }
  }
}

import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { LatchkeyError } from '../errors.ts'
import type { Exchange } from '../http/exchange.ts'
import { NodeFacts, type NodeRequest } from '../http/node-facts.ts'
import type { Sessions } from '../http/sessions.ts'
import { isThenable } from '../session/awaitable.ts'
import { type Duration, durationMs } from '../session/duration.ts'
import type { LoadOptions, Session } from '../session/session.ts'

/** What a handler gets besides request and response. */
export interface NodeContext<Data extends object> {
  /** The session of this request; `await session.load()` before reading its fields. */
  readonly session: Session<Data>
  /** A token for the form field `csrf_token` or the header `X-CSRF-Token`. Needs a loaded session. */
  readonly csrfToken: () => string
  /** Resolves to the session of a signed-in user, or rejects with a `Refusal` (401), which becomes the answer. */
  readonly requireUser: (options?: LoadOptions) => Promise<Session<Data>>
  /** As `requireUser`, for a user who proved who they are within this time, for example `'5m'`. */
  readonly requireFresh: (within: Duration, options?: LoadOptions) => Promise<Session<Data>>
  /** The exchange itself, for the client's address and for adapters on top of this one. */
  readonly exchange: Exchange<Data>
}

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
  const { onError = plainError } = options
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
        if (!response.headersSent) plainError(error, request, response)
        else if (!response.writableEnded) response.destroy()
      }
    }
    const exchange = manager.exchange(new NodeFacts(request, response, fail))
    const refusal = exchange.refusal()
    if (refusal) {
      fail(refusal)
      return
    }
    const context: NodeContext<Data> = {
      session: exchange.session,
      csrfToken: () => exchange.csrfToken(),
      requireUser: async options => exchange.requireUser(options),
      requireFresh: async (within, options) => exchange.requireFresh(durationMs(within, 'requireFresh'), options),
      exchange,
    }
    try {
      const handled = handler(request, response, context)
      if (isThenable(handled)) handled.then(undefined, fail)
    } catch (error) {
      fail(error)
    }
  }
}

function plainError(error: unknown, _request: IncomingMessage, response: ServerResponse): void {
  const known = error instanceof LatchkeyError && error.status < 500 ? error : null
  const status = error instanceof LatchkeyError ? error.status : 500
  // As Express does: a fault that nobody hears of is never mended.
  if (status === 500) console.error(error)
  response.statusCode = status
  // The handler may have described another body than this one already, such as its length, or allowed to store it.
  for (const name of response.getHeaderNames()) if (aboutBody.test(name)) response.removeHeader(name)
  response.setHeader('cache-control', 'no-store')
  if (error instanceof LatchkeyError)
    for (const [name, value] of Object.entries(error.headers)) response.setHeader(name, value)
  response.setHeader('content-type', 'text/plain; charset=utf-8')
  response.setHeader('x-content-type-options', 'nosniff')
  response.end(
    `${known?.message ?? (status === 503 ? 'The service is briefly unavailable. Please try again.' : 'Something went wrong on our side.')}\n`,
  )
}

const aboutBody =
  /^(content-(?!security-policy).*|transfer-encoding|trailer|etag|last-modified|expires|accept-ranges|location)$/

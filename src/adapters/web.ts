import { LatchkeyError, UsageError } from '../errors.ts'
import type { Authenticator, Endpoint } from '../http/endpoint.ts'
import { contextOf, type HandlerContext } from '../http/handler-context.ts'
import { answerTo } from '../http/plain-error.ts'
import type { RequestFacts } from '../http/request-facts.ts'
import type { Sessions } from '../http/sessions.ts'
import { answerOf } from '../http/web-answer.ts'
import { WebExchange } from '../http/web-exchange.ts'
import { type Connection, WebFacts } from '../http/web-facts.ts'
import { webFactsOf } from '../http/web-form.ts'

export type { Connection } from '../http/web-facts.ts'

/** What a handler gets besides the request. */
export type WebContext<Data extends object> = HandlerContext<Data>

/** A Web-standard request handler with a session; `rest` is what the platform passes besides the request. */
export type WebHandler<Data extends object, Rest extends readonly unknown[] = []> = (
  request: Request,
  context: WebContext<Data>,
  ...rest: Rest
) => Response | Promise<Response>

/** How {@link sessions} treats requests and errors. */
export interface WebOptions<Rest extends readonly unknown[] = []> {
  /**
   * The other end of the socket, from what the platform passes: `(_request, info) => ({ address: info.remoteAddr.hostname })`
   * on Deno. Default: unknown, and TLS when the request's URL begins with `https:`; `trustProxy` then has to be a number.
   */
  readonly connection?: (request: Request, ...rest: Rest) => Connection
  /**
   * Makes the answer for an error. Default: for those of Latchkey status, headers and one line of plain text that gives
   * nothing away (a 500 is printed to the standard error output), which also stands in when this throws or rejects;
   * all others are thrown on, to the platform.
   */
  readonly onError?: (error: unknown, request: Request) => Response | Promise<Response>
}

/**
 * Sessions for everything that speaks Web-standard `Request` and `Response`: Next.js route handlers, Bun, Deno, SvelteKit
 * hooks, and frameworks we do not know. Wraps a handler into a function that takes the same request and whatever else the
 * platform passes. Whatever `Response` comes out has been waited for until the session is written.
 *
 * The adapter itself uses nothing but Web standards; the engine needs `node:crypto`, `node:net` and `Buffer`, which Bun,
 * Deno and workers with Node compatibility have.
 */
export function sessions<Data extends object, Rest extends readonly unknown[] = []>(
  manager: Sessions<Data>,
  handler: WebHandler<Data, Rest>,
  { connection, onError }: WebOptions<Rest> = {},
): (request: Request, ...rest: Rest) => Promise<Response> {
  /** The one place that makes answers of errors. Throws on what is not ours to answer: nothing of that request is kept. */
  const answerError = async (error: unknown, request: Request, web: WebExchange<Data>): Promise<Response> => {
    if (onError) {
      try {
        return await onError(error, request)
      } catch {
        return plainAnswer(error)
      }
    }
    if (error instanceof LatchkeyError) return plainAnswer(error)
    await web.abandon()
    throw error
  }

  return async (request, ...rest) => {
    const web = new WebExchange(manager, request, connection?.(request, ...rest))
    let response: Response
    let thrown = false
    try {
      await web.admit()
      response = checked(await handler(request, contextOf(web.exchange), ...rest))
    } catch (error) {
      // A thrown answer is an answer (React Router, Remix).
      thrown = isResponse(error)
      response = thrown ? (error as Response) : await answerError(error, request, web)
    }
    try {
      response = await web.finish(response)
    } catch (error) {
      return web.finishFailed(await answerError(error, request, web))
    }
    if (thrown) throw response
    return response
  }
}

/** How {@link requireBearer} and {@link endpoint} treat requests. */
export interface GuardedOptions<Requirements, Rest extends readonly unknown[] = []>
  extends Pick<WebOptions<Rest>, 'connection'> {
  /** What the route demands beyond a good token. */
  readonly requirements?: Requirements
}

/**
 * Wraps a handler that only requests with a good access token reach: `bearer` comes from `createBearer` of
 * `latchkey/bearer`. Everybody else gets the refusal, with status and `WWW-Authenticate`.
 */
export function requireBearer<Access, Requirements, Rest extends readonly unknown[] = []>(
  bearer: Authenticator<Access, Requirements>,
  handler: (request: Request, access: Access, ...rest: Rest) => Response | Promise<Response>,
  { connection, requirements }: GuardedOptions<Requirements, Rest> = {},
): (request: Request, ...rest: Rest) => Promise<Response> {
  return async (request, ...rest) => {
    let access: Access
    try {
      access = await bearer.authenticate(new WebFacts(request, connection?.(request, ...rest)), requirements)
    } catch (error) {
      if (error instanceof LatchkeyError) return plainAnswer(error)
      throw error
    }
    return checked(await handler(request, access, ...rest))
  }
}

/** A route of Latchkey's own, such as `bearer.endpoints.refresh`. */
export function endpoint<Rest extends readonly unknown[] = []>(
  route: Endpoint,
  { connection }: Pick<WebOptions<Rest>, 'connection'> = {},
): (request: Request, ...rest: Rest) => Promise<Response> {
  return async (request, ...rest) => {
    try {
      return answerOf(await route(await requestFacts(request, connection?.(request, ...rest))))
    } catch (error) {
      if (error instanceof LatchkeyError) return plainAnswer(error)
      throw error
    }
  }
}

/** A request as `bearer.signIn` takes it, its form or JSON read. */
export function requestFacts(request: Request, connection?: Connection): Promise<RequestFacts> {
  return webFactsOf(request, connection)
}

function plainAnswer(error: unknown): Response {
  const { status, headers, body } = answerTo(error)
  return new Response(body, { status, headers })
}

function checked(response: unknown): Response {
  if (isResponse(response)) return response
  throw new UsageError('The handler returned no Response: return one on every path.')
}

/** By its tag: several classes of that name may live in one process, because servers and polyfills bring their own. */
function isResponse(value: unknown): value is Response {
  return Object.prototype.toString.call(value) === '[object Response]'
}

import type { NextFunction, Request, RequestHandler, Response } from 'express'
import { UsageError } from '../errors.ts'
import type { ClientConnection } from '../http/client-address.ts'
import type { Authenticator, Endpoint } from '../http/endpoint.ts'
import type { Exchange } from '../http/exchange.ts'
import { afterCheck, type FreshGuardOptions, type GuardOptions, turnedAwayTo } from '../http/guard.ts'
import { LetThrough } from '../http/let-through.ts'
import { NodeFacts, requestFacts } from '../http/node-facts.ts'
import type { SessionStatus } from '../http/session-status.ts'
import type { Sessions } from '../http/sessions.ts'
import type { AssuranceLevel } from '../session/assurance.ts'
import type { Awaitable } from '../session/awaitable.ts'
import { type Duration, durationMs } from '../session/duration.ts'
import type { LoadOptions, Session } from '../session/session.ts'

export type { FreshGuardOptions, GuardOptions } from '../http/guard.ts'
export { requestFacts } from '../http/node-facts.ts'
export type { SessionStatus } from '../http/session-status.ts'

/**
 * Tell the compiler about your session data once, and `req.session.data` has its type everywhere:
 *
 * ```ts
 * declare module 'latchkey/adapters/express' {
 *   interface Register { data: { cart: string[] } }
 * }
 * ```
 *
 * With several session managers in one application, read a session by `manager.of(req)`, which is typed by itself.
 */
// biome-ignore lint/suspicious/noEmptyInterface: filled by declaration merging
export interface Register {}

/** The registered session data, or anything when none is registered. */
export type RegisteredData = Register extends { data: infer Data extends object } ? Data : Record<string, unknown>

declare global {
  namespace Express {
    interface Request {
      /** The session of this request, from Latchkey. Read its fields behind `loadSession()` or `requireUser()`. */
      session: Session<RegisteredData>
      /** A token for the form field `csrf_token` or the header `X-CSRF-Token`. Needs a loaded session. */
      csrfToken(): string
      /** What the page may know of its session, for `latchkey/browser`. Needs a loaded session. */
      sessionStatus(): SessionStatus
    }
  }
}

/** The middleware that {@link sessions} makes. */
export interface SessionMiddleware<Data extends object> extends RequestHandler {
  /** This manager's session of a request, typed by the manager. */
  of(request: Request): Session<Data>
  /** The client's end of the connection as `trustProxy` allows it to be seen: address, HTTPS, host. */
  clientOf(request: Request): ClientConnection
}

/** The exchanges of a request, with the manager each belongs to; the first one is the application's main one. */
const carriedKey: unique symbol = Symbol('latchkey.exchanges')
type Carried = { readonly manager: object; readonly exchange: Exchange<object> }
type Carrying = Request & { [carriedKey]?: Carried[] }

/**
 * Sessions for Express 5: gives every request its `req.session`, refuses requests that other sites' pages send, and
 * holds responses back until the session is written. Mount static files before it, so that they never meet a session,
 * and body parsers after it: the form field `csrf_token` is read when the session is first used.
 */
export function sessions<Data extends object>(manager: Sessions<Data>): SessionMiddleware<Data> {
  const exchangeIn = ({ [carriedKey]: carried }: Carrying): Exchange<Data> | undefined =>
    carried?.find(entry => entry.manager === manager)?.exchange as Exchange<Data> | undefined

  const middleware = (request: Carrying, response: Response, next: NextFunction): void => {
    // Mounted for the application and again for a part of it: two sessions of one cookie would overwrite each other.
    if (exchangeIn(request)) {
      next()
      return
    }
    const exchange = manager.exchange(new NodeFacts(request, response, next))
    const carried = { manager, exchange: exchange as unknown as Exchange<object> }
    if (request[carriedKey]) {
      request[carriedKey].push(carried)
    } else {
      request[carriedKey] = [carried]
      showSession(Object.getPrototypeOf(request))
    }
    next(exchange.refusal() ?? undefined)
  }
  const found = (request: Carrying): Exchange<Data> => {
    const exchange = exchangeIn(request)
    if (exchange) return exchange
    throw new UsageError(
      'This request has no session of this manager: mount its middleware with app.use(...) before the route.',
    )
  }
  return Object.assign(middleware, {
    of: (request: Carrying) => found(request).session,
    clientOf: (request: Carrying) => found(request).client,
  })
}

/**
 * Adds `session`, `csrfToken` and `sessionStatus` to the requests of an application, once: Express gives all of them one prototype, and
 * properties on each request would cost as much as reading a session.
 */
function showSession(requests: object): void {
  if ('csrfToken' in requests) return
  Object.defineProperties(requests, {
    session: { get: mainSession, configurable: true },
    csrfToken: { value: mainCsrfToken, configurable: true, writable: true },
    sessionStatus: { value: mainSessionStatus, configurable: true, writable: true },
  })
}

function mainSession(this: Carrying): Session<object> | undefined {
  return this[carriedKey]?.[0]?.exchange.session
}

function mainCsrfToken(this: Carrying): string {
  return exchangeOf(this).csrfToken()
}

function mainSessionStatus(this: Carrying): SessionStatus {
  return exchangeOf(this).sessionStatus()
}

/** Loads the session in front of a route, so that its fields can be read. Anonymous visitors pass. */
export function loadSession(options?: LoadOptions): RequestHandler {
  return guard({}, exchange => exchange.session.open(options))
}

/** Lets only signed-in users through. */
export function requireUser(options: GuardOptions = {}): RequestHandler {
  return guard(options, exchange => exchange.requireUser(options))
}

/** Lets only users through who proved who they are to this level: 2 is two factors (ASVS 6.3.3). */
export function requireLevel(level: AssuranceLevel, options: GuardOptions = {}): RequestHandler {
  return guard(options, exchange => exchange.requireLevel(level, options))
}

/** Lets only users through who proved who they are within this time, for example `'5m'` (ASVS 7.5.1). */
export function requireFresh(within: Duration, options: FreshGuardOptions = {}): RequestHandler {
  const withinMs = durationMs(within, 'requireFresh')
  return guard(options, exchange => exchange.requireFresh(withinMs, options))
}

/** Goes on to the route when the check passes: at once where the session is at hand. */
function guard(options: GuardOptions, check: (exchange: Exchange<object>) => Awaitable<unknown>): RequestHandler {
  return (request, response, next) => {
    const turnAway = (error: unknown): void => {
      const page = turnedAwayTo(error, options, request.method, request.originalUrl)
      if (page === null) next(error)
      else response.redirect(303, page)
    }
    return afterCheck(
      () => check(exchangeOf(request)),
      () => next(),
      turnAway,
    )
  }
}

/** The guard that {@link requireBearer} makes. */
export interface BearerGuard<Access> extends RequestHandler {
  /** What the access token says; throws a `UsageError` in routes that this guard does not stand in front of. */
  of(request: Request): Access
}

/**
 * Lets only requests with a good access token through: `bearer` comes from `createBearer` of `latchkey/bearer`. A refusal
 * goes to Express's error handling, with status and `WWW-Authenticate`. Needs no session middleware.
 */
export function requireBearer<Access extends object, Options>(
  bearer: Authenticator<Access, Options>,
  options?: Options,
): BearerGuard<Access> {
  const letThrough = new LetThrough<Access>()
  const middleware: RequestHandler = (request, response, next) => {
    letThrough.pass(request, () => bearer.authenticate(requestFacts(request, response), options), next)
  }
  return Object.assign(middleware, { of: letThrough.of })
}

/** A route of Latchkey's own, such as `bearer.endpoints.refresh`. Mount a body parser before it. */
export function endpoint(route: Endpoint): RequestHandler {
  return async (request, response) => {
    const { status, headers, body } = await route(requestFacts(request, response))
    response.status(status).set(headers)
    if (body === null) response.end()
    else response.json(body)
  }
}

function exchangeOf(request: Request): Exchange<object> {
  const exchange = (request as Carrying)[carriedKey]?.[0]?.exchange
  if (exchange) return exchange
  throw new UsageError(
    'This request has no session: mount the middleware with app.use(sessions(manager)) before this route.',
  )
}

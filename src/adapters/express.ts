import type { TLSSocket } from 'node:tls'
import type { NextFunction, Request, RequestHandler, Response } from 'express'
import { UsageError } from '../errors.ts'
import type { Exchange } from '../http/exchange.ts'
import { holdResponse } from '../http/hold-response.ts'
import type { Sessions } from '../http/sessions.ts'
import { type Duration, durationMs } from '../session/duration.ts'
import type { Session } from '../session/session.ts'

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
    }
  }
}

/** The middleware that {@link sessions} makes. */
export interface SessionMiddleware<Data extends object> extends RequestHandler {
  /** This manager's session of a request, typed by the manager. */
  of(request: Request): Session<Data>
}

/** Where an anonymous or stale visitor is sent. */
export interface GuardOptions {
  /**
   * Page to send a browser to with 303, `returnTo` added for requests that can be repeated (GET, HEAD). Default: no
   * redirect, the refusal (401) goes to Express's error handling.
   */
  readonly redirectTo?: string
}

const exchangeKey: unique symbol = Symbol('latchkey.exchange')
type Carrying = Request & { [exchangeKey]?: Exchange<object> }

/**
 * Sessions for Express 5: gives every request its `req.session`, refuses requests that other sites' pages send, and
 * holds responses back until the session is written. Mount body parsers before it, so that the form field `csrf_token`
 * can be read; mount static files before it, so that they never meet a session.
 */
export function sessions<Data extends object>(manager: Sessions<Data>): SessionMiddleware<Data> {
  const exchanges = new WeakMap<Request, Exchange<Data>>()
  const middleware = (request: Request, response: Response, next: NextFunction): void => {
    const exchange: Exchange<Data> = manager.exchange({
      method: request.method,
      target: request.originalUrl,
      headers: request.headers,
      remoteAddress: request.socket.remoteAddress,
      encrypted: (request.socket as TLSSocket).encrypted === true,
      onUse: () => holdResponse(response, exchange, next),
      body: () => request.body,
    })
    const refusal = exchange.refusal()
    if (refusal) {
      next(refusal)
      return
    }
    exchanges.set(request, exchange)
    const carrying = request as Carrying
    // The first manager mounted is the application's main one; a second is reached by `of`.
    if (!carrying[exchangeKey]) {
      carrying[exchangeKey] = exchange as unknown as Exchange<object>
      request.session = exchange.session as unknown as Session<RegisteredData>
      request.csrfToken = () => exchange.csrfToken()
    }
    next()
  }
  const of = (request: Request): Session<Data> => {
    const exchange = exchanges.get(request)
    if (!exchange)
      throw new UsageError(
        'This request has no session of this manager: mount its middleware with app.use(...) before the route.',
      )
    return exchange.session
  }
  return Object.assign(middleware, { of })
}

/** Loads the session in front of a route, so that its fields can be read. Anonymous visitors pass. */
export function loadSession(options: { readonly activity?: boolean } = {}): RequestHandler {
  return async (request, _response, next) => {
    await exchangeOf(request).session.load(options)
    next()
  }
}

/** Lets only signed-in users through. */
export function requireUser(options: GuardOptions = {}): RequestHandler {
  return guard(options, exchange => exchange.requireUser())
}

/** Lets only users through who proved who they are within this time, for example `'5m'` (ASVS 7.5.1). */
export function requireFresh(within: Duration, options: GuardOptions = {}): RequestHandler {
  const withinMs = durationMs(within, 'requireFresh')
  return guard(options, exchange => exchange.requireFresh(withinMs))
}

function guard({ redirectTo }: GuardOptions, check: (exchange: Exchange<object>) => Promise<unknown>): RequestHandler {
  return async (request, response, next) => {
    try {
      await check(exchangeOf(request))
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : null
      if (redirectTo === undefined || (code !== 'not-signed-in' && code !== 'not-fresh')) throw error
      const repeatable = request.method === 'GET' || request.method === 'HEAD'
      response.redirect(
        303,
        repeatable ? `${redirectTo}?returnTo=${encodeURIComponent(request.originalUrl)}` : redirectTo,
      )
      return
    }
    next()
  }
}

function exchangeOf(request: Request): Exchange<object> {
  const exchange = (request as Carrying)[exchangeKey]
  if (exchange) return exchange
  throw new UsageError(
    'This request has no session: mount the middleware with app.use(sessions(manager)) before this route.',
  )
}

import type { Context, MiddlewareHandler } from 'hono'
import type { ConnInfo, GetConnInfo } from 'hono/conninfo'
import { UsageError } from '../errors.ts'
import type { ClientConnection } from '../http/client-address.ts'
import type { Authenticator, Endpoint } from '../http/endpoint.ts'
import type { Exchange } from '../http/exchange.ts'
import { type FreshGuardOptions, type GuardOptions, turnedAwayTo } from '../http/guard.ts'
import { LetThrough } from '../http/let-through.ts'
import type { RequestFacts } from '../http/request-facts.ts'
import type { SessionStatus } from '../http/session-status.ts'
import type { Sessions } from '../http/sessions.ts'
import { answerOf } from '../http/web-answer.ts'
import { WebExchange } from '../http/web-exchange.ts'
import { type Connection, targetOf, WebFacts } from '../http/web-facts.ts'
import { webFactsOf } from '../http/web-form.ts'
import type { AssuranceLevel } from '../session/assurance.ts'
import type { Awaitable } from '../session/awaitable.ts'
import { type Duration, durationMs } from '../session/duration.ts'
import type { LoadOptions, Session } from '../session/session.ts'

export type { FreshGuardOptions, GuardOptions } from '../http/guard.ts'
export type { SessionStatus } from '../http/session-status.ts'

/** What {@link sessions} puts on a context, for `new Hono<{ Variables: SessionVariables<Data> }>()`. */
export interface SessionVariables<Data extends object = Record<string, unknown>> {
  /** The session of this request. Read its fields behind `loadSession()` or `requireUser()`. */
  session: Session<Data>
  /** A token for the form field `csrf_token` or the header `X-CSRF-Token`. Needs a loaded session. */
  csrfToken: () => string
  /** What the page may know of its session, for `latchkey/browser`. Needs a loaded session. */
  sessionStatus: () => SessionStatus
}

/** How {@link sessions} learns about the client. */
export interface HonoOptions {
  /**
   * The platform's own function, from `hono/bun`, `hono/deno`, `hono/cloudflare-workers` and so on, for the address of the
   * socket's other end. Default: that of @hono/node-server's socket, elsewhere unknown; `trustProxy` then has to be a number.
   */
  readonly getConnInfo?: GetConnInfo
}

/** The middleware that {@link sessions} makes. */
export interface SessionMiddleware<Data extends object>
  extends MiddlewareHandler<{ Variables: SessionVariables<Data> }> {
  /** This manager's session of a request, typed by the manager. */
  of(context: Context): Session<Data>
  /** The client's end of the connection as `trustProxy` allows it to be seen: address, HTTPS, host. */
  clientOf(context: Context): ClientConnection
}

/** The exchanges of a request, with the manager each belongs to; the first one is the application's main one. */
const carriedBy = new WeakMap<Context, { readonly manager: object; readonly exchange: Exchange<object> }[]>()

/**
 * Sessions for Hono 4, on Node and wherever there are Web standards: gives every context its `session`, `csrfToken` and `sessionStatus`,
 * refuses requests that other sites' pages send, and finishes the answer when the session is written. Register static
 * files before it, so that they never meet a session.
 */
export function sessions<Data extends object>(
  manager: Sessions<Data>,
  options: HonoOptions = {},
): SessionMiddleware<Data> {
  const exchangeIn = (context: Context): Exchange<Data> | undefined =>
    carriedBy.get(context)?.find(entry => entry.manager === manager)?.exchange as Exchange<Data> | undefined

  const middleware: MiddlewareHandler<{ Variables: SessionVariables<Data> }> = async (context, next) => {
    // Mounted for the application and again for a part of it: two sessions of one cookie would overwrite each other.
    if (exchangeIn(context)) return next()
    const web = new WebExchange(manager, context.req.raw, connectionOf(context, options))
    const { exchange } = web
    const carried = { manager, exchange: exchange as unknown as Exchange<object> }
    const others = carriedBy.get(context)
    if (others) others.push(carried)
    else {
      carriedBy.set(context, [carried])
      context.set('session', exchange.session)
      context.set('csrfToken', () => exchange.csrfToken())
      context.set('sessionStatus', () => exchange.sessionStatus())
    }
    await web.admit()
    try {
      await next()
    } catch (error) {
      // Hono's error handler answers errors where they are thrown; this one is none, or there is no handler but this.
      await web.abandon()
      if (exchange.session.used) replaceAnswer(context, web.finishFailed(new Response(null)))
      throw error
    }
    try {
      replaceAnswer(context, await web.finish(context.res))
    } catch (error) {
      // The error handler's answer takes over the headers of this one: what is true although the rest failed.
      replaceAnswer(context, web.finishFailed(new Response(null)))
      throw error
    }
  }
  const found = (context: Context): Exchange<Data> => {
    const exchange = exchangeIn(context)
    if (exchange) return exchange
    throw new UsageError(
      'This request has no session of this manager: mount its middleware with app.use(...) before the route.',
    )
  }
  return Object.assign(middleware, {
    of: (context: Context) => found(context).session,
    clientOf: (context: Context) => found(context).client,
  })
}

/** Hono adds the headers of the answer that was there to one that replaces it, unless there was none. */
function replaceAnswer(context: Context, answer: Response): void {
  if (context.res === answer) return
  context.res = undefined
  context.res = answer
}

/** The bindings of @hono/node-server: Node's own request. */
type NodeBindings = { readonly incoming?: { readonly socket?: { remoteAddress?: string; encrypted?: boolean } } }

function connectionOf(context: Context, { getConnInfo }: HonoOptions): Connection {
  const env = context.env as (NodeBindings & { readonly server?: NodeBindings }) | undefined
  const socket = (env?.server ?? env)?.incoming?.socket
  const info: ConnInfo | undefined = getConnInfo?.(context)
  return {
    address: info ? info.remote.address : socket?.remoteAddress,
    // A request line with a whole address in it could claim to be HTTPS; the socket knows.
    encrypted: socket ? socket.encrypted === true : undefined,
  }
}

/** Loads the session in front of a route, so that its fields can be read. Anonymous visitors pass. */
export function loadSession(options?: LoadOptions): MiddlewareHandler {
  return guard({}, exchange => exchange.session.open(options))
}

/** Lets only signed-in users through. */
export function requireUser(options: GuardOptions = {}): MiddlewareHandler {
  return guard(options, exchange => exchange.requireUser(options))
}

/** Lets only users through who proved who they are to this level: 2 is two factors (ASVS 6.3.3). */
export function requireLevel(level: AssuranceLevel, options: GuardOptions = {}): MiddlewareHandler {
  return guard(options, exchange => exchange.requireLevel(level, options))
}

/** Lets only users through who proved who they are within this time, for example `'5m'` (ASVS 7.5.1). */
export function requireFresh(within: Duration, options: FreshGuardOptions = {}): MiddlewareHandler {
  const withinMs = durationMs(within, 'requireFresh')
  return guard(options, exchange => exchange.requireFresh(withinMs, options))
}

function guard(options: GuardOptions, check: (exchange: Exchange<object>) => Awaitable<unknown>): MiddlewareHandler {
  return async (context, next) => {
    try {
      const checked = check(exchangeOf(context))
      if (checked instanceof Promise) await checked
    } catch (error) {
      const page = turnedAwayTo(error, options, context.req.method, targetOf(context.req.url))
      if (page === null) throw error
      return context.redirect(page, 303)
    }
    return next()
  }
}

/** The guard that {@link requireBearer} makes. */
export interface BearerGuard<Access> extends MiddlewareHandler {
  /** What the access token says; throws a `UsageError` in routes that this guard does not stand in front of. */
  of(context: Context): Access
}

/**
 * Lets only requests with a good access token through: `bearer` comes from `createBearer` of `latchkey/bearer`. A refusal is
 * thrown to Hono's error handling, with status and `WWW-Authenticate`. Needs no session middleware.
 */
export function requireBearer<Access extends object, Options>(
  bearer: Authenticator<Access, Options>,
  requirements?: Options,
  options: HonoOptions = {},
): BearerGuard<Access> {
  const letThrough = new LetThrough<Access>()
  const middleware: MiddlewareHandler = async (context, next) => {
    const facts = new WebFacts(context.req.raw, connectionOf(context, options))
    letThrough.add(context, await bearer.authenticate(facts, requirements))
    return next()
  }
  return Object.assign(middleware, { of: letThrough.of })
}

/** A route of Latchkey's own, such as `bearer.endpoints.refresh`. */
export function endpoint(route: Endpoint, options: HonoOptions = {}): (context: Context) => Promise<Response> {
  return async context => answerOf(await route(await requestFacts(context, options)))
}

/** A request as `bearer.signIn` takes it, its form or JSON read. */
export function requestFacts(context: Context, options: HonoOptions = {}): Promise<RequestFacts> {
  return webFactsOf(context.req.raw, connectionOf(context, options))
}

function exchangeOf(context: Context): Exchange<object> {
  const exchange = carriedBy.get(context)?.[0]?.exchange
  if (exchange) return exchange
  throw new UsageError(
    'This request has no session: mount the middleware with app.use(sessions(manager)) before this route.',
  )
}

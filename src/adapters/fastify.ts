import type { FastifyInstance, FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify'
import { LatchkeyError, publicMessage, UsageError } from '../errors.ts'
import type { ClientConnection } from '../http/client-address.ts'
import type { Authenticator, Endpoint } from '../http/endpoint.ts'
import type { Exchange } from '../http/exchange.ts'
import { afterCheck, type FreshGuardOptions, type GuardOptions, turnedAwayTo } from '../http/guard.ts'
import { LetThrough } from '../http/let-through.ts'
import { NodeFacts } from '../http/node-facts.ts'
import { writePlainError } from '../http/plain-error.ts'
import type { HeldExchange, RequestFacts } from '../http/request-facts.ts'
import type { SessionStatus } from '../http/session-status.ts'
import type { Sessions } from '../http/sessions.ts'
import type { AssuranceLevel } from '../session/assurance.ts'
import type { Awaitable } from '../session/awaitable.ts'
import { type Duration, durationMs } from '../session/duration.ts'
import type { LoadOptions, Session } from '../session/session.ts'

export type { FreshGuardOptions, GuardOptions } from '../http/guard.ts'
export type { SessionStatus } from '../http/session-status.ts'

/**
 * Tell the compiler about your session data once, and `request.session.data` has its type everywhere:
 *
 * ```ts
 * declare module 'latchkey/adapters/fastify' {
 *   interface Register { data: { cart: string[] } }
 * }
 * ```
 *
 * With several session managers in one application, read a session by `plugin.of(request)`, which is typed by itself.
 */
// biome-ignore lint/suspicious/noEmptyInterface: filled by declaration merging
export interface Register {}

/** The registered session data, or anything when none is registered. */
export type RegisteredData = Register extends { data: infer Data extends object } ? Data : Record<string, unknown>

declare module 'fastify' {
  interface FastifyRequest {
    /** The session of this request, from Latchkey. Read its fields behind `loadSession()` or `requireUser()`. */
    readonly session: Session<RegisteredData>
    /** A token for the form field `csrf_token` or the header `X-CSRF-Token`. Needs a loaded session. */
    csrfToken(): string
    /** What the page may know of its session, for `latchkey/browser`. Needs a loaded session. */
    sessionStatus(): SessionStatus
  }
}

/** The plugin that {@link sessions} makes. */
export interface SessionPlugin<Data extends object> extends FastifyPluginCallback {
  /** This manager's session of a request, typed by the manager. */
  of(request: object): Session<Data>
  /** The client's end of the connection as `trustProxy` of the manager allows it to be seen: address, HTTPS, host. */
  clientOf(request: object): ClientConnection
}

/** The exchanges of a request, with the manager each belongs to; the first one is the main one. */
const carriedKey: unique symbol = Symbol('latchkey.exchanges')
type Carried = { readonly manager: object; readonly exchange: Exchange<object> }
type Carrying = { [carriedKey]?: Carried[] | null }

/**
 * Sessions for Fastify 5, as a plugin: gives every request of the scope it is registered in (and of the scopes inside)
 * its `request.session`, refuses requests that other sites' pages send before their bodies are parsed, and holds replies
 * back until the session is written. Scopes beside it, such as one for static files, never meet a session.
 */
export function sessions<Data extends object>(manager: Sessions<Data>): SessionPlugin<Data> {
  const exchangeIn = ({ [carriedKey]: carried }: Carrying): Exchange<Data> | undefined =>
    carried?.find(entry => entry.manager === manager)?.exchange as Exchange<Data> | undefined

  const plugin: FastifyPluginCallback = (app, _options, done) => {
    if (isTaken(app)) {
      done(new UsageError(taken))
      return
    }
    showSession(app)
    app.addHook('onRequest', (request: FastifyRequest & Carrying, reply, next) => {
      // Registered for the application and again for a scope of it: two sessions of one cookie would overwrite each other.
      if (exchangeIn(request)) {
        next()
        return
      }
      const exchange = manager.exchange(new FastifyFacts(request, reply))
      const carried = { manager, exchange: exchange as unknown as Exchange<object> }
      if (request[carriedKey]) request[carriedKey].push(carried)
      else request[carriedKey] = [carried]
      next(exchange.refusal() ?? undefined)
    })
    done()
  }
  const found = (request: Carrying): Exchange<Data> => {
    const exchange = exchangeIn(request)
    if (exchange) return exchange
    throw new UsageError(
      'This request has no session of this manager: register its plugin with app.register(...) in this scope or one around it.',
    )
  }
  return Object.assign(plugin, {
    // What fastify-plugin sets: what the plugin adds belongs to the scope that registers it, not to one of its own.
    [Symbol.for('skip-override')]: true,
    [Symbol.for('fastify.display-name')]: 'latchkey',
    [Symbol.for('plugin-meta')]: { name: 'latchkey', fastify: '5.x' },
    of: (request: Carrying) => found(request).session,
    clientOf: (request: Carrying) => found(request).client,
  })
}

const taken =
  'request.session belongs to another plugin already (@fastify/session?): remove it, or register Latchkey in a scope without it.'

function isTaken(app: FastifyInstance): boolean {
  return app.hasRequestDecorator('session') && !app.hasRequestDecorator(carriedKey)
}

/** Adds `session`, `csrfToken` and `sessionStatus` to the requests of a scope, once. */
function showSession(app: FastifyInstance): void {
  if (app.hasRequestDecorator(carriedKey)) return
  app.decorateRequest(carriedKey, null)
  app.decorateRequest('session', { getter: mainSession as () => Session<RegisteredData> })
  app.decorateRequest('csrfToken', mainCsrfToken as () => string)
  app.decorateRequest('sessionStatus', mainSessionStatus as () => SessionStatus)
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

/**
 * A request of Fastify: the facts are Node's, the body is what Fastify's parsers made of it.
 *
 * The response is held as on `node:http`, not in an `onSend` hook: later hooks still change the status, and what is written
 * to `reply.raw`, hijacked or not, never meets a hook.
 */
class FastifyFacts extends NodeFacts {
  readonly #request: FastifyRequest
  readonly #reply: FastifyReply
  #headersBefore: ReplyHeaders = {}

  constructor(request: FastifyRequest, reply: FastifyReply) {
    super(request.raw, reply.raw, error => this.#fail(error))
    this.#request = request
    this.#reply = reply
  }

  override body(): unknown {
    return this.#request.body
  }

  override onUse(exchange: HeldExchange): void {
    this.#headersBefore = headersOf(this.#reply)
    super.onUse(exchange)
  }

  /** The session was not written: what the handler answered never leaves, and the error takes Fastify's way. */
  #fail(error: unknown): void {
    const reply = this.#reply
    // Nothing was sent, so this reply was hijacked: Fastify keeps out of it.
    if (reply.sent) {
      writePlainError(error, reply.raw)
      return
    }
    for (const [name, value] of Object.entries(headersOf(reply))) {
      const before = this.#headersBefore[name]
      if (String(before) === String(value)) continue
      reply.removeHeader(name)
      if (before !== undefined) reply.header(name, before)
    }
    // When error handlers have answered already, Fastify's last resort takes over, which leaves the status as it is.
    reply.code(error instanceof LatchkeyError ? error.status : 500)
    if (error instanceof LatchkeyError) reply.headers(error.headers)
    // Of anything else Fastify would make the answer.
    reply.send(error instanceof Error ? error : new Error('The session was not written.', { cause: error }))
  }
}

type ReplyHeaders = Record<string, string | number | string[]>

/** A copy: Fastify adds cookies to the list that it gave away. */
function headersOf(reply: FastifyReply): ReplyHeaders {
  const headers: ReplyHeaders = {}
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? [...value] : value
  }
  return headers
}

/**
 * A check in front of a route, for `preHandler`: `app.get('/me', { preHandler: requireUser() }, …)`. In `onRequest` it
 * works for requests whose CSRF token is in the header only, because bodies are not parsed there yet.
 */
export type Guard = (
  request: Pick<FastifyRequest, 'method' | 'originalUrl'>,
  reply: { redirect(page: string, status?: number): unknown },
  done: (error?: Error) => void,
) => void

/** Loads the session in front of a route, so that its fields can be read. Anonymous visitors pass. */
export function loadSession(options?: LoadOptions): Guard {
  return guard({}, exchange => exchange.session.open(options))
}

/** Lets only signed-in users through. */
export function requireUser(options: GuardOptions = {}): Guard {
  return guard(options, exchange => exchange.requireUser(options))
}

/** Lets only users through who proved who they are to this level: 2 is two factors (ASVS 6.3.3). */
export function requireLevel(level: AssuranceLevel, options: GuardOptions = {}): Guard {
  return guard(options, exchange => exchange.requireLevel(level, options))
}

/** Lets only users through who proved who they are within this time, for example `'5m'` (ASVS 7.5.1). */
export function requireFresh(within: Duration, options: FreshGuardOptions = {}): Guard {
  const withinMs = durationMs(within, 'requireFresh')
  return guard(options, exchange => exchange.requireFresh(withinMs, options))
}

/** Goes on to the route when the check passes: at once where the session is at hand. */
function guard(options: GuardOptions, check: (exchange: Exchange<object>) => Awaitable<unknown>): Guard {
  return (request, reply, done) => {
    const turnAway = (error: unknown): void => {
      const page = turnedAwayTo(error, options, request.method, request.originalUrl)
      if (page === null) done(error as Error)
      else reply.redirect(page, 303)
    }
    void afterCheck(
      () => check(exchangeOf(request as Carrying)),
      () => done(),
      turnAway,
    )
  }
}

/** The guard that {@link requireBearer} makes, for `onRequest` or `preHandler`. */
export interface BearerGuard<Access> {
  (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void
  /** What the access token says; throws a `UsageError` in routes that this guard does not stand in front of. */
  of(request: FastifyRequest): Access
}

/**
 * Lets only requests with a good access token through: `bearer` comes from `createBearer` of `latchkey/bearer`. A refusal
 * goes to Fastify's error handling, with status and `WWW-Authenticate`. Needs no session plugin.
 */
export function requireBearer<Access extends object, Options>(
  bearer: Authenticator<Access, Options>,
  options?: Options,
): BearerGuard<Access> {
  const letThrough = new LetThrough<Access>()
  const guard = (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void => {
    letThrough.pass(request, () => bearer.authenticate(requestFacts(request, reply), options), done)
  }
  return Object.assign(guard, { of: letThrough.of })
}

/** A route of Latchkey's own, such as `bearer.endpoints.refresh`. */
export function endpoint(route: Endpoint): (request: FastifyRequest, reply: FastifyReply) => Promise<unknown> {
  return async (request, reply) => {
    const { status, headers, body } = await route(requestFacts(request, reply))
    return reply
      .code(status)
      .headers(headers)
      .send(body ?? undefined)
  }
}

/** A request as `bearer.signIn` takes it. */
export function requestFacts(request: FastifyRequest, reply: FastifyReply): RequestFacts {
  return new FastifyFacts(request, reply)
}

function exchangeOf(request: Carrying): Exchange<object> {
  const exchange = request[carriedKey]?.[0]?.exchange
  if (exchange) return exchange
  throw new UsageError(
    'This request has no session: register the plugin with app.register(sessions(manager)) in this scope or one around it.',
  )
}

/**
 * An error handler that answers errors of Latchkey with their status, headers and what the client may read, in the shape
 * of Fastify's own error answers, and leaves all others to the next handler: `app.setErrorHandler(answerError)`.
 *
 * Without it Fastify gets status and headers right but shows the client every error's message, bugs included.
 */
export function answerError(error: unknown, _request: unknown, reply: ErrorReply): void {
  if (!(error instanceof LatchkeyError)) throw error
  const { status, headers, code } = error
  const shown = status < 500 ? { code } : {}
  reply.code(status).headers({ 'cache-control': 'no-store', ...headers })
  reply.send({ statusCode: status, ...shown, message: publicMessage(error) })
}

/** What {@link answerError} needs of a reply, whatever the server's protocol. */
export interface ErrorReply {
  /** Sets the status. */
  code(status: number): { headers(headers: Record<string, string>): unknown }
  /** Sends the answer. */
  send(body: object): unknown
}

import type { Refusal } from '../errors.ts'
import { type AssuranceLevel, levelSince } from '../session/assurance.ts'
import { type Awaitable, after } from '../session/awaitable.ts'
import type { CarrierChange } from '../session/carrier.ts'
import type { KeyRing } from '../session/key-ring.ts'
import { type LoadOptions, Session } from '../session/session.ts'
import type { RandomBytes } from '../session/token.ts'
import type { ClientConnection } from './client-address.ts'
import { CookieCarrier, type CookieHost } from './cookie-carrier.ts'
import type { FreshOptions } from './guard.ts'
import { type AlsoCleared, cacheControlFor, mergeVary, signOutHeaders } from './hygiene.ts'
import type { HeldExchange, RequestFacts, ResponseHead } from './request-facts.ts'
import { type SessionStatus, statusOf } from './session-status.ts'
import { appendSetCookie } from './set-cookie.ts'

/** What exchanges run on: the options of `createSessions`, checked and built once. */
export interface SessionHost extends CookieHost {
  /** What a sign-out clears in the browser besides `storage`, or `false` for no `Clear-Site-Data` at all. */
  readonly clearSiteData: readonly AlsoCleared[] | false
  /** The server's keys. */
  readonly ring: KeyRing
  readonly random: RandomBytes
}

/**
 * One request and its response: load, run, commit. Every adapter goes through here, so every framework behaves alike.
 *
 * 1. `refusal()` judges where the request comes from; 2. the handler uses `session`, which loads on first use and then
 * checks the CSRF token; 3. `settle()` writes what changed, and only then `applyTo()` puts the headers on the response.
 */
export class Exchange<Data extends object = Record<string, unknown>> implements HeldExchange {
  /** The session of this request. */
  readonly session: Session<Data>
  readonly #host: SessionHost
  readonly #carrier: CookieCarrier
  #settled: CarrierChange = null

  /** @internal Made by `Sessions.exchange`. */
  constructor(host: SessionHost, facts: RequestFacts) {
    this.#host = host
    this.#carrier = new CookieCarrier(host, facts, () => facts.onUse(this))
    this.session = new Session<Data>(host.engine, this.#carrier)
  }

  /** The client's end of the connection, as far as proxies are trusted. */
  get client(): ClientConnection {
    const { address, encrypted, host } = this.#carrier.client
    return { address, encrypted, host }
  }

  /** The refusal for a request that another site's page sent, or `null`. Costs no store access; ask before anything else. */
  refusal(): Refusal | null {
    return this.#carrier.crossSiteRefusal()
  }

  /**
   * Whether `facts.body()` may be asked for a CSRF token: where parsing a body takes time, the adapter does it now, before
   * the session is loaded, and spares it all other requests.
   */
  mayNeedBody(): boolean {
    return this.#carrier.mayNeedBody()
  }

  /**
   * A token for the form field `csrf_token` or the header `X-CSRF-Token`; another one at each call, all good until the
   * user signs in or out. Needs a loaded session. Without a session there is nothing to protect yet; the token then
   * stands for that.
   */
  csrfToken(): string {
    return this.#carrier.csrfToken(this.session.csrfScope)
  }

  /** What the page may know of its session, for `latchkey/browser`. Needs a loaded session. */
  sessionStatus(): SessionStatus {
    const { engine, ring } = this.#host
    return statusOf(this.session, ring, engine.now(), this.csrfToken())
  }

  /**
   * Refuses anybody who is not signed in. With `activity: false` the request does not count as use of the session.
   * Answers at once where the store does.
   */
  requireUser(options?: LoadOptions): Awaitable<Session<Data>> {
    return after(this.session.open(options), session => {
      if (session.userId !== null) return session
      if (session.locked) throw this.#carrier.refuse('session-locked', confirmYourself, null)
      throw this.#carrier.refuse('not-signed-in', 'Please sign in.', null)
    })
  }

  /** Refuses anybody who did not prove who they are to this level (ASVS 6.3.3). */
  requireLevel(level: AssuranceLevel, options?: LoadOptions): Awaitable<Session<Data>> {
    return after(this.requireUser(options), session => {
      if (session.aal >= level) return session
      throw this.#carrier.refuse('level-too-low', 'Please confirm that it is you, with a second factor.', session)
    })
  }

  /** Refuses anybody who did not prove who they are within this time, and by that alone to this level (ASVS 7.5.1). */
  requireFresh(withinMs: number, { level = 1, ...options }: FreshOptions = {}): Awaitable<Session<Data>> {
    return after(this.requireUser(options), session => {
      const since = this.#host.engine.now() - withinMs + 1
      if (levelSince(session.proofs, since) >= level) return session
      throw this.#carrier.refuse('not-fresh', confirmYourself, session)
    })
  }

  /**
   * Writes what the request changed. Answers at once when nothing has to be written, so that a request which does not
   * use the session costs nothing. Rejects with the error that the client must see instead of the handler's answer.
   */
  settle(status: number): void | Promise<void> {
    if (!this.session.used) return
    const change = this.session.settle(status >= 500)
    if (change instanceof Promise) {
      return change.then(settled => {
        this.#settled = settled
      })
    }
    this.#settled = change
  }

  /** The headers have left before the session was used: it can be read, but nothing can be changed any more. */
  close(): void {
    this.session.settle(true)
  }

  /** Puts the headers that follow from the session on the response; only those, and only if the session was used. */
  applyTo(response: ResponseHead): void {
    if (!this.session.used) return
    this.#apply(response, this.#settled)
  }

  /** As {@link applyTo}, for the error answer when `settle` rejected: what is true already, such as a sign-out, is told. */
  applyFailureTo(response: ResponseHead): void {
    this.#apply(response, this.session.carrierChange)
  }

  #apply(response: ResponseHead, change: CarrierChange): void {
    const { cookie, clearSiteData } = this.#host
    response.setHeader('cache-control', cacheControlFor(response.getHeader('cache-control'), change !== null))
    response.setHeader('vary', mergeVary(response.getHeader('vary'), 'Cookie'))
    if (change === null) return
    const text = change === 'clear' ? cookie.clear() : cookie.set(change.token, maxAge(change.maxAgeMs))
    response.setHeader('set-cookie', appendSetCookie(response.getHeader('set-cookie'), text))
    if (change !== 'clear' || clearSiteData === false) return
    for (const [name, value] of Object.entries(signOutHeaders(this.client.encrypted, clearSiteData)))
      response.setHeader(name, value)
  }
}

const confirmYourself = 'Please confirm that it is you.'

/** Whole seconds, rounded down: the cookie must not outlive the session. */
function maxAge(lastsMs: number | null): number | undefined {
  return lastsMs === null ? undefined : Math.max(1, Math.floor(lastsMs / 1000))
}

import { Refusal, type RefusalReason, UsageError } from '../errors.ts'
import { authenticatedAt } from '../session/assurance.ts'
import type { Carrier, LiveSession } from '../session/carrier.ts'
import type { Engine } from '../session/engine.ts'
import type { RequestOrigin } from '../session/events.ts'
import { Client, single } from './client.ts'
import type { ClientConnection, ReadConnection } from './client-address.ts'
import { duplicated, findCookie } from './cookie-header.ts'
import { csrfTokenFrom, judgeOrigin, type OriginVerdict } from './csrf.ts'
import type { CsrfScope, CsrfTokens } from './csrf-tokens.ts'
import type { RequestFacts } from './request-facts.ts'
import type { SessionCookie } from './set-cookie.ts'

/** What a cookie carrier runs on. */
export interface CookieHost {
  readonly engine: Engine
  readonly cookie: SessionCookie
  readonly insecureHttp: boolean
  readonly readConnection: ReadConnection
  readonly maxDataBytes: number
  readonly csrf: {
    /** Origins that may send requests, normalised; empty: the host that the request asks for. */
    readonly origins: ReadonlySet<string>
    /** The session-bound tokens. */
    readonly tokens: CsrfTokens
    /** Whether one is demanded. */
    readonly token: boolean
    /** `METHOD /path` of requests that are not checked. */
    readonly exempt: ReadonlySet<string>
    /** Tell, but let pass. */
    readonly insecureReportOnly: boolean
  }
}

/**
 * The cookie as a carrier of sessions: finds the token in a request and refuses requests that were forged.
 *
 * A cookie is sent by the browser whoever caused the request, so everything about cross-site request forgery belongs
 * to this carrier and to no other.
 */
export class CookieCarrier implements Carrier {
  readonly arrivedAt: number
  ambiguous = false
  readonly bearer = null
  readonly #host: CookieHost
  readonly #facts: RequestFacts
  readonly #onUse: () => void
  readonly #client: Client

  constructor(host: CookieHost, facts: RequestFacts, onUse: () => void) {
    this.arrivedAt = host.engine.now()
    this.#host = host
    this.#facts = facts
    this.#onUse = onUse
    this.#client = new Client(host.readConnection, facts)
  }

  get maxDataBytes(): number {
    return this.#host.maxDataBytes
  }

  /** The client's end of the connection, as far as proxies are trusted. */
  get client(): ClientConnection {
    return this.#client.connection
  }

  origin(): RequestOrigin {
    return this.#client.origin()
  }

  token(): string | null {
    this.#onUse()
    const header = this.#facts.headers.cookie
    if (typeof header !== 'string') return null
    const value = findCookie(header, this.#host.cookie.name)
    if (value === null || value === '') return null
    // What was said over plain HTTP was heard by everybody on the way (WSTG-SESS-04a).
    if (!this.#host.insecureHttp && !this.client.encrypted) return null
    if (value !== duplicated) return value
    // Browsers send one. Of two, one was planted, and which one cannot be known (CK-10).
    this.ambiguous = true
    this.#host.engine.events.emit(null, null, this.origin(), { type: 'cookie.duplicated' })
    return null
  }

  assertDeliverable(): void {
    if (this.#host.insecureHttp || this.client.encrypted) return
    throw new UsageError(
      'This request came over plain HTTP, where browsers refuse the session cookie. Behind a proxy that ends TLS set ' +
        'trustProxy; otherwise serve HTTPS, or set insecureHttp: true while developing.',
    )
  }

  /** The first layer, before anything else: what the browser says about where the request comes from. */
  crossSiteRefusal(): Refusal | null {
    if (this.#judgedOrigin() !== 'cross-site' || this.#isExempt() || this.#isBearersAlone()) return null
    const message = 'This request came from another site, so it was not carried out.'
    return this.#unlessReportOnly(this.refuse('csrf-cross-site', message, null))
  }

  /** Whether a CSRF token may have to be looked for in the body: only of a session's unsafe request without the header. */
  mayNeedBody(): boolean {
    const { headers } = this.#facts
    if (!this.#host.csrf.token || this.#judgedOrigin() === 'safe-method' || this.#isExempt()) return false
    if (csrfTokenFrom(headers, undefined) !== null) return false
    return typeof headers.cookie === 'string' && findCookie(headers.cookie, this.#host.cookie.name) !== null
  }

  /** The second layer, for requests that a session's cookie authenticates: a token that only its own pages know. */
  admit(session: LiveSession): void {
    const origin = this.#judgedOrigin()
    if (origin === 'safe-method' || this.#isExempt()) return
    const reason = this.#missingProof(session, origin)
    const refusal = reason && this.#unlessReportOnly(this.refuse(reason, csrfMessages[reason], session))
    if (refusal) throw refusal
  }

  /** A token that proves a request to come from a page of this session. */
  csrfToken(session: CsrfScope): string {
    return this.#host.csrf.tokens.mint(session)
  }

  /** Tells of a refusal and makes it. */
  refuse(
    reason: RefusalReason,
    message: string,
    session: { id: string | null; userId: string | null } | null,
  ): Refusal {
    const event = { type: 'request.refused', reason } as const
    this.#host.engine.events.emit(session?.id ?? null, session?.userId ?? null, this.origin(), event)
    return new Refusal(reason, message)
  }

  #judgedOrigin(): OriginVerdict {
    const { method, headers } = this.#facts
    // Most requests read: they need neither the client's host nor its address.
    if (method === 'GET' || method === 'HEAD') return 'safe-method'
    const secFetchSite = single(headers['sec-fetch-site'])
    const { host, encrypted } = this.client
    return judgeOrigin(
      { method, secFetchSite, origin: single(headers.origin), host, encrypted },
      this.#host.csrf.origins,
    )
  }

  #missingProof(session: LiveSession, origin: OriginVerdict): keyof typeof csrfMessages | null {
    const { csrf } = this.#host
    // Without the token layer a client that hides where it comes from proves nothing (CSRF-3).
    if (!csrf.token) return origin === 'unknown' ? 'csrf-no-origin' : null
    const token = csrfTokenFrom(this.#facts.headers, this.#facts.body())
    if (token === null) return 'csrf-token-missing'
    if (csrf.tokens.verify({ id: session.id, authenticatedAt: authenticatedAt(session.proofs) }, token)) return null
    // A guest's page may be older than the guest's session: the first thing put into a cart begins it. Such a token says
    // little (anybody can fetch one), so the browser must vouch for the origin, and it never counts once signed in.
    const guestPage = session.userId === null && origin === 'same-origin' && csrf.tokens.verify(noSession, token)
    return guestPage ? null : 'csrf-token-invalid'
  }

  /**
   * A request that only a bearer token authenticates: no page of another site can make a browser send one without being
   * allowed to by CORS. With a cookie beside it the cookie's rules hold (CSRF-13).
   */
  #isBearersAlone(): boolean {
    const { authorization, cookie } = this.#facts.headers
    if (typeof authorization !== 'string' || !/^(bearer|dpop) /i.test(authorization)) return false
    return typeof cookie !== 'string' || findCookie(cookie, this.#host.cookie.name) === null
  }

  #isExempt(): boolean {
    const { exempt } = this.#host.csrf
    if (exempt.size === 0) return false
    // Compared as sent, character for character: what a router would redirect or decode is not exempt (CVE-2025-47910).
    const [path] = this.#facts.target.split('?', 1)
    return exempt.has(`${this.#facts.method} ${path}`)
  }

  #unlessReportOnly(refusal: Refusal): Refusal | null {
    return this.#host.csrf.insecureReportOnly ? null : refusal
  }
}

const csrfMessages = {
  'csrf-no-origin': 'This request does not say where it comes from, so it was not carried out.',
  'csrf-token-missing':
    'The security token (CSRF) is missing. Reload the page and try again; a program sends it in the header X-CSRF-Token.',
  'csrf-token-invalid': 'The security token (CSRF) is out of date. Reload the page and try again.',
} as const

const noSession: CsrfScope = { id: null, authenticatedAt: null }

import { Refusal, type RefusalReason, UsageError } from '../errors.ts'
import type { Engine } from '../session/engine.ts'
import type { RequestOrigin } from '../session/events.ts'
import type { KeyRing } from '../session/key-ring.ts'
import { type CarrierChange, type LiveSession, Session } from '../session/session.ts'
import type { RandomBytes } from '../session/token.ts'
import type { ClientConnection, ReadConnection, RequestHeaders } from './client-address.ts'
import { duplicated, findCookie } from './cookie-header.ts'
import { csrfTokenFrom, judgeOrigin, mintCsrfToken, type OriginVerdict, verifyCsrfToken } from './csrf.ts'
import { type AlsoCleared, cacheControlFor, mergeVary, signOutHeaders } from './hygiene.ts'
import { appendSetCookie, type SessionCookie } from './set-cookie.ts'

/** What an adapter tells about a request. Nothing of it is believed without reason. */
export interface RequestFacts {
  /** Method as sent. */
  readonly method: string
  /** Request target as sent, for example `/cart?x=1`; only compared, never parsed. */
  readonly target: string
  /** Headers as Node gives them: lower-case names, several `Cookie` headers joined. */
  readonly headers: RequestHeaders
  /** Address of the socket's other end. */
  readonly remoteAddress: string | undefined
  /** Whether the socket itself is TLS. */
  readonly encrypted: boolean
  /** Called once, when the session is used for the first time: from now on the response must wait for `settle`. */
  readonly onUse: () => void
  /** The parsed body at the moment it is needed, for the form field `csrf_token`; `undefined` when none was parsed. */
  readonly body: () => unknown
}

/** What exchanges run on: the options of `createSessions`, checked and built once. */
export interface SessionHost {
  readonly engine: Engine
  readonly ring: KeyRing
  readonly random: RandomBytes
  readonly cookie: SessionCookie
  readonly insecureHttp: boolean
  readonly readConnection: ReadConnection
  readonly maxDataBytes: number
  /** What a sign-out clears in the browser besides `storage`, or `false` for no `Clear-Site-Data` at all. */
  readonly clearSiteData: readonly AlsoCleared[] | false
  readonly csrf: {
    /** Origins that may send requests, normalised; empty: the host that the request asks for. */
    readonly origins: ReadonlySet<string>
    /** Whether the session-bound token is demanded. */
    readonly token: boolean
    /** `METHOD /path` of requests that are not checked. */
    readonly exempt: ReadonlySet<string>
    /** Tell, but let pass. */
    readonly insecureReportOnly: boolean
  }
}

/** The part of a response that an exchange reads and writes. Node's responses fit as they are. */
export interface ResponseHead {
  getHeader(name: string): number | string | string[] | undefined
  setHeader(name: string, value: string | string[]): unknown
}

/**
 * One request and its response: load, run, commit. Every adapter goes through here, so every framework behaves alike.
 *
 * 1. `refusal()` judges where the request comes from; 2. the handler uses `session`, which loads on first use and then
 * checks the CSRF token; 3. `settle()` writes what changed, and only then `applyTo()` puts the headers on the response.
 */
export class Exchange<Data extends object = Record<string, unknown>> {
  /** The session of this request. */
  readonly session: Session<Data>
  readonly #host: SessionHost
  readonly #facts: RequestFacts
  #client: ClientConnection | null = null
  #verdict: OriginVerdict | null = null
  #settled: CarrierChange = null

  /** @internal Made by `Sessions.exchange`. */
  constructor(host: SessionHost, facts: RequestFacts) {
    this.#host = host
    this.#facts = facts
    this.session = new Session<Data>(host.engine, {
      token: () => this.#readToken(),
      origin: () => this.#origin(),
      maxDataBytes: host.maxDataBytes,
      admit: session => this.#admit(session),
      assertDeliverable: () => this.#assertDeliverable(),
    })
  }

  /** The client's end of the connection, as far as proxies are trusted. */
  get client(): ClientConnection {
    const { remoteAddress, headers, encrypted } = this.#facts
    this.#client ??= this.#host.readConnection(remoteAddress, headers, encrypted)
    return this.#client
  }

  /** The refusal for a request that another site's page sent, or `null`. Costs no store access; ask before anything else. */
  refusal(): Refusal | null {
    if (this.#judged() !== 'cross-site' || this.#exempt()) return null
    return this.#unlessReportOnly(
      this.#refuse('csrf-cross-site', 'This request came from another site, so it was not carried out.'),
    )
  }

  /**
   * A token for the form field `csrf_token` or the header `X-CSRF-Token`; another one at each call, all good until the
   * user signs in or out. Needs a loaded session. Without a session there is nothing to protect yet; the token then
   * stands for that.
   */
  csrfToken(): string {
    const { id, authenticatedAt } = this.session
    return mintCsrfToken(this.#host.ring.newest.csrfKey, csrfBinding(id, authenticatedAt), this.#host.random)
  }

  /** Refuses anybody who is not signed in. */
  async requireUser(): Promise<Session<Data>> {
    await this.session.load()
    if (this.session.userId !== null) return this.session
    throw this.#refuse('not-signed-in', 'Please sign in.')
  }

  /** Refuses anybody who did not prove who they are within this time (ASVS 7.5.1). */
  async requireFresh(withinMs: number): Promise<Session<Data>> {
    const session = await this.requireUser()
    if (session.authenticatedAt !== null && this.#host.engine.now() - session.authenticatedAt < withinMs) return session
    throw this.#refuse('not-fresh', 'Please confirm that it is you: sign in again.', session.id, session.userId)
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

  #judged(): OriginVerdict {
    const { method, headers } = this.#facts
    // Most requests read: they need neither the client's host nor its address.
    if (method === 'GET' || method === 'HEAD') return 'safe-method'
    const { host, encrypted } = this.client
    const evidence = {
      method,
      secFetchSite: single(headers['sec-fetch-site']),
      origin: single(headers.origin),
      host,
      encrypted,
    }
    this.#verdict ??= judgeOrigin(evidence, this.#host.csrf.origins)
    return this.#verdict
  }

  #origin(): RequestOrigin {
    return { address: this.client.address, userAgent: single(this.#facts.headers['user-agent'])?.slice(0, 256) ?? null }
  }

  #readToken(): string | null {
    this.#facts.onUse()
    const header = this.#facts.headers.cookie
    if (typeof header !== 'string') return null
    const value = findCookie(header, this.#host.cookie.name)
    if (value === null || value === '') return null
    // What was said over plain HTTP was heard by everybody on the way (WSTG-SESS-04a).
    if (!this.#host.insecureHttp && !this.client.encrypted) return null
    if (value !== duplicated) return value
    // Browsers send one. Of two, one was planted, and which one cannot be known (CK-10).
    this.#host.engine.events.emit(null, null, this.#origin(), { type: 'cookie.duplicated' })
    return null
  }

  /** The second layer, for requests that a session's cookie authenticates: a token that only its own pages know. */
  #admit({ id, authenticatedAt, userId }: LiveSession): void {
    const verdict = this.#judged()
    if (verdict === 'safe-method' || this.#exempt()) return
    const reason = this.#missingProof(verdict, csrfBinding(id, authenticatedAt))
    const refusal = reason && this.#unlessReportOnly(this.#refuse(reason, csrfMessages[reason], id, userId))
    if (refusal) throw refusal
  }

  #missingProof(verdict: OriginVerdict, binding: string): keyof typeof csrfMessages | null {
    const { csrf, ring } = this.#host
    // Without the token layer a client that hides where it comes from proves nothing (CSRF-3).
    if (!csrf.token) return verdict === 'unknown' ? 'csrf-no-origin' : null
    const token = csrfTokenFrom(this.#facts.headers, this.#facts.body())
    if (token === null) return 'csrf-token-missing'
    return ring.all.some(key => verifyCsrfToken(key.csrfKey, binding, token)) ? null : 'csrf-token-invalid'
  }

  #exempt(): boolean {
    const { exempt } = this.#host.csrf
    if (exempt.size === 0) return false
    // Compared as sent, character for character: what a router would redirect or decode is not exempt (CVE-2025-47910).
    const [path] = this.#facts.target.split('?', 1)
    return exempt.has(`${this.#facts.method} ${path}`)
  }

  #refuse(reason: RefusalReason, message: string, sid: string | null = null, userId: string | null = null): Refusal {
    this.#host.engine.events.emit(sid, userId, this.#origin(), { type: 'request.refused', reason })
    return new Refusal(reason, message)
  }

  #unlessReportOnly(refusal: Refusal): Refusal | null {
    return this.#host.csrf.insecureReportOnly ? null : refusal
  }

  #assertDeliverable(): void {
    if (this.client.encrypted || this.#host.insecureHttp) return
    throw new UsageError(
      'This request came over plain HTTP, where browsers refuse the session cookie. Behind a proxy that ends TLS set trustProxy; ' +
        'otherwise serve HTTPS, or set insecureHttp: true while developing.',
    )
  }
}

const csrfMessages = {
  'csrf-no-origin': 'This request does not say where it comes from, so it was not carried out.',
  'csrf-token-missing':
    'The security token (CSRF) is missing. Reload the page and try again; a program sends it in the header X-CSRF-Token.',
  'csrf-token-invalid': 'The security token (CSRF) is out of date. Reload the page and try again.',
} as const

/** What a CSRF token stands and falls with: the session, and within it the last time the user proved who they are. */
function csrfBinding(id: string | null, authenticatedAt: number | null): string {
  return `${id} ${authenticatedAt}`
}

/** Whole seconds, rounded down: the cookie must not outlive the session. */
function maxAge(lastsMs: number | null): number | undefined {
  return lastsMs === null ? undefined : Math.max(1, Math.floor(lastsMs / 1000))
}

function single(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'object' ? header.join(', ') : header
}

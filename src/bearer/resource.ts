import { Refusal, type RefusalReason } from '../errors.ts'
import { Client } from '../http/client.ts'
import { CookieCarrier } from '../http/cookie-carrier.ts'
import { findCookie } from '../http/cookie-header.ts'
import type { SessionHost } from '../http/exchange.ts'
import type { RequestFacts } from '../http/request-facts.ts'
import type { AssuranceLevel } from '../session/assurance.ts'
import { type Awaitable, after } from '../session/awaitable.ts'
import { type Duration, durationMs } from '../session/duration.ts'
import type { AccessTokenFault, EventDetail } from '../session/events.ts'
import { Session } from '../session/session.ts'
import type { AccessToken, AccessTokens } from './access-token.ts'
import { type Authorization, readAuthorization } from './authorization.ts'
import { type AcceptedSchemes, type ChallengeParameters, challenge } from './challenge.ts'
import type { LiveSessions } from './live-sessions.ts'
import type { Possession } from './possession.ts'

/** What a route demands beyond a good token. */
export interface BearerRequirements {
  /** The level of assurance (NIST AAL) that the session must have reached. Default: any. */
  readonly level?: Exclude<AssuranceLevel, 0>
  /**
   * How long ago the user may have proved who they are at most, such as `'5m'` (ASVS 7.5.1); with `level`, by what reaches
   * that level by itself. Default: any time.
   */
  readonly maxAge?: Duration
}

/** What guards routes by access tokens. */
export interface ResourceParts {
  readonly host: SessionHost
  readonly tokens: AccessTokens
  readonly sessions: LiveSessions
  readonly possession: Possession
  readonly accepted: AcceptedSchemes
}

/**
 * A server's resources behind access tokens: in steps, each of which refuses, from the cheapest to the dearest.
 *
 * The client learns one of few words (RFC 6750, 9449, 9470); what exactly was wrong stands in the event.
 */
export class Resource {
  readonly #parts: ResourceParts

  constructor(parts: ResourceParts) {
    this.#parts = parts
  }

  /** The token that the request came with, proved good; throws or rejects with a `Refusal`. */
  authenticate(facts: RequestFacts, requirements: BearerRequirements = {}): Awaitable<AccessToken> {
    const { host, tokens, sessions } = this.#parts
    const client = new Client(host.readConnection, facts)
    const credentials = this.#credentialsOf(facts, client)
    const now = host.engine.now()
    // What was said over plain HTTP was heard by everybody on the way (RFC 6750 section 5.3).
    const isSafe = host.insecureHttp || client.connection.encrypted
    const access = isSafe ? tokens.verify(credentials.token, now) : 'overheard'
    if (typeof access === 'string') throw this.#invalid(access, client)
    return after(this.#provePossession(credentials, access, facts, client), () =>
      after(
        sessions.isAlive(access, () => client.origin()),
        isAlive => {
          if (!isAlive) throw this.#invalid('ended', client, access)
          return after(this.#cookieUser(facts), userId => {
            if (userId !== null && userId !== access.userId) throw this.#disagreement(client, access)
            this.#assertAssurance(access, requirements, now, client)
            return access
          })
        },
      ),
    )
  }

  #credentialsOf(facts: RequestFacts, client: Client): Exclude<Authorization, string | null> {
    const credentials = readAuthorization(facts.headers)
    if (credentials === null) {
      throw this.#refuse('access-token-missing', 'Send an access token in the header Authorization.', {}, client)
    }
    if (credentials === 'malformed') {
      const message = 'The header Authorization must hold one access token: "Bearer", a space, the token.'
      throw this.#refuse('authorization-malformed', message, { error: 'invalid_request' }, client)
    }
    return credentials
  }

  #provePossession(
    { scheme, token }: Exclude<Authorization, string | null>,
    access: AccessToken,
    facts: RequestFacts,
    client: Client,
  ): Awaitable<void> {
    const { keyThumbprint } = access
    // A bound token under the plain scheme would be worth as much as a stolen one (RFC 9449 section 7.2, DP-2).
    if ((keyThumbprint !== null) !== (scheme === 'dpop')) throw this.#invalid('proof', client, access)
    if (keyThumbprint === null) {
      if (!this.#parts.accepted.bearer) throw this.#invalid('proof', client, access)
      return
    }
    return after(this.#parts.possession.prove(facts, client, token, keyThumbprint), proof => {
      if (proof.kind === 'proved') return
      const isNonce = proof.kind === 'use-nonce'
      // To be asked for a nonce is how it begins, and no fault.
      if (!isNonce) this.#tell({ type: 'proof.refused', fault: proof.fault }, client, access)
      const parameters = { error: isNonce ? 'use_dpop_nonce' : 'invalid_dpop_proof' }
      const message = 'The proof of possession in the header DPoP was not accepted.'
      throw this.#refusal('proof-invalid', message, parameters, isNonce ? { 'dpop-nonce': proof.nonce } : {})
    })
  }

  /**
   * The user of a session cookie that came along, or `null`. Then the cookie's rules hold too: what forged the request could
   * have added the cookie (CSRF-13).
   */
  #cookieUser(facts: RequestFacts): Awaitable<string | null> {
    const { host } = this.#parts
    const { cookie } = facts.headers
    if (typeof cookie !== 'string' || findCookie(cookie, host.cookie.name) === null) return null
    const carrier = new CookieCarrier(host, facts, () => {})
    const forged = carrier.crossSiteRefusal()
    if (forged) throw forged
    const session = new Session(host.engine, carrier)
    return after(session.open({ activity: false }), ({ userId }) => userId)
  }

  #assertAssurance(access: AccessToken, { level, maxAge }: BearerRequirements, now: number, client: Client): void {
    const maxAgeMs = maxAge === undefined ? Number.POSITIVE_INFINITY : durationMs(maxAge, 'maxAge')
    const isStrong = level === undefined || access.aal >= level
    // Both together: what is fresh must reach the level by itself, as with cookies (ASVS 6.3.4).
    const provedAt = level === 2 || level === 3 ? access.levelReachedAt?.[level] : access.authenticatedAt
    const isFresh = maxAge === undefined || (provedAt !== undefined && now - provedAt < maxAgeMs)
    if (isStrong && isFresh) return
    const parameters = {
      error: 'insufficient_user_authentication',
      ...(level === undefined ? {} : { acr_values: String(level) }),
      ...(maxAge === undefined ? {} : { max_age: Math.floor(maxAgeMs / 1000) }),
    }
    const message = 'Your user must confirm who they are, or more strongly, before this is possible.'
    throw this.#refuse('authentication-insufficient', message, parameters, client, access)
  }

  #invalid(fault: AccessTokenFault, client: Client, access: AccessToken | null = null): Refusal {
    this.#tell({ type: 'access-token.refused', reason: fault }, client, access)
    return this.#refusal('access-token-invalid', 'The access token is not valid.', { error: 'invalid_token' })
  }

  #disagreement(client: Client, access: AccessToken): Refusal {
    const message = 'This request came with a cookie and an access token of different users. Send one of them.'
    return this.#refuse('carriers-disagree', message, { error: 'invalid_request' }, client, access)
  }

  #refuse(
    reason: RefusalReason,
    message: string,
    parameters: ChallengeParameters,
    client: Client,
    access: AccessToken | null = null,
  ): Refusal {
    this.#tell({ type: 'request.refused', reason }, client, access)
    return this.#refusal(reason, message, parameters)
  }

  #refusal(
    reason: RefusalReason,
    message: string,
    parameters: ChallengeParameters,
    headers: Readonly<Record<string, string>> = {},
  ): Refusal {
    return new Refusal(reason, message, {
      'www-authenticate': challenge(this.#parts.accepted, parameters),
      ...headers,
    })
  }

  #tell(detail: EventDetail, client: Client, access: AccessToken | null): void {
    const { events } = this.#parts.host.engine
    events.emit(access?.sid ?? null, access?.userId ?? null, client.origin(), detail)
  }
}

import { Client } from '../http/client.ts'
import type { SessionHost } from '../http/exchange.ts'
import type { RequestFacts } from '../http/request-facts.ts'
import type { AccessToken, AccessTokens } from './access-token.ts'
import type { Grants } from './grants.ts'
import { readJws } from './jws.ts'
import type { LiveSessions } from './live-sessions.ts'

/** What RFC 7662 tells of a token; nothing but `active: false` for one that is not good, whatever the reason (IN-1). */
export type Introspection =
  | { readonly active: false }
  | {
      readonly active: true
      readonly token_type: 'Bearer' | 'DPoP' | 'refresh_token'
      readonly sub: string
      readonly sid: string
      readonly client_id: string
      readonly exp: number
      readonly iat: number
      readonly iss?: string
      readonly aud?: string
      readonly cnf?: { readonly jkt: string }
    }

const inactive = { active: false } as const

/** What tokens are looked at with; `sessions` asks the store for every one. */
export interface InspectionParts {
  readonly host: SessionHost
  readonly tokens: AccessTokens
  readonly grants: Grants
  readonly sessions: LiveSessions
  readonly issuer: string
  readonly audience: string
}

/** Looks at tokens of either kind, and ends the sessions they belong to. */
export class Inspection {
  readonly #parts: InspectionParts

  constructor(parts: InspectionParts) {
    this.#parts = parts
  }

  /** What there is to tell of a token. Looking is no use of the session. */
  async introspect(facts: RequestFacts, token: string): Promise<Introspection> {
    const access = this.#accessToken(token)
    if (access === 'other') return this.#introspectRefresh(facts, token)
    if (!access || !(await this.#parts.sessions.isAlive(access, null))) return inactive
    const { userId, sid, clientId, keyThumbprint, issuedAt, expiresAt } = access
    const { issuer, audience } = this.#parts
    return {
      active: true,
      token_type: keyThumbprint === null ? 'Bearer' : 'DPoP',
      sub: userId,
      sid,
      client_id: clientId,
      exp: Math.floor(expiresAt / 1000),
      iat: Math.floor(issuedAt / 1000),
      iss: issuer,
      aud: audience,
      ...(keyThumbprint === null ? {} : { cnf: { jkt: keyThumbprint } }),
    }
  }

  /** Ends the session of a token; resolves to whether there was one. */
  async revoke(facts: RequestFacts, token: string): Promise<boolean> {
    const access = this.#accessToken(token)
    const { engine, readConnection } = this.#parts.host
    // Any token of the session's, also one that is superseded by now: to say "revoked" while it lives would be a lie.
    const sid = access === 'other' ? engine.sidOf(token) : (access?.sid ?? null)
    const found = sid === null ? null : await engine.administration.find(sid)
    if (!found || found.body.bearer === null) return false
    return engine.administration.end(found.record.sid, 'signed-out', new Client(readConnection, facts).origin())
  }

  /** The access token that a text is, `null` when it is none that is good, `other` when it has not even the form of one. */
  #accessToken(token: string): AccessToken | null | 'other' {
    if (!readJws(token)) return 'other'
    const access = this.#parts.tokens.verify(token, this.#parts.host.engine.now())
    return typeof access === 'string' ? null : access
  }

  async #introspectRefresh(facts: RequestFacts, token: string): Promise<Introspection> {
    const session = await this.#parts.grants.sessionOf(facts, token)
    const { bearer = null, id: sid = null, userId = null, idleExpiresAt = null, createdAt = null } = session ?? {}
    if (!bearer || sid === null || userId === null || idleExpiresAt === null || createdAt === null) return inactive
    return {
      active: true,
      token_type: 'refresh_token',
      sub: userId,
      sid,
      client_id: bearer.clientId,
      exp: Math.floor(idleExpiresAt / 1000),
      iat: Math.floor(createdAt / 1000),
    }
  }
}

import type { AssuranceLevel } from '../session/assurance.ts'

/** Times by level, for those that were reached. */
export type LevelTimes = Readonly<Partial<Record<2 | 3, number>>>

/** Whom an access token speaks for. */
export interface AccessSubject {
  /** The user (`sub`), 1–256 characters. */
  readonly userId: string
  /** The OAuth client that holds the token (`client_id`), 1–256 characters. */
  readonly clientId: string
  /** Public id of the session behind it (`sid`). Revocation goes by this, never by the token's text (JWT-13). */
  readonly sid: string
  /** When the user last proved who they are (`auth_time`), epoch ms. A token knows it to the second, rounded down. */
  readonly authenticatedAt: number
  /** How they proved it (`amr`), up to 16 RFC 8176 values of 1–64 characters. */
  readonly amr: readonly string[]
  /** The level they reached, NIST's AAL 1–3; in the token it is the text `acr`: `"1"`, `"2"` or `"3"`. */
  readonly aal: AssuranceLevel
  /**
   * Since when what was proved reached the levels above 1 (`acr_times`), epoch ms; a token knows it to the second, rounded down.
   * Left out: unknown, and then nothing above level 1 counts as fresh.
   */
  readonly levelReachedAt?: LevelTimes
  /** Thumbprint of the key that must be proved with every use (`cnf.jkt`, RFC 9449), or `null` for a plain bearer token. */
  readonly keyThumbprint: string | null
  /** Further claims of the application. Everybody who holds the token can read them: nothing private (WSTG-SESS-10i). */
  readonly claims?: Readonly<Record<string, unknown>>
}

/** What a good access token says. Frozen: one object may serve many requests. */
export interface AccessToken extends AccessSubject {
  /** Who made it (`iss`). */
  readonly issuer: string
  /** Whom it is for (`aud`), at least one. */
  readonly audience: readonly string[]
  /** Its own id (`jti`), 22 base64url characters. */
  readonly jti: string
  /** When it was made (`iat`), epoch ms, in whole seconds. */
  readonly issuedAt: number
  /** When it is over (`exp`), epoch ms, in whole seconds. */
  readonly expiresAt: number
  /** Further claims of the application; `{}` when there are none. */
  readonly claims: Readonly<Record<string, unknown>>
}

/** What a token's claims say. */
export interface AccessClaims {
  /** All but this. */
  readonly token: AccessToken
  /** Not good before then (`nbf`, else `iat`), epoch ms. */
  readonly notBeforeAt: number
}

/** Longest life of an access token: RFC 6750 section 5.3 says an hour or less. */
export const longestLifeMs = 3_600_000

const ownNames = new Set('iss sub aud exp nbf iat jti client_id sid auth_time amr acr acr_times cnf'.split(' '))

/** Names among these claims that we write ourselves; an application's claim must not stand in for one of them. */
export function reservedNames(claims: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(claims).filter(name => ownNames.has(name))
}

/** The claims of RFC 9068 section 2.2 for a token; times in seconds (RFC 7519). */
export function writeClaims(token: AccessToken): Record<string, unknown> {
  const [only, ...others] = token.audience
  return {
    ...token.claims,
    iss: token.issuer,
    aud: others.length === 0 ? only : token.audience,
    sub: token.userId,
    client_id: token.clientId,
    sid: token.sid,
    auth_time: token.authenticatedAt / 1000,
    amr: token.amr,
    acr: String(token.aal),
    ...(token.levelReachedAt === undefined ? {} : { acr_times: inUnits(token.levelReachedAt, 1 / 1000) }),
    iat: token.issuedAt / 1000,
    exp: token.expiresAt / 1000,
    jti: token.jti,
    ...(token.keyThumbprint === null ? {} : { cnf: { jkt: token.keyThumbprint } }),
  }
}

/**
 * Reads claims; `null` when one is missing or is not what it must be (RFC 9068 section 2.2, JWT-14): 1–256 characters of text,
 * whole seconds that a calendar has, a life above zero and of an hour at most, and of `cnf` only a kind that we can check:
 * a binding we do not know must not be overlooked.
 */
export function readClaims(claims: Readonly<Record<string, unknown>>): AccessClaims | null {
  const {
    iss: issuer,
    aud,
    sub: userId,
    client_id: clientId,
    sid,
    auth_time,
    amr,
    acr,
    acr_times,
    iat,
    exp,
    nbf,
    jti,
    cnf,
  } = claims
  const audience = typeof aud === 'string' ? [aud] : aud
  if (!isListOfTexts(audience, 256) || audience.length === 0) return null
  if (!isText(issuer, 256)) return null
  if (!isText(userId, 256) || !isText(clientId, 256) || !isId(sid) || !isId(jti)) return null
  if (!isListOfTexts(amr, 64) || (acr !== '1' && acr !== '2' && acr !== '3')) return null
  if (!isSecond(iat) || !isSecond(exp) || !isSecond(auth_time) || !(nbf === undefined || isSecond(nbf))) return null
  if (exp <= iat || (exp - iat) * 1000 > longestLifeMs || auth_time > iat) return null
  const levelReachedAt = acr_times === undefined ? undefined : levelTimesOf(acr_times, auth_time)
  if (levelReachedAt === null) return null
  const keyThumbprint = cnf === undefined ? null : thumbprintOf(cnf)
  if (keyThumbprint === undefined) return null
  return {
    notBeforeAt: (nbf ?? iat) * 1000,
    token: {
      issuer,
      audience,
      userId,
      clientId,
      sid,
      authenticatedAt: auth_time * 1000,
      amr,
      aal: Number(acr) as AssuranceLevel,
      ...(levelReachedAt === undefined ? {} : { levelReachedAt }),
      keyThumbprint,
      jti,
      issuedAt: iat * 1000,
      expiresAt: exp * 1000,
      claims: Object.fromEntries(Object.entries(claims).filter(([name]) => !ownNames.has(name))),
    },
  }
}

/** Times by level, none later than `latest`, both in seconds; `null` when they are anything else. */
function levelTimesOf(times: unknown, latest: number): LevelTimes | null {
  if (typeof times !== 'object' || times === null || Array.isArray(times)) return null
  const isGood = Object.entries(times).every(
    ([level, at]) => (level === '2' || level === '3') && isSecond(at) && at <= latest,
  )
  return isGood ? inUnits(times, 1000) : null
}

function inUnits(times: LevelTimes, factor: number): LevelTimes {
  return Object.fromEntries(Object.entries(times).map(([level, at]) => [level, Math.round(at * factor)]))
}

function isText(value: unknown, longest: number): value is string {
  return typeof value === 'string' && value !== '' && value.length <= longest
}

function isListOfTexts(value: unknown, longest: number): value is readonly string[] {
  return Array.isArray(value) && value.length <= 16 && value.every(item => isText(item, longest))
}

/** 16 bytes: a sid, a jti. */
function isId(value: unknown): value is string {
  return typeof value === 'string' && /^[\w-]{22}$/.test(value)
}

/** A NumericDate in whole seconds, from 1970 to the year 9999. */
function isSecond(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 253_402_300_799
}

/** `cnf.jkt`, or `undefined` when the binding is of another kind or none. */
function thumbprintOf(cnf: unknown): string | undefined {
  if (typeof cnf !== 'object' || cnf === null) return undefined
  const entries = Object.entries(cnf)
  const [name, jkt] = entries[0] ?? []
  return entries.length === 1 && name === 'jkt' && typeof jkt === 'string' && /^[\w-]{43}$/.test(jkt) ? jkt : undefined
}

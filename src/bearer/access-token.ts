import { randomBytes } from 'node:crypto'
import { SignJWT } from 'jose'
import { UsageError } from '../errors.ts'
import type { AccessTokenFault } from '../session/events.ts'
import { RecentMap } from '../session/recent-map.ts'
import {
  type AccessSubject,
  type AccessToken,
  type LevelTimes,
  longestLifeMs,
  readClaims,
  reservedNames,
  writeClaims,
} from './access-claims.ts'
import { longestJws, readJws, verifyJws } from './jws.ts'
import type { KeySet } from './key-set.ts'
import type { SigningKey } from './signing-key.ts'
import { parseStrictJson } from './strict-json.ts'

export type { AccessSubject, AccessToken } from './access-claims.ts'

/** How access tokens are made and checked. */
export interface AccessTokensOptions {
  /** Who makes them (`iss`): an `https:` URL without query and fragment (RFC 8414); compared as text. */
  readonly issuer: string
  /** Whom they are for (`aud`), at least one: a token for one of them is accepted. Compared as text, each 1–256 characters. */
  readonly audience: readonly string[]
  /** Signs and verifies. */
  readonly keys: KeySet
  /** How long a token lives, in ms: 1 s to 1 h (RFC 6750 section 5.3). */
  readonly ttlMs: number
  /** How far the clocks of two machines may differ, in ms, 0–60,000; default 5,000. No token lives longer than `exp` plus this. */
  readonly toleranceMs?: number
}

/** A token whose signature was found good, with what must still hold at every use. */
interface Verified {
  readonly token: AccessToken
  readonly notBeforeAt: number
  readonly key: SigningKey
}

/** Tokens longer than this are verified each time: ten thousand of these fit in memory. */
const longestRemembered = 2_048

/**
 * Makes and checks the access tokens of one issuer: JWTs after RFC 9068, under the stricter rules of RFC 8725bis.
 *
 * The same token seen again costs a map look-up: its text was found good under a key, and that cannot change. Whether its
 * time has come and is not over, and whether that key still verifies, is asked every time. Tokens that are not good are not
 * remembered: they would fill the memory.
 */
export class AccessTokens {
  /** How long a token lives, in ms, whole seconds. */
  readonly ttlMs: number
  /** How far clocks may differ, in ms: no token is accepted for longer than `ttlMs` plus this. */
  readonly toleranceMs: number
  readonly #issuer: string
  readonly #audience: ReadonlySet<string>
  readonly #keys: KeySet
  readonly #recent = new RecentMap<Verified>(10_000)

  /** Throws a `UsageError` that names the option and the fix. */
  constructor({ issuer, audience, keys, ttlMs, toleranceMs = 5_000 }: AccessTokensOptions) {
    assertIssuer(issuer)
    if (!Array.isArray(audience) || audience.length === 0 || !audience.every(isAudience)) {
      throw new UsageError('audience must name those who accept the tokens: 1–16 texts of 1–256 characters.')
    }
    if (!Number.isInteger(ttlMs) || ttlMs < 1_000 || ttlMs > longestLifeMs) {
      throw new UsageError(
        'accessTtl must be from 1s to 1h: who steals an access token has it that long. Refresh instead.',
      )
    }
    if (!(toleranceMs >= 0 && toleranceMs <= 60_000)) {
      throw new UsageError('tolerance must be from 0 to 60 s: set the clocks of your machines by NTP instead.')
    }
    if (keys.verifiesForMs < ttlMs + toleranceMs) {
      throw new UsageError('keys: verifiesForMs must be at least accessTtl plus tolerance, or good tokens die early.')
    }
    this.ttlMs = Math.floor(ttlMs / 1000) * 1000
    this.#issuer = issuer
    this.#audience = new Set(audience)
    this.#keys = keys
    this.toleranceMs = toleranceMs
  }

  /**
   * Makes a token that is good from `now` (epoch ms) for `ttlMs`. With several audiences the subject must say which one it
   * is for (ASVS 9.2.4). Rejects with a `UsageError` rather than make a token that `verify` would not accept.
   */
  async mint(
    { notAfter, ...subject }: AccessSubject & { readonly audience?: string; readonly notAfter?: number },
    now: number,
  ): Promise<string> {
    const { kid, algorithm, signer } = this.#keys.signingKey(now)
    const issuedAt = wholeSecond(now)
    const token: AccessToken = {
      ...subject,
      issuer: this.#issuer,
      audience: [this.#audienceOf(subject.audience)],
      authenticatedAt: Math.min(wholeSecond(subject.authenticatedAt), issuedAt),
      ...(subject.levelReachedAt === undefined
        ? {}
        : { levelReachedAt: wholeSeconds(subject.levelReachedAt, issuedAt) }),
      claims: ownClaims(subject.claims ?? {}),
      jti: randomBytes(16).toString('base64url'),
      issuedAt,
      expiresAt: this.expiryOf(now, notAfter),
    }
    const claims = writeClaims(token)
    assertReadable(claims)
    const text = await new SignJWT(claims).setProtectedHeader({ alg: algorithm, typ: 'at+jwt', kid }).sign(signer)
    if (text.length > longestJws) {
      throw new UsageError(
        `An access token of ${text.length} characters is too long for a header: put fewer claims into it.`,
      )
    }
    return text
  }

  /** When a token that is made now is over: after `ttlMs`, or in the last second before `notAfter`, which is its session's end. */
  expiryOf(now: number, notAfter: number = Number.POSITIVE_INFINITY): number {
    const issuedAt = wholeSecond(now)
    return Math.max(issuedAt + 1_000, Math.min(issuedAt + this.ttlMs, wholeSecond(notAfter)))
  }

  /** What the token says, or what is wrong with it, at `now` (epoch ms). Never throws. */
  verify(text: string, now: number): AccessToken | AccessTokenFault {
    const recent = this.#recent.get(text)
    if (recent) return this.#atThisTime(recent, now)
    const verified = this.#check(text, now)
    if (typeof verified === 'string') return verified
    const result = this.#atThisTime(verified, now)
    if (typeof result !== 'string' && text.length <= longestRemembered) this.#recent.set(text, verified)
    return result
  }

  #check(text: string, now: number): Verified | AccessTokenFault {
    const jws = readJws(text)
    if (!jws) return 'malformed'
    const { header } = jws
    // We make these headers, so nothing else is in them: above all no key of the token's own, nor an address of one
    // (`jwk`, `jku`, `x5c`, `x5u`: ASVS 9.1.3).
    if (!Object.keys(header).every(name => headerNames.has(name))) return 'untrusted'
    const key = this.#keys.verifyingKey(header.kid, header.alg, now)
    if (!key || !verifyJws(jws, key.algorithm, key.verifier)) return 'untrusted'
    if (!isAccessTokenType(header.typ)) return 'misplaced'
    const claims = readClaims(jws.claims)
    if (!claims) return 'incomplete'
    if (!this.#isOurs(claims.token)) return 'misplaced'
    return { token: deepFreeze(claims.token), notBeforeAt: claims.notBeforeAt, key }
  }

  #isOurs({ issuer, audience }: AccessToken): boolean {
    return issuer === this.#issuer && audience.some(name => this.#audience.has(name))
  }

  /** What is true of a good token only at a certain time. */
  #atThisTime({ token, notBeforeAt, key }: Verified, now: number): AccessToken | AccessTokenFault {
    if (now < Math.max(notBeforeAt, token.issuedAt) - this.toleranceMs) return 'expired'
    if (now >= token.expiresAt + this.toleranceMs) return 'expired'
    return this.#keys.verifyingKey(key.kid, key.algorithm, now) === key ? token : 'untrusted'
  }

  #audienceOf(asked: string | undefined): string {
    const [only = '', ...others] = this.#audience
    if (asked === undefined && others.length === 0) return only
    if (asked !== undefined && this.#audience.has(asked)) return asked
    throw new UsageError('Say which audience the access token is for: one of those in `audience`.')
  }
}

const headerNames = new Set(['alg', 'kid', 'typ'])

/** RFC 9068 section 2.1; the prefix `application/` may be left out, and case does not count (RFC 7515 4.1.9). */
function isAccessTokenType(typ: unknown): boolean {
  return typeof typ === 'string' && /^(application\/)?at\+jwt$/i.test(typ)
}

function isAudience(value: unknown): boolean {
  return typeof value === 'string' && value !== '' && value.length <= 256
}

function assertIssuer(issuer: string): void {
  const url = URL.canParse(issuer) ? new URL(issuer) : null
  if (!url || !/^https?:$/.test(url.protocol) || /[?#]/.test(issuer)) {
    throw new UsageError(
      'issuer must be the URL of this service, such as https://campus.example, without query and fragment.',
    )
  }
}

/** The application's claims as JSON will have them. */
function ownClaims(claims: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const reserved = reservedNames(claims)
  if (reserved.length === 0) return claims
  throw new UsageError(
    `claims: ${reserved.join(', ')} ${reserved.length > 1 ? 'are' : 'is'} ours. Choose another name.`,
  )
}

function assertReadable(claims: Record<string, unknown>): void {
  const read = parseStrictJson(Buffer.from(JSON.stringify(claims)))
  if (!read) {
    throw new UsageError(
      'claims: must be JSON of at most 4 levels, with whole characters, safe numbers, and no name like __proto__.',
    )
  }
  if (!readClaims(read)) {
    throw new UsageError(
      'An access token needs a user id and a client id of 1–256 characters, a session id, the time of the sign-in, at most 16 amr values, an aal of 1–3 and, if any, a key thumbprint of 43 characters.',
    )
  }
}

function wholeSeconds(times: LevelTimes, latest: number): LevelTimes {
  return Object.fromEntries(Object.entries(times).map(([level, at]) => [level, Math.min(wholeSecond(at), latest)]))
}

function wholeSecond(at: number): number {
  return Math.floor(at / 1000) * 1000
}

/** A remembered token serves many requests: what one of them changed, the next would believe. */
function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null) {
    for (const member of Object.values(value)) deepFreeze(member)
    Object.freeze(value)
  }
  return value
}

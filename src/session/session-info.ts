import { type AssuranceLevel, authenticatedAt, methodsOf } from './assurance.ts'
import type { SessionBody } from './body.ts'
import { lifetimeOf, type Policy } from './policy.ts'
import type { StoredRecord } from './store.ts'
import { expiryOf, isLocked, levelNow } from './verdict.ts'

/** A live session as its user or an administrator may see it: everything but token and data, which nobody can read here. */
export interface SessionInfo {
  /** Public session id, for `sessions.end`. */
  readonly sid: string
  /** The user, or `null` for an anonymous session. */
  readonly userId: string | null
  /** When it began, epoch ms. */
  readonly createdAt: number
  /** When it was last used, epoch ms, as far as that was written (see `touchEvery`). */
  readonly lastSeenAt: number
  /** When the user last proved who they are, epoch ms, or `null`. */
  readonly authenticatedAt: number | null
  /** When it ends if it is not used again, epoch ms. */
  readonly idleExpiresAt: number
  /** When it ends at the latest, epoch ms. */
  readonly absoluteExpiresAt: number
  /** Level of assurance at this moment, 0–3. */
  readonly aal: AssuranceLevel
  /** How the user proved who they are, RFC 8176 values. */
  readonly amr: readonly string[]
  /** Whether nobody used it for so long that its user has to prove again who they are (`policy.atIdle`). */
  readonly locked: boolean
  /** What brings it to the server: a cookie, or a bearer token in the hands of a program. */
  readonly carrier: 'cookie' | 'bearer'
  /** The OAuth client that holds a bearer session, `null` for a cookie. */
  readonly clientId: string | null
  /** Whether its cookie survives the end of the browser. */
  readonly persistent: boolean
  /** Client address at sign-in, or `null`. */
  readonly address: string | null
  /** `User-Agent` at sign-in, at most 256 characters, or `null`. Written by the client: encode it before printing. */
  readonly userAgent: string | null
}

/** @internal What may be shown of a record. */
export function describe(
  { record, body }: { record: StoredRecord; body: SessionBody },
  policy: Policy,
  now: number,
): SessionInfo {
  const { sid, userId, createdAt, lastSeenAt } = record
  const { proofs, persistent, bearer, client } = body
  const life = lifetimeOf(policy, persistent)
  return {
    sid,
    userId,
    createdAt,
    lastSeenAt,
    authenticatedAt: authenticatedAt(proofs),
    aal: levelNow(record, body, policy, now),
    amr: methodsOf(proofs),
    locked: isLocked(record, body, now, policy),
    persistent,
    carrier: bearer ? 'bearer' : 'cookie',
    clientId: bearer?.clientId ?? null,
    idleExpiresAt: expiryOf(createdAt, lastSeenAt, life),
    absoluteExpiresAt: createdAt + life.absoluteTimeoutMs,
    address: client.address,
    userAgent: client.userAgent,
  }
}

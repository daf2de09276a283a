import { type AssuranceLevel, levelSince } from './assurance.ts'
import type { RetiredSecret, SessionBody } from './body.ts'
import { type Lifetime, lifetimeOf, type Policy } from './policy.ts'
import type { EndMark, StoredRecord } from './store.ts'

/**
 * After a sign-in or a step-up, or when its grace is over, a request that still carries the old token was probably under
 * way: it is refused quietly for so long, and taken for a replay afterwards. No shorter than the clocks of two nodes may differ.
 */
export const inFlightMs = 60_000

/** What a presented secret means for a live record at this moment. */
export type Verdict =
  /**
   * The current secret. `confirm`: its predecessor still waits to hear that it arrived. `rotate`: it is time for the next
   * one. `renewable`: it may be replaced on request, because it is old enough that its predecessor is no longer under way.
   */
  | { readonly kind: 'current'; readonly confirm: boolean; readonly renewable: boolean; readonly rotate: boolean }
  /** The predecessor, within its time: honoured, and answered with the same successor. */
  | { readonly kind: 'retired'; readonly handoff: string }
  /** Superseded by a sign-in or step-up a moment ago: refused without a word. */
  | { readonly kind: 'in-flight' }
  /** Superseded long ago: two parties hold the session. */
  | { readonly kind: 'replayed' }
  /** A time-out has passed. */
  | { readonly kind: 'over'; readonly reason: 'idle' | 'expired' }

/** When a request is judged. */
export interface Moment {
  /** Now, epoch ms: time-outs and rotation go by it. */
  readonly now: number
  /**
   * When the request arrived, epoch ms: whether a superseded token is still fine goes by it, because an honest upload
   * may take longer than the grace.
   */
  readonly arrivedAt: number
}

/**
 * Judges a secret whose token had a good tag. `hash` is compared plainly: it is the hash of an authenticated secret, so
 * its timing tells nothing that could be used to guess one.
 */
export function judge(
  record: StoredRecord,
  body: SessionBody,
  hash: string,
  { now, arrivedAt }: Moment,
  policy: Policy,
  stage: 'arriving' | 'continuing' = 'arriving',
): Verdict {
  const reason = timedOut(record, body, now, policy)
  if (reason) return { kind: 'over', reason }
  if (hash === body.secret.hash) {
    const handoff = body.retired.find(entry => entry.handoff)?.handoff
    // No second rotation while a predecessor is still honoured: there is never a third valid token.
    const settled = !handoff || (handoff.seenAt !== null && handoff.seenAt + policy.graceMs <= now)
    return {
      kind: 'current',
      confirm: handoff !== undefined && handoff !== null && handoff.seenAt === null,
      renewable: settled || body.secret.issuedAt + policy.graceMs <= now,
      rotate: settled && policy.rotateEveryMs !== null && body.secret.issuedAt + policy.rotateEveryMs <= now,
    }
  }
  const entry = body.retired.find(retired => retired.hash === hash)
  if (!entry) return { kind: 'replayed' }
  if (!entry.handoff) return { kind: arrivedAt < entry.at + inFlightMs ? 'in-flight' : 'replayed' }
  const { sealed, seenAt } = entry.handoff
  // A request that was let in may finish, however long its upload takes: only at the door does the grace count.
  if (seenAt === null || arrivedAt < seenAt + policy.graceMs || stage === 'continuing') {
    return { kind: 'retired', handoff: sealed }
  }
  // `seenAt` may be by another node's clock: half a minute ahead of it, and an honest request would look like a theft.
  return { kind: arrivedAt < seenAt + inFlightMs ? 'in-flight' : 'replayed' }
}

/** Whether the current secret was presented since the last rotation, so that whoever shows its predecessor was late. */
export function hasArrived({ retired }: SessionBody): boolean {
  return retired.find(entry => entry.handoff)?.handoff?.seenAt !== null
}

/** Which time-out has passed, or `null`. Reads the policy in force, so that a shorter one holds for sessions already there. */
export function timedOut(
  record: StoredRecord,
  body: SessionBody,
  now: number,
  policy: Policy,
): 'idle' | 'expired' | null {
  const life = lifetimeOf(policy, body.persistent)
  if (now >= record.createdAt + life.absoluteTimeoutMs) return 'expired'
  if (now >= record.lastSeenAt + life.idleTimeoutMs && !canLock(record, body, policy)) return 'idle'
  return null
}

/**
 * Whether the user has to prove again who they are, before anything else: because nobody used the session for too long, or
 * because somebody asked for it.
 */
export function isLocked(record: StoredRecord, body: SessionBody, now: number, policy: Policy): boolean {
  if (body.lockedAt !== undefined) return true
  // Asked on every request, and nearly always answered by the policy alone.
  return canLock(record, body, policy) && now >= record.lastSeenAt + lifetimeOf(policy, body.persistent).idleTimeoutMs
}

/** Whether the session is locked when nobody uses it, instead of ended. */
function canLock(record: Pick<StoredRecord, 'userId'>, body: Bound, policy: Policy): boolean {
  return policy.atIdle === 'lock' && canProve(record, body)
}

/** Whether there is a user who could prove again who they are. Guests have nothing to prove, and programs nobody in front of them. */
export function canProve({ userId }: Pick<StoredRecord, 'userId'>, { bearer }: Bound): boolean {
  return userId !== null && bearer === null
}

/** When the record may be forgotten if nobody uses the session again, epoch ms: a locked session waits for its user. */
export function keptUntil(record: Kept, body: Bound & Pick<SessionBody, 'persistent'>, policy: Policy): number {
  const life = lifetimeOf(policy, body.persistent)
  if (canLock(record, body, policy)) return record.createdAt + life.absoluteTimeoutMs
  return expiryOf(record.createdAt, record.lastSeenAt, life)
}

type Kept = Pick<StoredRecord, 'userId' | 'createdAt' | 'lastSeenAt'>
type Bound = Pick<SessionBody, 'bearer'>

/**
 * The level of assurance at this moment. Who kept a browser for weeks is the one who proved it then: in a persistent session
 * what is above level 1 lasts no longer than an ordinary session lies unused (NIST SP 800-63B-4 2.2.3).
 */
export function levelNow(
  { userId }: Pick<StoredRecord, 'userId'>,
  { proofs, persistent }: Pick<SessionBody, 'proofs' | 'persistent'>,
  policy: Policy,
  now: number,
): AssuranceLevel {
  if (userId === null) return 0
  const level = levelSince(proofs, persistent ? now - policy.idleTimeoutMs + 1 : Number.NEGATIVE_INFINITY)
  return level === 0 ? 1 : level
}

/** When the session times out if nobody uses it again, epoch ms. */
export function expiryOf(createdAt: number, lastSeenAt: number, life: Lifetime): number {
  return Math.min(lastSeenAt + life.idleTimeoutMs, createdAt + life.absoluteTimeoutMs)
}

/**
 * The retired secrets worth keeping: the predecessor of the current one, until the next rotation (a long request may
 * still finish under it), and for a moment those that a step-up killed.
 */
export function worthKeeping(retired: readonly RetiredSecret[], now: number): RetiredSecret[] {
  return retired.filter(({ at, handoff }) => handoff !== null || now < at + inFlightMs)
}

/**
 * How the token of an ended record is to be taken. Only after a sign-in that took over a user's own session does its
 * return mean that two parties hold it.
 */
export function judgeEnded({ reason, at, successor }: EndMark, arrivedAt: number): 'in-flight' | 'replayed' | 'over' {
  if (reason !== 'superseded') return 'over'
  if (arrivedAt < at + inFlightMs) return 'in-flight'
  return successor === undefined ? 'over' : 'replayed'
}

import { sessionEnded, UsageError } from '../errors.ts'
import { type AssuranceLevel, type FactorProof, levelSince, methodsOf, type Proved, withProved } from './assurance.ts'
import type { PendingSignIn } from './body.ts'
import { type Draft, guestsSession } from './draft.ts'
import type { Held } from './engine.ts'
import type { SessionWork } from './session-work.ts'
import { levelNow } from './verdict.ts'

/** How a sign-in happened. */
export interface SignInOptions {
  /** What the user proved, as RFC 8176 values: `pwd`, `otp`, `hwk` … Recorded, and the level follows from it. */
  readonly amr: readonly string[]
  /** The level reached (NIST AAL), when the application knows better than `amr` tells. Default: 1, or 2 for two kinds of factor. */
  readonly aal?: Exclude<AssuranceLevel, 0>
  /** "Remember me": the cookie survives the end of the browser. Default `false` (NIST 5.1-h). */
  readonly persistent?: boolean
  /**
   * `await sessions.generation(userId)` from before the password was checked. With it, "end all sessions" refuses even
   * a sign-in whose password check was already under way. Default: read when `signIn` is called.
   */
  readonly generation?: number
}

/** How long a sign-in may take from the first factor to the last. */
const pendingMs = 10 * 60_000

/** Who signs in, and what they proved so far. */
type SignIn = Omit<SignInOptions, keyof Proved> & { readonly userId: string; readonly proofs: readonly FactorProof[] }

/** Makes this the session of a user; see `Session.signIn`. */
export async function signIn(work: SessionWork, userId: string, options: SignInOptions): Promise<void> {
  await work.readyFor('sign in')
  await becomeUsers(work, checkedSignIn(work, userId, options))
}

/** The first of several factors was right; see `Session.beginSignIn`. */
export async function beginSignIn(work: SessionWork, userId: string, options: SignInOptions): Promise<void> {
  await work.readyFor('begin a sign-in')
  const now = work.engine.now()
  const { proofs, persistent = false, ...checked } = checkedSignIn(work, userId, options)
  const generation = checked.generation ?? (await work.engine.administration.generation(userId))
  const pending: PendingSignIn = { userId, proofs, persistent, generation, expiresAt: now + pendingMs }
  await work.takeOver({
    // What was a user's is not shown to whoever has no more than that user's password.
    heir: null,
    make: (json, old) => ({ ...guestsSession(json, old?.record ?? null, work.carrier), pending }),
    endOld: (old, held) => endTakenOver(work, old, held),
    tell: ({ record }) => {
      const amr = methodsOf(proofs)
      work.engine.events.emit(record.sid, userId, work.carrier.origin(), { type: 'sign-in.begun', amr })
    },
  })
}

/** The last factor was right; see `Session.completeSignIn`. */
export async function completeSignIn(work: SessionWork, proved: Proved): Promise<void> {
  await work.readyFor('complete a sign-in')
  const pending = pendingNow(work)
  if (!pending) {
    if (work.held?.body.pending || work.superseded) throw sessionEnded()
    throw new UsageError('completeSignIn was called, but no sign-in has begun here: look at session.pending first.')
  }
  const proofs = provedMore(pending.proofs, proved, work)
  await claimPending(work)
  await becomeUsers(work, { ...pending, proofs })
}

/** A sign-in is completed once (ASVS 2.3.1): whoever comes second must not even make a session, which could push out the first one's. */
async function claimPending(work: SessionWork): Promise<void> {
  if (!work.held) return
  const claimed = await work.amend(work.held, ({ body }) => {
    if (!body.pending) throw sessionEnded()
    return { secret: 'replace', pending: null, activity: true }
  })
  work.take(claimed)
}

/** The sign-in that waits for its last factor, unless that has taken too long. */
export function pendingNow({ held, engine }: SessionWork): PendingSignIn | null {
  const pending = held?.body.pending
  return pending && engine.now() < pending.expiresAt ? pending : null
}

/** Somebody did not prove who they are; see `Session.signInFailed`. */
export function signInFailed({ engine, carrier, held }: SessionWork, typed: unknown, userId: string | null): void {
  if (typeof typed !== 'string') throw new UsageError('signInFailed needs the account that was typed, as a string.')
  const account = engine.accountPseudonym(typed)
  engine.events.emit(held?.record.sid ?? null, userId, carrier.origin(), { type: 'sign-in.failed', account })
}

/** The user proved more; see `Session.stepUp`. */
export async function stepUp(work: SessionWork, proved: Proved): Promise<void> {
  await work.readyFor('step up')
  const { locked } = work
  const held = locked ?? (await work.usersFor('step up'))
  const next = await work.amend(held, newest => proof(newest, proved, work))
  // What was written while it was locked was written on nothing: it is not the user's data.
  if (locked) work.data.disown()
  const { proofs } = next.body
  const type = locked ? 'session.unlocked' : 'session.stepped-up'
  work.tell(next, {
    type,
    amr: methodsOf(proofs),
    aal: levelNow(next.record, next.body, work.engine.policy, work.engine.now()),
  })
  work.take(next)
}

/** The draft that notes what the user proved now, and replaces the token. */
export function proof({ body }: Held, proved: Proved, work: SessionWork): Draft {
  return { secret: 'replace', proofs: provedMore(body.proofs, proved, work), activity: true }
}

async function becomeUsers(
  work: SessionWork,
  { userId, proofs, persistent = false, generation }: SignIn,
): Promise<void> {
  await work.takeOver({
    heir: userId,
    make: (json, old) => ({
      ...guestsSession(json, old?.record ?? null, work.carrier),
      userId,
      proofs,
      persistent,
      ...(generation === undefined ? {} : { generation }),
    }),
    endOld: (old, held) => endTakenOver(work, old, held),
    tell: (held, old) => {
      const from = old?.record.sid ?? null
      work.tell(held, { type: 'session.signed-in', amr: methodsOf(proofs), aal: levelSince(proofs, 0), from })
    },
  })
}

function checkedSignIn(work: SessionWork, userId: unknown, options: SignInOptions): SignIn {
  if (typeof userId !== 'string' || userId.length < 1 || userId.length > 256) {
    throw new UsageError('signIn needs the user id as a string of 1 to 256 characters.')
  }
  if (options.persistent && !work.engine.policy.persistent) {
    throw new UsageError(
      'signIn was called with persistent: true, but policy.persistent is false. Allow it there or leave it out.',
    )
  }
  return { ...options, userId, proofs: provedMore([], options, work) }
}

/** The proofs with what was proved now; throws a `UsageError` when that is nothing. */
export function provedMore(
  before: readonly FactorProof[],
  proved: Proved,
  { engine }: SessionWork,
): readonly FactorProof[] {
  if (!Array.isArray(proved.amr) || proved.amr.length === 0) {
    throw new UsageError("amr is empty: say what the user proved, as RFC 8176 values, such as ['pwd'].")
  }
  return withProved(before, proved, engine.now())
}

/**
 * Ends the session that a sign-in took over; resolves to the old session's data as it was at
 * the very end, `null` when it was over already. If the end cannot be confirmed, nobody is signed in.
 */
async function endTakenOver({ engine, carrier }: SessionWork, old: Held, held: Held): Promise<string | null> {
  try {
    return await engine.supersede(old, held.record.sid, carrier)
  } catch (error) {
    await engine.administration.end(held.record.sid, 'revoked').catch(() => {})
    throw error
  }
}

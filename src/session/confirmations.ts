import { Refusal, UsageError } from '../errors.ts'
import { type AssuranceLevel, levelProved, type Proved } from './assurance.ts'
import { type ChallengeSubject, failed, withChallenge } from './challenges.ts'
import { type Duration, durationMs } from './duration.ts'
import type { ConfirmationFault } from './events.ts'
import type { SessionWork } from './session-work.ts'
import { proof, provedMore } from './sign-in.ts'

/** How long a challenge lasts. */
export interface ChallengeOptions {
  /** Default `'5m'`. */
  readonly lifetime?: Duration
}

/** What a confirmation demands. */
export interface ConfirmationOptions extends ChallengeOptions {
  /** The level that the proof must reach by itself, 1 to 3. Default 1. */
  readonly level?: Exclude<AssuranceLevel, 0>
}

/** A critical action that waits to be confirmed. */
export interface Confirmation {
  /** For the form. Of no use outside of this session. */
  readonly id: string
  /** After this it is void, epoch ms. */
  readonly expiresAt: number
}

/** What a challenge is for. */
type Subject = Omit<ChallengeSubject, 'sid'>

/** A new challenge in the session, which begins for it if there is none; see `Session.challenge`. */
export async function challenge(
  work: SessionWork,
  subject: Subject,
  { lifetime = '5m', level = 0 }: ChallengeOptions & { readonly level?: AssuranceLevel },
): Promise<{ challenge: string; expiresAt: number }> {
  await work.readyFor('make a challenge')
  const { engine } = work
  if (engine.carried === 'all') {
    throw new UsageError(
      'A challenge is answered once, and where the cookie carries the session nobody remembers that it was: give sealedStore a store, or use one alone.',
    )
  }
  const held = work.held ?? work.locked ?? (await work.begin('{}'))
  const now = engine.now()
  const expiresAt = now + durationMs(lifetime, 'lifetime')
  const made = engine.challenge({ ...subject, sid: held.record.sid }, { level, expiresAt })
  const next = await work.amend(held, ({ body }) => ({
    challenges: withChallenge(body.challenges, made.stored, now),
    activity: work.active,
  }))
  work.goOn(next)
  return { challenge: made.challenge, expiresAt }
}

/** Whether the answer is right; spends the challenge. See `Session.answer`. */
export async function answer(work: SessionWork, text: string, subject: Subject): Promise<boolean> {
  return (await spend(work, text, subject, null)) === null
}

/** Opens a confirmation; see `Session.confirm`. */
export async function confirm(
  work: SessionWork,
  operation: string,
  data: unknown,
  options: ConfirmationOptions,
): Promise<Confirmation> {
  const subject = { kind: 'confirmation', purpose: operation, data } as const
  await work.usersFor('confirm an action')
  const { challenge: id, expiresAt } = await challenge(work, subject, { level: 1, ...options })
  if (work.held) work.tell(work.held, { type: 'confirmation.opened', operation })
  return { id, expiresAt }
}

/** Redeems a confirmation; see `Session.redeem`. */
export async function redeem(
  work: SessionWork,
  id: string,
  operation: string,
  data: unknown,
  proved: Proved,
): Promise<void> {
  const subject = { kind: 'confirmation', purpose: operation, data } as const
  const held = await work.usersFor('redeem a confirmation')
  // Who proves nothing spends nothing.
  provedMore([], proved, work)
  const fault = await spend(work, id, subject, proved)
  if (fault) {
    work.tell(held, { type: 'confirmation.refused', operation, fault })
    throw new Refusal('confirmation-refused', confirmationRefused)
  }
  work.tell(held, { type: 'confirmation.redeemed', operation })
}

/** Counts a proof that was wrong; see `Session.failConfirmation`. */
export async function failConfirmation(work: SessionWork, id: string, operation: string): Promise<void> {
  const held = await work.usersFor('fail a confirmation')
  const verdict = { isVoid: false }
  const next = await work.amend(held, ({ body }) => {
    const { isVoid, left } = failed(body.challenges, id)
    verdict.isVoid = isVoid
    return left === body.challenges ? null : { challenges: left, activity: work.active }
  })
  work.goOn(next)
  if (verdict.isVoid) work.tell(next, { type: 'confirmation.refused', operation, fault: 'failed' })
}

/**
 * Spends a challenge, by a save that succeeds for one request of all; `null`: the answer was right. What the user proved for it
 * is noted in the same step, so that there is no moment in between.
 */
async function spend(
  work: SessionWork,
  text: string,
  subject: Subject,
  proved: Proved | null,
): Promise<ConfirmationFault | null> {
  await work.readyFor('answer a challenge')
  const held = work.held ?? work.locked
  if (!held) return 'unknown'
  const verdict: { fault: ConfirmationFault | null } = { fault: null }
  const next = await work.amend(held, newest => {
    const { sid } = newest.record
    const { left, level, fault } = work.engine.answered(newest.body.challenges, text, { ...subject, sid })
    verdict.fault = fault ?? (proved && levelProved(proved) < level ? 'too-weak' : null)
    if (fault === 'unknown') return null
    const spent = { challenges: left, activity: work.active }
    return proved && verdict.fault === null ? { ...spent, ...proof(newest, proved, work) } : spent
  })
  if (next.secret.equals(held.secret)) work.goOn(next)
  else work.take(next)
  return verdict.fault
}

const confirmationRefused = 'This was not confirmed, so nothing was changed. Please begin again.'

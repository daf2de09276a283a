import { standsForMany } from './crowd.ts'
import type { DetectorName } from './detection.ts'
import type { Notice } from './notifier.ts'
import { plain, quoted } from './plain-text.ts'

/** Characters of a user id, which may have 256, in a sentence that somebody reads on a phone. */
const mostOfName = 64
const mostOfAddress = 64
const mostOfSid = 32

/** What the sentences are about. */
export interface Subjects {
  /** `session "…" of user "…"`, as far as they are known. */
  readonly session: string
  /** `user "…"`, or `an unknown user`. */
  readonly user: string
  /** ` in session "…" of user "…"`, or nothing when neither is known. */
  readonly inSession: string
  /** ` from 192.0.2.7`, or nothing. */
  readonly from: string
  /** `, now from 192.0.2.7`, or nothing. */
  readonly now: string
}

/** For every detector what it found, as one sentence without its full stop. */
export const sentences: Record<DetectorName, (subjects: Subjects) => string> = {
  'token-guessing': ({ from }) => `Somebody is guessing session tokens${from}`,
  'forged-token': ({ from }) => `Forged tokens are presented${from}`,
  'use-after-end': ({ session, from }) => `${session} is over, and its token is still used${from}`,
  'token-replay': ({ session, now }) => `A superseded token of ${session} came back, so somebody has a copy${now}`,
  'two-places': ({ session, now }) => `${session} is used in two places at the same time${now}`,
  'agent-changed': ({ session, now }) => `${session} moved to another browser, system or device${now}`,
  'network-changed': ({ session, now }) => `${session} changed network and browser in one step${now}`,
  'impossible-travel': ({ session, now }) => `${session} travelled faster than anybody can${now}`,
  'password-stuffing': ({ from }) => `Stolen passwords are tried at many accounts${from}`,
  'password-spraying': ({ now }) => `A few passwords are tried at many accounts, or many at one${now}`,
  'second-factor-bombing': ({ user, now }) =>
    `Somebody knows the password of ${user} and fails at the second factor${now}`,
  'session-flooding': ({ from }) => `Sessions of nobody are begun in a flood${from}`,
  'too-many-sessions': ({ user, now }) => `${user} begins very many sessions and ends none${now}`,
  'dormant-session': ({ session, now }) => `${session} slept for days and woke up elsewhere${now}`,
  'csrf-probing': ({ inSession, now }) => `Forged requests are sent and refused${inSession}${now}`,
  'binding-failure': ({ inSession, now }) => `A token turned up without the key that it is bound to${inSession}${now}`,
  'risky-sign-in': ({ user, from }) => `${user} signed in as never before${from}`,
  'trail-trouble': () => 'The audit trail loses entries or cannot be written',
}

/**
 * A notice as one sentence of printable characters without a line break, at most about 300 of them, and another one when it
 * stands for further alerts.
 */
export function alertText({ alert, isWorse, others }: Omit<Notice, 'text'>): string {
  const sentence = standsForMany(alert) ? crowdText(alert) : sentenceOf(alert)
  const more = others === 0 ? '' : ` And ${others} more ${others === 1 ? 'alert' : 'alerts'} within a minute.`
  return `${isWorse ? 'It got worse: ' : ''}${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.${more}`
}

function crowdText({ detector }: Notice['alert']): string {
  return `the detector ${detector} finds more than can be told one by one`
}

function sentenceOf({ detector, sid, userId, address }: Notice['alert']): string {
  const user = userId === null ? 'an unknown user' : `user ${quoted(userId, mostOfName)}`
  const of = userId === null ? '' : ` of ${user}`
  const session = sid === null ? `a session${of}` : `session ${quoted(sid, mostOfSid)}${of}`
  const from = address === null ? '' : ` from ${plain(address, mostOfAddress)}`
  return sentences[detector]({
    user,
    session,
    inSession: sid === null && userId === null ? '' : ` in ${session}`,
    from,
    now: from && `, now${from}`,
  })
}

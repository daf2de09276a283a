import { isIP } from 'node:net'
import type { FactorKind } from 'latchkey/mfa'
import { deviceLabel } from './device-label.ts'
import { clockTime } from './times.ts'

/** Where something happened, as far as it is known. Both are what a client says or could say: text of anybody. */
export interface NoticeFacts {
  /** The client's address, or `null`. */
  readonly address: string | null
  /** The client's `User-Agent`, or `null`. */
  readonly userAgent: string | null
}

/** What happened to a second factor of an account. A set of recovery codes is `renewed`, never added. */
export interface FactorChange {
  readonly change: 'added' | 'removed' | 'renewed'
  readonly kind: FactorKind
  /** What its owner calls it. Text of anybody. */
  readonly label: string
}

/** A notice in words. */
export interface NoticeText {
  /** Never holds anything that somebody typed: it becomes a header. */
  readonly subject: string
  /** Plain text without links: a mail that has none teaches nobody to click on those of a forged one. */
  readonly text: string
}

const kinds = { totp: 'An authenticator app', passkey: 'A passkey', recovery: 'A set of recovery codes' }

const notYou =
  'If that was not you, sign in to Campus as you always do, change your password, and end every session you do not know on the page Devices.'

/** Signed in from a device that is not known. */
export function newDeviceText(user: string, facts: NoticeFacts, at: number): NoticeText {
  return letter('New sign-in to your Campus account', user, [
    `On ${clockTime(at)} somebody signed in to your account from a device that we do not know yet:`,
    deviceOf(facts),
    'If that was you, there is nothing to do.',
    notYou,
  ])
}

/** A second factor was added, removed or renewed. */
export function factorChangedText(user: string, { change, kind, label }: FactorChange, at: number): NoticeText {
  const name = inMail(label)
  return letter('The sign-in protection of your Campus account has changed', user, [
    `${kinds[kind]}${name === '' ? '' : `, called "${name}",`} was ${change} on ${clockTime(at)}.${change === 'renewed' ? ' If that happens again within an hour, it is not told again.' : ''}`,
    notYou,
  ])
}

/** The password was changed. */
export function passwordChangedText(user: string, at: number): NoticeText {
  return letter('Your Campus password was changed', user, [
    `The password of your account was changed on ${clockTime(at)}.`,
    'If that was not you, ask the Campus office to lock your account. Go there or call; do not answer this mail.',
  ])
}

/** The e-mail address was changed. */
export function emailChangedText(user: string, at: number): NoticeText {
  return letter('The e-mail address of your Campus account was changed', user, [
    `On ${clockTime(at)} another e-mail address was set for your account. Notices like this one go there from now on; this one goes to the old address, too.`,
    notYou,
  ])
}

/** The password was right, the second factor was not. */
export function secondFactorFailedText(user: string, facts: NoticeFacts, at: number): NoticeText {
  return letter('Somebody knows your Campus password', user, [
    `On ${clockTime(at)} somebody gave your right password, but not your second factor, so they were not let in:`,
    deviceOf(facts),
    'If you mistyped a code, there is nothing to do. If that was not you, change your password now: somebody else knows it. Further attempts within an hour are not told one by one.',
  ])
}

/** All other sessions were ended. */
export function otherSessionsEndedText(user: string, count: number, at: number): NoticeText {
  return letter('You were signed out of Campus elsewhere', user, [
    `On ${clockTime(at)} ${count === 1 ? 'one other session' : `${count} other sessions`} of your account ${count === 1 ? 'was' : 'were'} ended, as your account asked for.`,
    notYou,
  ])
}

/** What a client says it is, made harmless for a mail, and where it came from. */
export function deviceOf({ address, userAgent }: NoticeFacts): string {
  const device = inMail(deviceLabel(userAgent)) || 'Something that does not say what it is'
  return `${device}, ${address !== null && isIP(address) > 0 ? `address ${address}` : 'address unknown'}`
}

/**
 * Somebody's words for a plain text: one line, short, and nothing that a mail program makes a link of, or that turns the
 * direction of writing. A `User-Agent` or the name of a factor could otherwise carry a message of its own.
 */
function inMail(text: string): string {
  const harmless = text.normalize('NFKC').replace(/[^\p{L}\p{N} _-]+/gu, ' ')
  return [...harmless.replace(/ {2,}/g, ' ').trim()].slice(0, 48).join('').trim()
}

function letter(subject: string, user: string, paragraphs: readonly string[]): NoticeText {
  const text = [`Hello ${inMail(user)},`, ...paragraphs, 'Campus. This was sent by itself; nobody reads answers.']
  return { subject, text: `${text.join('\n\n')}\n` }
}

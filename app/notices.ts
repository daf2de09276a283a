import {
  deviceOf,
  emailChangedText,
  type FactorChange,
  factorChangedText,
  type NoticeFacts,
  type NoticeText,
  newDeviceText,
  otherSessionsEndedText,
  passwordChangedText,
  secondFactorFailedText,
} from './notice-texts.ts'
import type { Message, Outbox } from './outbox.ts'

export type { FactorChange, NoticeFacts } from './notice-texts.ts'

/**
 * Tells users what happened to their account (ASVS 6.3.5, 6.3.7): on the page of messages and, with a mail server, by mail.
 * `user` is the account's name. None of these ever rejects, and none waits for a mail server: what happened has happened,
 * and an answer must not hang on a notice.
 */
export interface Notices {
  /** Signed in from a device that is not known. */
  newDevice(user: string, facts: NoticeFacts): Promise<void>
  factorChanged(user: string, what: FactorChange): Promise<void>
  passwordChanged(user: string): Promise<void>
  /** Goes to the old address as well: whoever took the account over has the new one. */
  emailChanged(user: string, oldAddress: string | null): Promise<void>
  /** The password was right, the second factor was not (CS-M3). */
  secondFactorFailed(user: string, facts: NoticeFacts): Promise<void>
  /** All other sessions were ended; `count`: how many. */
  otherSessionsEnded(user: string, count: number): Promise<void>
}

const hour = 3_600_000

/** Notices into an outbox. What cannot be written is logged, and the user's request goes on. */
export function createNotices(parts: {
  readonly outbox: Pick<Outbox, 'write'>
  readonly clock: () => number
  readonly failed: (error: unknown) => void
}): Notices {
  const { outbox, clock, failed } = parts
  const tell = async (user: string, topic: string, text: NoticeText, options: Partial<Message> = {}): Promise<void> => {
    try {
      await outbox.write({ user, topic, quietMs: 0, alsoTo: null, ...text, ...options })
    } catch (error) {
      failed(error)
    }
  }
  return {
    // A program without cookies is new each time: one notice an hour of the same device is enough, and ten of any.
    newDevice: (user, facts) =>
      tell(user, `new-device ${deviceOf(facts)}`, newDeviceText(user, facts, clock()), { quietMs: hour }),
    // What comes and goes is told each time. New codes instead of new codes are one button, pressed as often as one likes.
    factorChanged: (user, what) =>
      what.change === 'renewed'
        ? tell(user, 'codes', factorChangedText(user, what, clock()), { quietMs: hour })
        : tell(user, 'factor', factorChangedText(user, what, clock())),
    passwordChanged: user => tell(user, 'password', passwordChangedText(user, clock())),
    emailChanged: (user, oldAddress) => tell(user, 'email', emailChangedText(user, clock()), { alsoTo: oldAddress }),
    secondFactorFailed: (user, facts) =>
      tell(user, 'second-factor', secondFactorFailedText(user, facts, clock()), { quietMs: hour }),
    otherSessionsEnded: (user, count) => tell(user, 'sessions', otherSessionsEndedText(user, count, clock())),
  }
}

import { createHmac } from 'node:crypto'
import type { RingKey } from '../session/key-ring.ts'
import type { Session } from '../session/session.ts'

/** What a page may know of the session that it was made in: `latchkey/browser` warns by it before the session ends. */
export interface SessionStatus {
  /** Whether somebody is signed in. */
  readonly signedIn: boolean
  /** Whether the session waits, after a long pause, for its user to prove again who they are. */
  readonly locked: boolean
  /** Milliseconds until the session ends if it is not used again; `null` when nobody is signed in. */
  readonly idleIn: number | null
  /** Milliseconds until it ends in any case; `null` when nobody is signed in. */
  readonly endsIn: number | null
  /** Stands for the user: the same in all tabs and after each sign-in, and tells nobody who it is. `null`: nobody. */
  readonly subject: string | null
  /**
   * The user's own key, 32 bytes as base64url, for what a page keeps for them when their session is over: the same after each
   * sign-in until the server's secret changes, and nobody else ever gets it. `null` when nobody is signed in.
   */
  readonly formKey: string | null
  /** A token for requests of the page that change something. */
  readonly csrfToken: string
}

/** The status of a loaded session at this moment. */
export function statusOf(session: Session<object>, key: RingKey, now: number, csrfToken: string): SessionStatus {
  const { userId, idleExpiresAt, absoluteExpiresAt } = session
  const left = (at: number | null) => (userId === null || at === null ? null : Math.max(0, at - now))
  return {
    signedIn: userId !== null,
    locked: session.locked !== null,
    idleIn: left(idleExpiresAt),
    endsIn: left(absoluteExpiresAt),
    subject: userId === null ? null : usersOwn(key, 'subject', userId).subarray(0, 16).toString('base64url'),
    formKey: userId === null ? null : usersOwn(key, 'form key', userId).toString('base64url'),
    csrfToken,
  }
}

function usersOwn({ formKey }: RingKey, purpose: string, userId: string): Buffer {
  return createHmac('sha256', formKey).update(`${purpose} ${userId}`).digest()
}

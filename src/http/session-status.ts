import { createHmac, hash, type KeyObject } from 'node:crypto'
import type { KeyRing } from '../session/key-ring.ts'
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
   * The user's own keys, 32 bytes each as base64url, for what a page keeps for them when their session is over: one for each of
   * the server's secrets, newest first, the same after each sign-in. Nobody else ever gets them. Empty when nobody is signed in.
   */
  readonly formKeys: readonly string[]
  /** A token for requests of the page that change something. */
  readonly csrfToken: string
}

/** The status of a loaded session at this moment. */
export function statusOf(session: Session<object>, ring: KeyRing, now: number, csrfToken: string): SessionStatus {
  const { userId, idleExpiresAt, absoluteExpiresAt } = session
  const left = (at: number | null) => (userId === null || at === null ? null : Math.max(0, at - now))
  return {
    signedIn: userId !== null,
    locked: session.locked !== null,
    idleIn: left(idleExpiresAt),
    endsIn: left(absoluteExpiresAt),
    subject: userId === null ? null : subjectOf(userId),
    formKeys: userId === null ? [] : ring.all.map(({ formKey }) => formKeyOf(formKey, userId)),
    csrfToken,
  }
}

/** No secret: only the user's own pages get it, and it must stay the same when the server's secret changes. */
function subjectOf(userId: string): string {
  return hash('sha256', JSON.stringify(['latchkey subject', userId]), 'base64url').slice(0, 22)
}

/** As JSON, because ids of users may hold anything, lone surrogates included. */
function formKeyOf(key: KeyObject, userId: string): string {
  return createHmac('sha256', key).update(JSON.stringify(userId)).digest('base64url')
}

import type { FactorFault, FactorKind, RequestOrigin } from '../session/events.ts'

export type { FactorFault, FactorKind } from '../session/events.ts'

/** Who tries to pass a second factor, and from where. */
export interface Attempt {
  /** Whose factor it is: the user who passed the first factor, or who is signed in. Never taken from a form. */
  readonly userId: string
  /** The id of a known device, from `knownDevices`, or `null`. Known devices are throttled apart from all others. */
  readonly device: string | null
  /** Where the request came from, for the event. Default: not known. */
  readonly origin?: RequestOrigin | null
  /** The session, for the event. Default: none. */
  readonly sid?: string | null
}

/**
 * What the client may know of an attempt. `refused` is one answer for every reason, a factor that does not exist
 * included; the reason is in the event (ASVS 6.3.8). `wait`: nothing was looked at, and nothing will be before so many
 * seconds have passed, whether the code was right or not. After 50 failures from one side it is always an hour, until an
 * attempt from the other side succeeds (see `Factors.forgive`).
 */
export type FactorAnswer =
  | {
      readonly outcome: 'passed'
      /** Who passed: of a passkey without a username, its owner. */
      readonly userId: string
      readonly factor: FactorKind
      /** For `completeSignIn`, `stepUp` or `redeem` (RFC 8176). */
      readonly amr: string[]
    }
  | { readonly outcome: 'refused' }
  | { readonly outcome: 'wait'; readonly seconds: number }

/** @internal What a check found, before the throttle and the events have their say. */
export type Checked =
  | {
      readonly ok: true
      readonly userId: string
      readonly factor: FactorKind
      readonly amr: readonly string[]
    }
  | { readonly ok: false; readonly factor: FactorKind | null; readonly fault: FactorFault }

/** What factors need of a session: that of any request will do, whatever its data. */
export interface FactorSession {
  /** Loads the session, if that has not happened yet. */
  load(): Promise<unknown>
  /** Its public id, or `null` while there is none. */
  readonly id: string | null
  /** Who is signed in, or `null`: also while a second factor is still to come, and while the session is locked. */
  readonly userId: string | null
  /** A challenge that this session answers once. */
  challenge(purpose: string, data?: unknown, options?: { readonly lifetime?: '10m' }): Promise<string>
  /** Whether the challenge was open and is for this; spends it. */
  answer(challenge: string, purpose: string, data?: unknown): Promise<boolean>
}

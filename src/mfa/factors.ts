import type { Duration } from '../session/duration.ts'
import type { Attempt, FactorAnswer, FactorKind, FactorSession } from './answer.ts'
import type { PasskeyCreationOptions, PasskeyRequestOptions } from './passkey-options.ts'
import type { PasskeyChallengeOptions } from './passkeys.ts'
import type { FactorStore } from './store.ts'
import type { TotpEnrolment, TotpWindow } from './totp.ts'

/** Options of `createFactors`. `store` and `issuer` are needed. */
export interface FactorsOptions {
  /** Where factors live: `sqliteFactors('factors.db')` or `postgresFactors(pool)`; `memoryFactors()` for tests. */
  readonly store: FactorStore
  /** What authenticator apps and passkey prompts call this service: 1 to 64 characters without colon. */
  readonly issuer: string
  /** Whose passkeys are taken. Default `false`: none. */
  readonly passkeys?:
    | {
        /** The domain that passkeys are bound to, such as `campus.example`. It can never change without losing them all. */
        readonly rpId: string
        /** Whose pages may ask for passkeys, such as `https://campus.example`. */
        readonly origins: readonly string[]
      }
    | false
  /**
   * Which codes of an authenticator app are taken. `current-and-previous` (default): for up to 60 seconds, because people
   * type slowly and clocks differ (RFC 6238 5.2). `current`: for up to 30 seconds (ASVS 6.5.5 to the letter). Never a future one.
   */
  readonly totpWindow?: TotpWindow
  /** How long the store may take before the request ends with 503. Default `'2s'`. */
  readonly storeTimeout?: Duration
}

/** A second factor as its owner may see it. */
export interface FactorInfo {
  /** For `remove`. Stable, safe to show; cannot authenticate. */
  readonly id: string
  readonly kind: FactorKind
  /** What its owner calls it, at most 64 characters; empty for recovery codes. Hostile characters are possible: encode it. */
  readonly label: string
  /** When it was added, epoch ms; of recovery codes, when this set was made. */
  readonly createdAt: number
  /** When it was last accepted, epoch ms, or `null`. */
  readonly lastUsedAt: number | null
  /** How many recovery codes still work; `null` for all other kinds. */
  readonly codesLeft: number | null
}

/** Who uses a passkey, and from where. */
export type PasskeyAttempt = Omit<Attempt, 'userId'> & {
  /** Whose passkey it must be; `null` for a sign-in without a username. */
  readonly userId: string | null
}

/**
 * The second factors of all users: setting up, checking, removing.
 *
 * Adding and removing a factor changes how an account is protected: put `requireFresh` with the account's best level in
 * front (NIST 4.1.2.1, CS-M2) and notify the owner on the events `factor.added` and `factor.removed` (ASVS 6.3.7). Every
 * method throws a `StoreError` when the store fails: then nobody is let in, and nobody is told that they have no factor.
 */
export interface Factors {
  /** The user's factors, oldest first. */
  list(userId: string): Promise<FactorInfo[]>
  /** Whether the user's sign-in needs a second factor: a TOTP factor or a passkey is set up. */
  required(userId: string): Promise<boolean>
  /**
   * Begins to set up an authenticator app for the signed-in user. Nothing is stored: an enrolment that is abandoned leaves
   * nothing behind. `account` is what the app shows beside the issuer. Throws a `UsageError` when nobody is signed in, or
   * when the user has five already.
   */
  beginTotp(session: FactorSession, account: string): Promise<TotpEnrolment>
  /**
   * Adds the authenticator app when its first code is right. Not throttled: whoever is asked here was shown the secret. For
   * the same reason a right code here forgives no failures.
   */
  confirmTotp(session: FactorSession, ticket: string, code: string, label: string): Promise<FactorAnswer>
  /** What the browser needs to make a passkey for the signed-in user. */
  beginPasskey(session: FactorSession, account: string): Promise<PasskeyCreationOptions>
  /** Adds the passkey that the browser made. */
  confirmPasskey(session: FactorSession, response: unknown, label: string): Promise<FactorAnswer>
  /** Checks a code of an authenticator app or a recovery code, which its shape tells apart. Each works once. */
  checkCode(attempt: Attempt, code: string): Promise<FactorAnswer>
  /** What the browser needs to use a passkey: one of this user's, or with `null` any that it has for this site. */
  passkeyChallenge(
    session: FactorSession,
    userId: string | null,
    options?: PasskeyChallengeOptions,
  ): Promise<PasskeyRequestOptions>
  /**
   * Checks what the browser answered. Not throttled: a signature over a fresh challenge of this session cannot be guessed, and if
   * nonsense counted, whoever has the cookies of a device could lock its owner out. A success forgives failures of codes, unless the
   * challenge is the caller's (`options.challenge`), who spends it later.
   */
  checkPasskey(
    session: FactorSession,
    attempt: PasskeyAttempt,
    response: unknown,
    options?: PasskeyChallengeOptions,
  ): Promise<FactorAnswer>
  /** A new set of ten recovery codes, to be shown once; the old set is dead. Throws a `UsageError` for a user without a factor. */
  renewRecoveryCodes(userId: string): Promise<string[]>
  /**
   * Removes a factor of this user and resolves to whether it was there, so that an id from a form cannot remove somebody
   * else's. The last TOTP factor or passkey takes the recovery codes with it.
   */
  remove(userId: string, factorId: string): Promise<boolean>
  /** Removes everything that is kept of a user, for an account that is deleted, and resolves to how many factors it had. */
  removeUser(userId: string): Promise<number>
  /**
   * Forgets the user's failures, for support staff who made sure otherwise who it is: after 50 of them an owner without a
   * known device has no other way in (NIST 3.2.2).
   */
  forgive(userId: string): Promise<void>
  /** Resolves when the store can serve, rejects with a `StoreError` when not. */
  ping(): Promise<void>
  /** Closes the store. */
  close(): Promise<void>
}

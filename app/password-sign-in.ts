import type { Session } from 'latchkey'
import type { Factors } from 'latchkey/mfa'
import { placeOf } from './place-of.ts'
import type { SessionData } from './session-data.ts'
import type { SignInThrottle } from './sign-in-throttle.ts'
import { TooManyWaiting, type Turns } from './turns.ts'
import { accountName, type User, type Users } from './users.ts'

/** What somebody typed, and from where. */
export interface Credentials {
  readonly username: string
  readonly password: string
  /** The client's address, if known. */
  readonly address: string | null
  /** The session of the request: what went wrong is told through it. */
  readonly session: Pick<Session<SessionData>, 'signInFailed'>
}

/** The answer to a sign-in: an unknown, a disabled and a mistyped account are all just `wrong` (CS-A2). */
export type SignInAnswer =
  | {
      readonly outcome: 'right'
      readonly user: User
      readonly generation: number
      readonly passwordMark: string | null
    }
  | { readonly outcome: 'wrong' }
  | { readonly outcome: 'wait'; readonly seconds: number }

/** Checks a name and a password. */
export type PasswordSignIn = (credentials: Credentials) => Promise<SignInAnswer>

/**
 * The one way to sign in with a password, for the page and for the API alike (ASVS 6.3.4): throttle, then hash. People in
 * one place take turns, which bounds the memory that hashing takes and the attempts that count before they are decided.
 *
 * `generation` is read before the password is looked at. If somebody ends all sessions of this user in between, for
 * example by changing the password, the sign-in that still knew the old one is refused. `passwordMark` likewise: a sign-in
 * that waits for its second factor is refused when the password was changed, also when no session was ended.
 */
export function createPasswordSignIn(parts: {
  readonly users: Users
  readonly throttle: SignInThrottle
  readonly turns: Turns
  readonly generation: (username: string) => Promise<number>
}): PasswordSignIn {
  const { users, throttle, turns } = parts
  return async ({ username, password, address, session }) => {
    const attempt = { account: accountName(username), place: placeOf(address) }
    // Neither can be right, and an empty name is not a user id that a store could be asked about.
    if (attempt.account === '' || password === '') return { outcome: 'wrong' }
    try {
      return await turns.take(attempt.place, async () => {
        const generation = await parts.generation(attempt.account)
        const passwordMark = await users.passwordMark(attempt.account)
        const admission = await throttle.admit(attempt)
        if (!admission.admitted) {
          session.signInFailed(attempt.account)
          return { outcome: 'wait', seconds: Math.ceil(admission.waitMs / 1_000) }
        }
        const user = await users.withPassword(attempt.account, password)
        if (!user) {
          session.signInFailed(attempt.account, { userId: (await users.find(attempt.account))?.username ?? null })
          return { outcome: 'wrong' }
        }
        await admission.succeeded()
        return { outcome: 'right', user, generation, passwordMark }
      })
    } catch (error) {
      if (error instanceof TooManyWaiting) return { outcome: 'wait', seconds: 1 }
      throw error
    }
  }
}

/**
 * Signs in whoever gave the right password; where their account has a second factor, only begins to. `complete`: whether
 * that was all.
 */
export async function signInByPassword(
  session: Session<SessionData>,
  { user, generation, passwordMark }: Extract<SignInAnswer, { outcome: 'right' }>,
  { factors, persistent }: { readonly factors: Pick<Factors, 'required'>; readonly persistent: boolean },
): Promise<{ readonly complete: boolean }> {
  const options = { amr: ['pwd'], persistent, generation }
  if (await factors.required(user.username)) {
    await session.beginSignIn(user.username, options)
    // Not before: what a user who was signed in here had in the session goes.
    if (passwordMark !== null) session.data.begunWith = passwordMark
    return { complete: false }
  }
  await session.signIn(user.username, options)
  return { complete: true }
}

import type { Request, Response } from 'express'
import type { Sessions } from 'latchkey'
import type { Factors } from 'latchkey/mfa'
import { jsonField, textField } from './fields.ts'
import type { KnownDevice } from './known-device.ts'
import type { Notices } from './notices.ts'
import { wasSentTwice } from './sent-twice.ts'
import type { SessionOf } from './session-data.ts'
import type { User, Users } from './users.ts'

/** What came of a second factor: one answer for all that was wrong with it. `closed`: the account is no more, or has another password. */
export type SecondFactorAnswer =
  | { readonly outcome: 'right'; readonly user: User }
  | { readonly outcome: 'wrong' }
  | { readonly outcome: 'closed' }
  | { readonly outcome: 'wait'; readonly seconds: number }

/** Completes the pending sign-in of a request with the factor in its body: a `code`, or for pages a `passkey`. */
export type SecondFactorSignIn = (request: Request, response: Response, userId: string) => Promise<SecondFactorAnswer>

/** The one way to complete a sign-in, for the page and for the API alike (ASVS 6.3.4). */
export function createSecondFactorSignIn(parts: {
  readonly users: Users
  readonly factors: Factors
  readonly sessions: Pick<Sessions, 'find'>
  readonly passkeys: boolean
  readonly device: KnownDevice
  readonly notices: Notices
  readonly sessionOf: SessionOf
  readonly clock: () => number
}): SecondFactorSignIn {
  const { users, factors, passkeys, device, notices, sessionOf } = parts
  return async (request, response, userId) => {
    const session = sessionOf(request)
    const attempt = device.attempt(request, userId)
    const answer =
      passkeys && (textField(request.body, 'passkey') ?? '') !== ''
        ? await factors.checkPasskey(session, attempt, jsonField(request.body, 'passkey'))
        : await factors.checkCode(attempt, textField(request.body, 'code') ?? '')
    if (answer.outcome === 'wait') return answer
    if (answer.outcome === 'refused') {
      if (!(await wasSentTwice(parts, session, userId))) await notices.secondFactorFailed(userId, device.facts(request))
      return { outcome: 'wrong' }
    }
    // The account may have been closed since the password was right. If that happens from here on, its end overtakes this.
    const user = await users.find(userId)
    // The password may have been changed and no session ended, which alone would not overtake this.
    if (user === null || session.data.begunWith !== (await users.passwordMark(userId))) {
      await session.end()
      return { outcome: 'closed' }
    }
    delete session.data.begunWith
    await session.completeSignIn({ amr: answer.amr })
    await device.signedIn(request, response, userId)
    return { outcome: 'right', user }
  }
}

import type { Request, RequestHandler, Response } from 'express'
import { accountOf } from './accounts.ts'
import type { ReauthenticatePages } from './reauthenticate-pages.ts'
import type { SessionOf } from './session-data.ts'
import type { User, Users } from './users.ts'

/** A route for users, behind a guard that lets nobody else through: it gets the account, if that is still there. */
export type ForUser = (answer: (request: Request, response: Response, user: User) => Promise<unknown>) => RequestHandler

/** Whose account was closed meanwhile is sent to sign in, as guests are. */
export function createForUser(parts: {
  readonly sessionOf: SessionOf
  readonly users: Users
  readonly reauthenticate: Pick<ReauthenticatePages, 'signInFirst'>
}): ForUser {
  const { sessionOf, users, reauthenticate } = parts
  return answer => async (request, response) => {
    const user = await accountOf(sessionOf(request), users)
    if (user === null) reauthenticate.signInFirst(request, response)
    else await answer(request, response, user)
  }
}

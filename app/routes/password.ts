import { type Request, Router } from 'express'
import { html } from 'hono/html'
import type { Sessions } from 'latchkey'
import { requireUser } from 'latchkey/adapters/express'
import type { Factors } from 'latchkey/mfa'
import type { ConfirmedActions } from '../confirmed-actions.ts'
import { takeDone } from '../done.ts'
import type { Log } from '../event-log.ts'
import { textField, ticked } from '../fields.ts'
import type { ForUser } from '../for-user.ts'
import type { Notices } from '../notices.ts'
import type { Pages } from '../pages.ts'
import { passwordProblem } from '../password-rules.ts'
import { placeOf } from '../place-of.ts'
import { Problem, tooManySignIns } from '../problem.ts'
import type { AddressOf, PasswordChange, SessionData, SessionOf } from '../session-data.ts'
import { TooManyWaiting, type Turns } from '../turns.ts'
import { passwordHash, type Users } from '../users.ts'
import type { CriticalAction } from '../views/confirm-page.ts'
import { passwordPage } from '../views/password-page.ts'

const path = '/account/password'

/** Changing the password: a confirmed action that offers to end all other sessions (ASVS 6.3.7, 7.4.3). */
export function passwordRoutes(parts: {
  pages: Pages
  sessionOf: SessionOf
  sessions: Sessions<SessionData>
  users: Users
  forUser: ForUser
  factors: Factors
  notices: Notices
  confirmedActions: ConfirmedActions
  addressOf: AddressOf
  turns: Turns
  log: Pick<Log, 'failure'>
}): Router {
  const { pages, sessionOf, sessions, users, forUser, factors, notices, confirmedActions, addressOf, turns, log } =
    parts

  /** In turns with the sign-ins from there: a hash takes memory and time that others wait for. */
  const hashInTurn = async (request: Request, password: string): Promise<string> => {
    try {
      return await turns.take(placeOf(addressOf(request)), () => passwordHash(password))
    } catch (error) {
      throw error instanceof TooManyWaiting ? tooManySignIns(1) : error
    }
  }
  return Router()
    .use(path, requireUser({ redirectTo: '/login' }))

    .get(
      path,
      forUser(async (request, response, user) => {
        const session = sessionOf(request)
        const hasSecondFactor = await factors.required(user.username)
        const changed = takeDone(session, 'password') !== null
        await pages.send(request, response, {
          title: 'Password',
          path,
          body: visitor => passwordPage(visitor, { hasSecondFactor, problem: null, changed, endOthers: true }),
        })
      }),
    )

    .post(
      path,
      forUser(async (request, response, user) => {
        const session = sessionOf(request)
        const hasSecondFactor = await factors.required(user.username)
        const password = textField(request.body, 'new_password') ?? ''
        const again = textField(request.body, 'new_password_again') ?? ''
        const endOthers = ticked(request.body, 'end_others')
        const problem =
          passwordProblem(password, { ...user, hasSecondFactor }) ??
          (password === again ? null : 'The two are not the same. Please type the new password again.')
        if (problem !== null) {
          return pages.send(request, response, {
            title: 'Password',
            status: 400,
            path,
            body: visitor => passwordPage(visitor, { hasSecondFactor, problem, changed: false, endOthers }),
          })
        }
        const change = { passwordHash: await hashInTurn(request, password), endOthers }
        session.data.passwordChange = change
        await confirmedActions.ask(request, response, changeOf(change))
      }),
    )

    .get(`${path}/confirm`, (_request, response) => response.redirect(303, path))

    .post(
      `${path}/confirm`,
      forUser(async (request, response, user) => {
        const session = sessionOf(request)
        // The one of the last form. If that was in another tab, it is not what this page confirms, and is refused.
        const change = session.data.passwordChange ?? { passwordHash: '', endOthers: true }
        if (!(await confirmedActions.confirmed(request, response, changeOf(change)))) return
        await users.setPasswordHash(user.username, change.passwordHash)
        // Before anything else can fail: a password must not change behind its owner's back.
        await notices.passwordChanged(user.username)
        try {
          // After the new password is in force: a sign-in that still knew the old one is refused, too. One that waits for its
          // second factor is in any case, see `Users.passwordMark`.
          if (change.endOthers) await sessions.endUser(user.username, { except: session.id })
          await session.update(data => {
            delete data.passwordChange
            data.done = { what: 'password' }
          })
        } catch (error) {
          log.failure('what follows a new password', error)
          throw halfDone(change)
        }
        response.redirect(303, path)
      }),
    )
}

/** The answer to a failing store would otherwise be that nothing was changed. */
function halfDone({ endOthers }: PasswordChange): Problem {
  const advice = endOthers
    ? 'But it is not certain that you are signed out everywhere else. Please look at your devices.'
    : 'But something else failed on our side. There is nothing more to do.'
  return new Problem(503, 'Your new password is in force', advice)
}

function changeOf(change: PasswordChange): CriticalAction {
  const { passwordHash, endOthers } = change
  return {
    operation: 'change password',
    data: { passwordHash, endOthers },
    path,
    title: 'Change your password?',
    what: html`<ul>
<li>The password you typed on the page before <b>replaces your present one</b>.</li>
<li>${endOthers ? html`You are <b>signed out everywhere else</b>; here you stay signed in.` : html`Wherever else you are signed in, you <b>stay signed in</b>.`}</li>
</ul>`,
    button: 'Confirm the new password',
    fields: {},
  }
}

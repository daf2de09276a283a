import { Router } from 'express'
import { html } from 'hono/html'
import type { Sessions } from 'latchkey'
import { requireUser } from 'latchkey/adapters/express'
import type { Factors } from 'latchkey/mfa'
import { accountOf } from '../accounts.ts'
import type { ConfirmedActions } from '../confirmed-actions.ts'
import { takeDone } from '../done.ts'
import { textField, ticked } from '../fields.ts'
import type { Notices } from '../notices.ts'
import type { Pages } from '../pages.ts'
import { passwordProblem } from '../password-rules.ts'
import type { PasswordChange, SessionData, SessionOf } from '../session-data.ts'
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
  factors: Factors
  notices: Notices
  confirmedActions: ConfirmedActions
}): Router {
  const { pages, sessionOf, sessions, users, factors, notices, confirmedActions } = parts
  return Router()
    .use(path, requireUser({ redirectTo: '/login' }))

    .get(path, async (request, response) => {
      const session = sessionOf(request)
      const user = await accountOf(session, users)
      if (user === null) return response.redirect(303, `/login?returnTo=${encodeURIComponent(path)}`)
      const hasSecondFactor = await factors.required(user.username)
      const changed = takeDone(session, 'password') !== null
      await pages.send(request, response, {
        title: 'Password',
        path,
        body: visitor => passwordPage(visitor, { hasSecondFactor, problem: null, changed, endOthers: true }),
      })
    })

    .post(path, async (request, response) => {
      const session = sessionOf(request)
      const user = await accountOf(session, users)
      if (user === null) return response.redirect(303, '/login')
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
      const change = { passwordHash: await passwordHash(password), endOthers }
      session.data.passwordChange = change
      await confirmedActions.ask(request, response, changeOf(change))
    })

    .get(`${path}/confirm`, (_request, response) => response.redirect(303, path))

    .post(`${path}/confirm`, async (request, response) => {
      const session = sessionOf(request)
      const user = await accountOf(session, users)
      if (user === null) return response.redirect(303, '/login')
      // The one of the last form. If that was in another tab, it is not what this page confirms, and is refused.
      const change = session.data.passwordChange ?? { passwordHash: '', endOthers: true }
      if (!(await confirmedActions.confirmed(request, response, changeOf(change)))) return
      await users.setPasswordHash(user.username, change.passwordHash)
      // After the new password is in force: a sign-in that still knew the old one is refused, too.
      if (change.endOthers) await sessions.endUser(user.username, { except: session.id })
      await notices.passwordChanged(user.username)
      delete session.data.passwordChange
      session.data.done = 'password'
      response.redirect(303, path)
    })
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

import { Router } from 'express'
import { html } from 'hono/html'
import { requireUser } from 'latchkey/adapters/express'
import type { ConfirmedActions } from '../confirmed-actions.ts'
import { takeDone } from '../done.ts'
import { emailAddress } from '../email-address.ts'
import { textField } from '../fields.ts'
import type { ForUser } from '../for-user.ts'
import type { Notices } from '../notices.ts'
import type { Pages } from '../pages.ts'
import type { SessionOf } from '../session-data.ts'
import type { Users } from '../users.ts'
import type { CriticalAction } from '../views/confirm-page.ts'
import { emailPage } from '../views/email-page.ts'

const path = '/account/email'

/** Changing the e-mail address: a confirmed action, told to the old address as well (ASVS 6.3.7, 7.5.1). */
export function emailRoutes(parts: {
  pages: Pages
  sessionOf: SessionOf
  users: Users
  forUser: ForUser
  notices: Notices
  confirmedActions: ConfirmedActions
}): Router {
  const { pages, sessionOf, users, forUser, notices, confirmedActions } = parts
  return Router()
    .use(path, requireUser({ redirectTo: '/login' }))

    .get(
      path,
      forUser(async (request, response, user) => {
        const session = sessionOf(request)
        const current = await users.emailOf(user.username)
        const changed = takeDone(session, 'email') !== null
        await pages.send(request, response, {
          title: 'E-mail address',
          path,
          body: visitor => emailPage(visitor, { current, draft: '', problem: null, changed }),
        })
      }),
    )

    .post(
      path,
      forUser(async (request, response, user) => {
        const current = await users.emailOf(user.username)
        const draft = textField(request.body, 'email') ?? ''
        const address = emailAddress(draft)
        if (address === null || address === current) {
          const problem = address === null ? 'That is no e-mail address.' : 'That is your address already.'
          return pages.send(request, response, {
            title: 'E-mail address',
            status: 400,
            path,
            body: visitor => emailPage(visitor, { current, draft, problem, changed: false }),
          })
        }
        await confirmedActions.ask(request, response, changeOf(current, address))
      }),
    )

    .get(`${path}/confirm`, (_request, response) => response.redirect(303, path))

    .post(
      `${path}/confirm`,
      forUser(async (request, response, user) => {
        const session = sessionOf(request)
        const current = await users.emailOf(user.username)
        const address = textField(request.body, 'email') ?? ''
        // Bound to the address of now as well: what the user saw, from this to that, is what happens, or nothing.
        if (!(await confirmedActions.confirmed(request, response, changeOf(current, address)))) return
        await users.setEmail(user.username, address)
        await notices.emailChanged(user.username, current)
        session.data.done = { what: 'email' }
        response.redirect(303, path)
      }),
    )
}

function changeOf(from: string | null, to: string): CriticalAction {
  return {
    operation: 'change e-mail',
    data: { from, to },
    path,
    // With a hyphen that no line is broken at.
    title: 'Change your e\u2011mail address?',
    what: html`<dl>
<div><dt>Until now</dt><dd>${from ?? 'none'}</dd></div>
<div><dt>From now on</dt><dd><b>${to}</b></dd></div>
</dl>`,
    button: 'Confirm the new address',
    fields: { email: to },
  }
}

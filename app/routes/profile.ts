import { Router } from 'express'
import { requireUser } from 'latchkey/adapters/express'
import { aboutMeProblem } from '../about-me.ts'
import { takeDone } from '../done.ts'
import { textField } from '../fields.ts'
import type { ForUser } from '../for-user.ts'
import type { Pages } from '../pages.ts'
import type { SessionOf } from '../session-data.ts'
import type { Users } from '../users.ts'
import { profilePage } from '../views/profile-page.ts'

/** Reading and changing "about me" by form. */
export function profileRoutes(parts: { pages: Pages; sessionOf: SessionOf; users: Users; forUser: ForUser }): Router {
  const { pages, sessionOf, users, forUser } = parts
  return Router()
    .use('/profile', requireUser({ redirectTo: '/login' }))

    .get(
      '/profile',
      forUser(async (request, response, user) => {
        const session = sessionOf(request)
        const email = await users.emailOf(user.username)
        const saved = takeDone(session, 'profile') !== null
        await pages.send(request, response, {
          title: 'Profile',
          path: '/profile',
          body: visitor => profilePage(visitor, user, { email, draft: user.aboutMe, problem: null, saved }),
        })
      }),
    )

    .post(
      '/profile',
      forUser(async (request, response, user) => {
        const session = sessionOf(request)
        // Browsers send line breaks of a form as CR LF.
        const draft = textField(request.body, 'about_me')?.replaceAll('\r\n', '\n') ?? null
        const problem = aboutMeProblem(draft)
        if (draft === null || problem !== null) {
          const email = await users.emailOf(user.username)
          return pages.send(request, response, {
            title: 'Profile',
            status: 400,
            path: '/profile',
            body: visitor => profilePage(visitor, user, { email, draft: draft ?? user.aboutMe, problem, saved: false }),
          })
        }
        await users.setAboutMe(user.username, draft)
        session.data.done = { what: 'profile' }
        response.redirect(303, '/profile')
      }),
    )
}

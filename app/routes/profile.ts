import { Router } from 'express'
import { requireUser } from 'latchkey/adapters/express'
import { aboutMeProblem } from '../about-me.ts'
import { accountOf } from '../accounts.ts'
import { textField } from '../fields.ts'
import type { Pages } from '../pages.ts'
import type { SessionOf } from '../session-data.ts'
import type { Users } from '../users.ts'
import { profilePage } from '../views/profile-page.ts'

/** Reading and changing "about me" by form. */
export function profileRoutes(parts: { pages: Pages; sessionOf: SessionOf; users: Users }): Router {
  const { pages, sessionOf, users } = parts
  return Router()
    .use('/profile', requireUser({ redirectTo: '/login' }))

    .get('/profile', async (request, response) => {
      const session = sessionOf(request)
      const user = await accountOf(session, users)
      if (user === null) return response.redirect(303, '/login?returnTo=%2Fprofile')
      // Said once, to whoever saved: a note in the address would be repeated by every reload, bookmark and copied link.
      const { profileSaved: saved = false } = session.data
      if (saved) delete session.data.profileSaved
      await pages.send(request, response, {
        title: 'Profile',
        path: '/profile',
        body: visitor => profilePage(visitor, user, { draft: user.aboutMe, problem: null, saved }),
      })
    })

    .post('/profile', async (request, response) => {
      const session = sessionOf(request)
      const user = await accountOf(session, users)
      if (user === null) return response.redirect(303, '/login?returnTo=%2Fprofile')
      // Browsers send line breaks of a form as CR LF.
      const draft = textField(request.body, 'about_me')?.replaceAll('\r\n', '\n') ?? null
      const problem = aboutMeProblem(draft)
      if (draft === null || problem !== null) {
        return pages.send(request, response, {
          title: 'Profile',
          status: 400,
          path: '/profile',
          body: visitor => profilePage(visitor, user, { draft: draft ?? user.aboutMe, problem, saved: false }),
        })
      }
      await users.setAboutMe(user.username, draft)
      session.data.profileSaved = true
      response.redirect(303, '/profile')
    })
}

import { Router } from 'express'
import type { Sessions } from 'latchkey'
import { requireUser } from 'latchkey/adapters/express'
import { accountOf } from '../accounts.ts'
import { textField } from '../fields.ts'
import type { Pages } from '../pages.ts'
import { Problem } from '../problem.ts'
import type { SessionData, SessionOf } from '../session-data.ts'
import type { Users } from '../users.ts'
import { devicesPage } from '../views/devices-page.ts'
import { unlistedPage } from '../views/unlisted-page.ts'

/** Where the user is signed in, in browsers and in programs, and the way to end it (ASVS 7.5.2). */
export function devicesRoutes(parts: {
  pages: Pages
  sessionOf: SessionOf
  sessions: Sessions<SessionData>
  users: Users
  clock: () => number
}): Router {
  const { pages, sessionOf, sessions, users, clock } = parts
  return Router()
    .use('/devices', requireUser({ redirectTo: '/login' }))

    .get('/devices', async (request, response) => {
      const session = sessionOf(request)
      const user = await accountOf(session, users)
      if (user === null) return response.redirect(303, '/login?returnTo=%2Fdevices')
      if (!sessions.revocable) {
        return await pages.send(request, response, { title: 'Devices', body: () => unlistedPage(sessions.policy) })
      }
      const open = await sessions.list(user.username)
      await pages.send(request, response, {
        title: 'Devices',
        body: visitor => devicesPage(visitor, { open, here: session.id, now: clock() }),
      })
    })

    .post('/devices/end', async (request, response) => {
      const { userId, id } = sessionOf(request)
      const sid = textField(request.body, 'sid')
      if (sid === null || userId === null) throw new Problem(400, 'Something is missing', 'Choose a device first.')
      // The device in the hand signs out by the usual door, which also clears its cookie.
      if (sid === id) return response.redirect(303, '/logout')
      // Only if it is this user's: an id from a form says nothing about whose it is.
      await sessions.end(sid, { userId })
      response.redirect(303, '/devices')
    })

    .post('/devices/end-others', async (request, response) => {
      const { userId, id } = sessionOf(request)
      if (userId !== null) await sessions.endUser(userId, { except: id })
      response.redirect(303, '/devices')
    })
}

import { type RequestHandler, Router } from 'express'
import type { Sessions } from 'latchkey'
import { requireUser } from 'latchkey/adapters/express'
import { takeDone } from '../done.ts'
import type { Log } from '../event-log.ts'
import { textField } from '../fields.ts'
import type { ForUser } from '../for-user.ts'
import type { Notices } from '../notices.ts'
import type { Pages } from '../pages.ts'
import { placeOf } from '../place-of.ts'
import { Problem } from '../problem.ts'
import type { AddressOf, SessionData, SessionOf } from '../session-data.ts'
import { devicesPage } from '../views/devices-page.ts'
import { unlistedPage } from '../views/unlisted-page.ts'

/** Where the user is signed in, in browsers and in programs, and the way to end it, for whoever proved who they are (ASVS 7.5.2). */
export function devicesRoutes(parts: {
  pages: Pages
  sessionOf: SessionOf
  sessions: Sessions<SessionData>
  forUser: ForUser
  notices: Notices
  addressOf: AddressOf
  log: Pick<Log, 'foreignSession'>
  /** Whoever ends a device has to prove first who they are. */
  fresh: RequestHandler
  clock: () => number
}): Router {
  const { pages, sessionOf, sessions, forUser, notices, addressOf, log, fresh, clock } = parts
  return (
    Router()
      .use('/devices', requireUser({ redirectTo: '/login' }))

      .get(
        '/devices',
        forUser(async (request, response, user) => {
          const session = sessionOf(request)
          if (!sessions.revocable) {
            return await pages.send(request, response, { title: 'Devices', body: () => unlistedPage(sessions.policy) })
          }
          const open = await sessions.list(user.username)
          const done = takeDone(session, 'device-ended', 'others-ended')
          await pages.send(request, response, {
            title: 'Devices',
            body: visitor => devicesPage(visitor, { open, here: session.id, now: clock(), done }),
          })
        }),
      )

      // After the proof in place, the browser is where the form went: a reload or a bookmark comes by GET.
      .get(['/devices/end', '/devices/end-others'], (_request, response) => response.redirect(303, '/devices'))

      .post('/devices/end', fresh, async (request, response) => {
        const session = sessionOf(request)
        const { userId, id } = session
        const sid = textField(request.body, 'sid')
        if (sid === null || userId === null) throw new Problem(400, 'Something is missing', 'Choose a device first.')
        // The device in the hand signs out by the usual door, which also clears its cookie.
        if (sid === id) return response.redirect(303, '/logout')
        // Only if it is this user's: an id from a form says nothing about whose it is.
        if (!(await sessions.end(sid, { userId }))) {
          const owner = (await sessions.find(sid))?.userId ?? userId
          if (owner !== userId) log.foreignSession(userId, sid, placeOf(addressOf(request)))
          // The same for both: whose it is, and whether there is such a session, is nobody's business.
          throw new Problem(404, 'There is no such device', 'It may be signed out already. Look at your devices again.')
        }
        session.data.done = { what: 'device-ended' }
        response.redirect(303, '/devices')
      })

      .post('/devices/end-others', fresh, async (request, response) => {
        const session = sessionOf(request)
        const { userId, id } = session
        if (userId === null) throw new Problem(401, 'Please sign in', 'Your session is over.')
        const count = await sessions.endUser(userId, { except: id })
        if (count > 0) await notices.otherSessionsEnded(userId, count)
        session.data.done = { what: 'others-ended' }
        response.redirect(303, '/devices')
      })
  )
}

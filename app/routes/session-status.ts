import { Router } from 'express'
import { requireUser } from 'latchkey/adapters/express'
import { accountOf } from '../accounts.ts'
import type { SessionOf } from '../session-data.ts'
import type { Users } from '../users.ts'

/** What `latchkey/browser` in every page asks for: how long the session lasts, and that it goes on. */
export function sessionStatusRoutes(parts: { sessionOf: SessionOf; users: Users }): Router {
  const { sessionOf, users } = parts
  return Router()
    .get('/api/session', async (request, response) => {
      // Asked by a page on its own: that nobody touches it must not keep its user signed in (NIST SP 800-63B-4 5.2).
      const session = await sessionOf(request).load({ activity: false })
      await accountOf(session, users)
      response.set('cache-control', 'no-store').json(request.sessionStatus())
    })

    .post('/api/session/extend', requireUser(), async (request, response) => {
      await accountOf(sessionOf(request), users)
      response.set('cache-control', 'no-store').json(request.sessionStatus())
    })
}

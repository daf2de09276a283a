import { Router } from 'express'
import { requireUser } from 'latchkey/adapters/express'
import { accountOf } from '../accounts.ts'
import { countCopies } from '../cart.ts'
import type { Pages } from '../pages.ts'
import type { SessionOf } from '../session-data.ts'
import type { Users } from '../users.ts'
import { dashboardPage } from '../views/dashboard-page.ts'

/** The user's own page. */
export function dashboardRoutes(parts: {
  pages: Pages
  sessionOf: SessionOf
  users: Users
  clock: () => number
}): Router {
  const { pages, sessionOf, users, clock } = parts
  return Router().get('/dashboard', requireUser({ redirectTo: '/login' }), async (request, response) => {
    const session = sessionOf(request)
    const user = await accountOf(session, users)
    const { id, createdAt, authenticatedAt, idleExpiresAt, absoluteExpiresAt } = session
    if (
      user === null ||
      id === null ||
      createdAt === null ||
      authenticatedAt === null ||
      idleExpiresAt === null ||
      absoluteExpiresAt === null
    ) {
      return response.redirect(303, '/login?returnTo=%2Fdashboard')
    }
    const { aal, amr, persistent } = session
    const copiesInCart = countCopies(session.data.cart ?? [])
    await pages.send(request, response, {
      title: 'Dashboard',
      body: () =>
        dashboardPage({
          ...user,
          sid: id,
          now: clock(),
          createdAt,
          authenticatedAt,
          idleExpiresAt,
          absoluteExpiresAt,
          aal,
          amr,
          persistent,
          copiesInCart,
        }),
    })
  })
}

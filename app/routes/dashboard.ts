import { Router } from 'express'
import { requireUser } from 'latchkey/adapters/express'
import { countCopies } from '../cart.ts'
import type { ForUser } from '../for-user.ts'
import type { Pages } from '../pages.ts'
import type { SessionOf } from '../session-data.ts'
import { dashboardPage } from '../views/dashboard-page.ts'

/** The user's own page. */
export function dashboardRoutes(parts: {
  pages: Pages
  sessionOf: SessionOf
  forUser: ForUser
  clock: () => number
}): Router {
  const { pages, sessionOf, forUser, clock } = parts
  return Router().get(
    '/dashboard',
    requireUser({ redirectTo: '/login' }),
    forUser(async (request, response, user) => {
      const session = sessionOf(request)
      const { id, createdAt, authenticatedAt, idleExpiresAt, absoluteExpiresAt } = session
      if (
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
    }),
  )
}

import { fileURLToPath } from 'node:url'
import express, { type Express } from 'express'
import type { Sessions } from 'latchkey'
import { sessions as expressSessions } from 'latchkey/adapters/express'
import type { Bearer } from 'latchkey/bearer'
import type { Log } from './event-log.ts'
import { forgetPages } from './forget-pages.ts'
import { createPages } from './pages.ts'
import type { PasswordSignIn } from './password-sign-in.ts'
import { apiRoutes } from './routes/api.ts'
import { checkBodyType } from './routes/body-type.ts'
import { dashboardRoutes } from './routes/dashboard.ts'
import { devicesRoutes } from './routes/devices.ts'
import { answerErrors, notFound } from './routes/errors.ts'
import { healthRoutes } from './routes/health.ts'
import { homeRoutes } from './routes/home.ts'
import { inspectHeadersRoutes } from './routes/inspect-headers.ts'
import { preferencesRoutes } from './routes/preferences.ts'
import { profileRoutes } from './routes/profile.ts'
import { shopRoutes } from './routes/shop.ts'
import { signInRoutes } from './routes/sign-in.ts'
import { tokenRoutes } from './routes/tokens.ts'
import { securityHeaders } from './security-headers.ts'
import type { AddressOf, SessionData, SessionOf } from './session-data.ts'
import type { Users } from './users.ts'

/** What Campus is put together from. */
export interface CampusParts {
  readonly sessions: Sessions<SessionData>
  /** Sessions for programs, or `null` when there are no keys to sign their tokens with. */
  readonly bearer: Bearer | null
  readonly users: Users
  readonly signIn: PasswordSignIn
  readonly log: Log
  readonly clock: () => number
  /** Whether visitors come by HTTPS, to us or to the proxy in front. */
  readonly https: boolean
  /** Rejects when Campus cannot serve. */
  readonly health: () => Promise<void>
}

/** Longest request body. The longest "about me" in the widest script, percent-encoded, still fits. */
const bodyLimit = '32kb'

/** The application: which piece comes in which order. */
export function createCampus(parts: CampusParts): Express {
  const middleware = expressSessions(parts.sessions)
  const sessionOf: SessionOf = middleware.of
  const pages = createPages(sessionOf, parts.users, response => forgetPages(response, parts.clock(), parts.https))
  const addressOf: AddressOf = request => middleware.clientOf(request).address
  const routes = { ...parts, sessionOf, addressOf, pages }

  const app = express()
  app.disable('x-powered-by')
  // A page with a fresh CSRF token is never the same twice: an ETag would only cost.
  app.disable('etag')

  // What has no session comes first, so that it never meets one.
  app.use(securityHeaders(parts.https))
  app.use('/assets', express.static(fileURLToPath(new URL('public', import.meta.url)), { index: false, maxAge: '5m' }))
  // Browsers ask for this by themselves, beside JSON for example: it must not count as the user's activity.
  app.get('/favicon.ico', (_request, response) => response.redirect(308, '/assets/mark.svg'))
  app.use(healthRoutes(parts.health))

  // The session before the bodies: what another site's page sends is refused before it is read.
  app.use(middleware)
  app.use('/api', express.json({ limit: bodyLimit }))
  app.use(express.urlencoded({ extended: false, limit: bodyLimit, parameterLimit: 50 }))
  app.use(checkBodyType)

  app.use(homeRoutes(pages))
  app.use(signInRoutes(routes))
  app.use(dashboardRoutes(routes))
  app.use(profileRoutes(routes))
  app.use(devicesRoutes(routes))
  app.use(shopRoutes(routes))
  app.use(preferencesRoutes(sessionOf))
  app.use(inspectHeadersRoutes(pages))
  app.use(apiRoutes(routes))
  if (parts.bearer) app.use(tokenRoutes({ ...routes, bearer: parts.bearer, endSession: parts.sessions.end }))

  app.use(notFound)
  app.use(answerErrors({ pages, log: parts.log }))
  return app
}

import { fileURLToPath } from 'node:url'
import express, { type Express } from 'express'
import type { Sessions } from 'latchkey'
import { sessions as expressSessions } from 'latchkey/adapters/express'
import type { Bearer } from 'latchkey/bearer'
import type { Watch } from 'latchkey/watch'
import { createConfirmedActions } from './confirmed-actions.ts'
import type { Log } from './event-log.ts'
import { createForUser } from './for-user.ts'
import { forgetPages } from './forget-pages.ts'
import { freshProof } from './fresh-proof.ts'
import type { Grades } from './grades.ts'
import { createKnownDevice } from './known-device.ts'
import type { Notices } from './notices.ts'
import type { CampusFactors } from './open-factors.ts'
import type { Metrics } from './open-metrics.ts'
import type { Outbox } from './outbox.ts'
import { createPages } from './pages.ts'
import type { PasswordSignIn } from './password-sign-in.ts'
import { createProving } from './prove-again.ts'
import { createReauthenticatePages } from './reauthenticate-pages.ts'
import { apiRoutes } from './routes/api.ts'
import { checkBodyType } from './routes/body-type.ts'
import { browserScript } from './routes/browser-script.ts'
import { consoleRoutes } from './routes/console.ts'
import { dashboardRoutes } from './routes/dashboard.ts'
import { devicesRoutes } from './routes/devices.ts'
import { emailRoutes } from './routes/email.ts'
import { answerErrors, notFound } from './routes/errors.ts'
import { gradesRoutes } from './routes/grades.ts'
import { healthRoutes } from './routes/health.ts'
import { homeRoutes } from './routes/home.ts'
import { inspectHeadersRoutes } from './routes/inspect-headers.ts'
import { messagesRoutes } from './routes/messages.ts'
import { metricsRoutes } from './routes/metrics.ts'
import { passkeyOptionsRoutes } from './routes/passkey-options.ts'
import { passwordRoutes } from './routes/password.ts'
import { preferencesRoutes } from './routes/preferences.ts'
import { profileRoutes } from './routes/profile.ts'
import { reauthenticateRoutes, unlockFirst } from './routes/reauthenticate.ts'
import { secondFactorRoutes } from './routes/second-factor.ts'
import { securityRoutes } from './routes/security.ts'
import { sessionStatusRoutes } from './routes/session-status.ts'
import { shopRoutes } from './routes/shop.ts'
import { signInRoutes } from './routes/sign-in.ts'
import { tokenRoutes } from './routes/tokens.ts'
import { createSecondFactorSignIn } from './second-factor-sign-in.ts'
import { securityHeaders } from './security-headers.ts'
import type { AddressOf, SessionData, SessionOf } from './session-data.ts'
import type { SignInThrottle } from './sign-in-throttle.ts'
import type { Turns } from './turns.ts'
import type { Users } from './users.ts'

/** What Campus is put together from. */
export interface CampusParts {
  readonly sessions: Sessions<SessionData>
  readonly watch: Watch
  /** Numbers for Prometheus, or `null` when nobody has a token for them. */
  readonly metrics: Metrics | null
  /** Sessions for programs, or `null` when there are no keys to sign their tokens with. */
  readonly bearer: Bearer | null
  readonly users: Users
  readonly signIn: PasswordSignIn
  readonly throttle: Pick<SignInThrottle, 'remember'>
  /** In which passwords are hashed. */
  readonly turns: Turns
  readonly secondFactors: CampusFactors
  readonly notices: Notices
  /** What users were told. */
  readonly outbox: Pick<Outbox, 'of'>
  readonly grades: Grades
  readonly log: Log
  readonly clock: () => number
  /** Whether visitors come by HTTPS, to us or to the proxy in front. */
  readonly https: boolean
  /** Rejects when Campus cannot serve. */
  readonly health: () => Promise<void>
  /** Takes what is to be done when Campus is about to stop, before it waits for the answers that are under way. */
  readonly onStop: (stop: () => void) => void
}

/** Longest request body. The longest "about me" in the widest script, percent-encoded, still fits. */
const bodyLimit = '32kb'

/** The application: which piece comes in which order. */
export function createCampus(parts: CampusParts): Express {
  const middleware = expressSessions(parts.sessions)
  const sessionOf: SessionOf = middleware.of
  const script = browserScript(parts.sessions.policy.atIdle === 'lock' ? '/reauthenticate' : '/login')
  const pages = createPages({
    sessionOf,
    users: parts.users,
    forgetPages: response => forgetPages(response, parts.clock(), parts.https),
    watch: script.watch,
  })
  const addressOf: AddressOf = request => middleware.clientOf(request).address
  const { factors, offered, passkeys } = parts.secondFactors
  const device = createKnownDevice({ ...parts, sessionOf, addressOf })
  const proving = createProving({ ...parts, factors, passkeys, device, sessionOf })
  const reauthenticate = createReauthenticatePages({ sessionOf, pages, proving })
  const known = { ...parts, factors, offered, passkeys, device, proving, reauthenticate, sessionOf, addressOf, pages }
  const confirmedActions = createConfirmedActions({ ...known, possible: parts.sessions.revocable })
  const routes = {
    ...known,
    confirmedActions,
    fresh: freshProof(known),
    forUser: createForUser(known),
    completeSignIn: createSecondFactorSignIn(known),
    generationOf: parts.sessions.generation,
  }

  const app = express()
  app.disable('x-powered-by')
  // A page with a fresh CSRF token is never the same twice: an ETag would only cost.
  app.disable('etag')

  // What has no session comes first, so that it never meets one.
  app.use(securityHeaders(parts.https))
  app.use(script.routes)
  app.use('/assets', express.static(fileURLToPath(new URL('public', import.meta.url)), { index: false, maxAge: '5m' }))
  // Browsers ask for this by themselves, beside JSON for example: it must not count as the user's activity.
  app.get('/favicon.ico', (_request, response) => response.redirect(308, '/assets/mark.svg'))
  app.use(healthRoutes(parts.health))
  if (parts.metrics) app.use(metricsRoutes(parts.metrics))

  // The session before the bodies: what another site's page sends is refused before it is read.
  app.use(middleware)

  // The console reads its own bodies, and turns those away itself who are locked out.
  const watchConsole = consoleRoutes(routes)
  app.use('/console', watchConsole.routes)
  parts.onStop(watchConsole.close)

  app.use('/api', express.json({ limit: bodyLimit }))
  app.use(express.urlencoded({ extended: false, limit: bodyLimit, parameterLimit: 50 }))
  app.use(checkBodyType)

  // Who has to prove who they are, because the watch or an operator asked for it, is not sent through the whole sign-in.
  if (parts.sessions.policy.atIdle === 'lock') app.use(unlockFirst(routes))
  else app.get('/login', unlockFirst(routes))

  app.use(homeRoutes(pages))
  app.use(signInRoutes(routes))
  app.use(secondFactorRoutes(routes))
  app.use(reauthenticateRoutes(routes))
  app.use(securityRoutes(routes))
  app.use(passkeyOptionsRoutes(routes))
  app.use(dashboardRoutes(routes))
  app.use(profileRoutes(routes))
  app.use(emailRoutes(routes))
  app.use(passwordRoutes(routes))
  app.use(gradesRoutes(routes))
  app.use(messagesRoutes(routes))
  app.use(devicesRoutes(routes))
  app.use(shopRoutes(routes))
  app.use(preferencesRoutes(sessionOf))
  app.use(inspectHeadersRoutes(pages))
  app.use(apiRoutes(routes))
  app.use(sessionStatusRoutes(routes))
  if (parts.bearer) app.use(tokenRoutes({ ...routes, bearer: parts.bearer, endSession: parts.sessions.end }))

  app.use(notFound)
  app.use(answerErrors({ pages, log: parts.log }))
  return app
}

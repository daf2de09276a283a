import { type Request, type RequestHandler, Router } from 'express'
import type { Sessions } from 'latchkey'
import { createConsole } from 'latchkey/console'
import { expressConsole } from 'latchkey/console/express'
import type { Factors } from 'latchkey/mfa'
import type { Watch } from 'latchkey/watch'
import type { Pages } from '../pages.ts'
import type { Proving } from '../prove-again.ts'
import type { SessionData, SessionOf } from '../session-data.ts'
import type { Users } from '../users.ts'
import { consoleClosedPage } from '../views/console-closed-page.ts'

/** The console, and what ends its live feeds when Campus stops. */
export interface CampusConsole {
  readonly routes: Router
  readonly close: () => void
}

/** What sessions do, for administrators with a second factor. */
export function consoleRoutes(parts: {
  readonly sessions: Sessions<SessionData>
  readonly watch: Watch
  readonly users: Users
  readonly factors: Factors
  readonly passkeys: boolean
  readonly proving: Proving
  readonly sessionOf: SessionOf
  readonly pages: Pages
  readonly clock: () => number
}): CampusConsole {
  const { sessions, watch, users, factors, passkeys, proving, sessionOf, pages, clock } = parts
  const isAdministrator = async (userId: string | null) =>
    userId !== null && (await users.find(userId))?.role === 'admin'

  const watchConsole = createConsole(sessions, watch, {
    administrator: ({ userId }) => isAdministrator(userId),
    signInAt: '/reauthenticate',
    clock,
    prove: {
      fields: { password: true, code: true, passkey: passkeys },
      check(entered, { request, userId, confirmation }) {
        const { password = '', code = '', passkey } = entered
        const asked = request as Request
        // As the fields of Campus's own forms, so that there is one way to prove who one is, behind one throttle.
        asked.body = { password, code, passkey: passkey === undefined ? '' : JSON.stringify(passkey) }
        return proving.check(asked, userId, { challenge: confirmation })
      },
      async passkey(session, challenge) {
        const { userId } = session
        const hasPasskey = userId !== null && (await factors.list(userId)).some(({ kind }) => kind === 'passkey')
        return hasPasskey ? factors.passkeyChallenge(session, userId, { challenge }) : null
      },
    },
  })

  /** Without a second factor nothing an administrator could prove would be enough: they are told, not sent in circles. */
  const askForSecondFactor: RequestHandler = async (request, response, next) => {
    const { userId } = await sessionOf(request).load({ activity: false })
    if (userId === null || !(await isAdministrator(userId)) || (await factors.required(userId))) return next()
    await pages.send(request, response, {
      title: 'The console',
      status: 403,
      path: '/console',
      body: consoleClosedPage,
    })
  }

  return {
    routes: Router().get('/', askForSecondFactor).use(expressConsole(watchConsole)),
    close: watchConsole.close,
  }
}

import { type Request, type RequestHandler, type Response, Router } from 'express'
import type { Sessions } from 'latchkey'
import type { FactorInfo, FactorKind, Factors } from 'latchkey/mfa'
import { takeDone } from '../done.ts'
import { jsonField, textField, ticked } from '../fields.ts'
import type { ForUser } from '../for-user.ts'
import type { FactorChange, Notices } from '../notices.ts'
import type { Pages } from '../pages.ts'
import { Problem } from '../problem.ts'
import type { Done, SessionData, SessionOf } from '../session-data.ts'
import type { User } from '../users.ts'
import { newAppPage } from '../views/new-app-page.ts'
import { recoveryCodesPage } from '../views/recovery-codes-page.ts'
import { securityPage } from '../views/security-page.ts'

/** Most of a kind that somebody may set up; Latchkey takes no more either. */
const most: Record<FactorKind, number> = { totp: 5, passkey: 20, recovery: 1 }

/**
 * The user's second factors: which there are, adding, removing, recovery codes. Nothing of it without a fresh proof by all
 * that the account has (ASVS 7.5.1, CS-M2), and nothing without a notice (ASVS 6.3.7).
 */
export function securityRoutes(parts: {
  pages: Pages
  sessionOf: SessionOf
  sessions: Sessions<SessionData>
  factors: Factors
  offered: boolean
  passkeys: boolean
  notices: Notices
  forUser: ForUser
  fresh: RequestHandler
  clock: () => number
}): Router {
  const { pages, sessionOf, sessions, factors, offered, passkeys, notices, forUser, fresh, clock } = parts

  /** Tells the owner what changed, and ends what they ticked to be ended. */
  const changed = async (request: Request, user: string, change: FactorChange): Promise<void> => {
    await notices.factorChanged(user, change)
    if (!ticked(request.body, 'end_others')) return
    const count = await sessions.endUser(user, { except: sessionOf(request).id })
    if (count > 0) await notices.otherSessionsEnded(user, count)
  }

  /** A factor was added, and with it the user proved something: the first one comes with recovery codes. */
  const added = async (
    request: Request,
    response: Response,
    user: string,
    { kind, label, amr }: { kind: FactorKind; label: string; amr: readonly string[] },
  ): Promise<void> => {
    // Before anything else can fail: an account must not change behind its owner's back.
    await changed(request, user, { change: 'added', kind, label })
    const hasCodes = (await factors.list(user)).some(factor => factor.kind === 'recovery')
    const codes = hasCodes ? null : await factors.renewRecoveryCodes(user)
    await sessionOf(request).stepUp({ amr })
    if (codes === null) return done(request, response, { what: 'factor-added', name: label })
    await sendCodes(request, response, codes, `${label} was added.`)
  }

  const done = (request: Request, response: Response, what: Done): void => {
    sessionOf(request).data.done = what
    response.redirect(303, '/security')
  }

  const sendCodes = (request: Request, response: Response, codes: readonly string[], note: string) =>
    pages.send(request, response, {
      title: 'Recovery codes',
      path: '/security',
      body: () => recoveryCodesPage(codes, note),
    })

  const hasRoomFor = (list: readonly FactorInfo[], kind: FactorKind) =>
    list.filter(factor => factor.kind === kind).length < most[kind]

  const assertRoomFor = async (user: string, kind: FactorKind): Promise<void> => {
    if (hasRoomFor(await factors.list(user), kind)) return
    throw new Problem(409, 'You have enough of these', 'Remove one that you no longer use first.')
  }

  const sendSecurity = async (request: Request, response: Response, user: User, problem: string | null) => {
    const done = takeDone(sessionOf(request), 'factor-added', 'factor-removed')
    const list = await factors.list(user.username)
    await pages.send(request, response, {
      title: 'Security',
      status: problem === null ? 200 : 400,
      path: '/security',
      body: visitor =>
        securityPage(visitor, {
          list,
          offered,
          addApp: offered && hasRoomFor(list, 'totp'),
          addPasskey: offered && passkeys && hasRoomFor(list, 'passkey'),
          now: clock(),
          note: done && noteOf(done),
          problem,
        }),
    })
  }

  const router = Router()
    .use('/security', fresh)

    .get(
      '/security',
      forUser((request, response, user) => sendSecurity(request, response, user, null)),
    )
  if (!offered) return router

  return router
    .get(
      '/security/app',
      forUser(async (request, response, { username }) => {
        await assertRoomFor(username, 'totp')
        const enrolment = await factors.beginTotp(sessionOf(request), username)
        await pages.send(request, response, {
          title: 'New authenticator app',
          path: '/security',
          body: visitor => newAppPage(visitor, { ...enrolment, label: '', problem: null }),
        })
      }),
    )

    .post(
      '/security/app',
      forUser(async (request, response, { username }) => {
        const text = (name: string) => textField(request.body, name) ?? ''
        const [uri, ticket] = [text('uri'), text('ticket')]
        const label = text('label').trim() || 'Authenticator app'
        await assertRoomFor(username, 'totp')
        const answer = await factors.confirmTotp(sessionOf(request), ticket, text('code'), label)
        if (answer.outcome === 'passed')
          return await added(request, response, username, { kind: 'totp', label, amr: answer.amr })
        const secret = secretIn(uri)
        // Without what the page showed, there is nothing to try again with.
        if (secret === null) return response.redirect(303, '/security/app')
        const problem = 'That code was not right. Type the one that the app shows now; after ten minutes, begin anew.'
        await pages.send(request, response, {
          title: 'New authenticator app',
          status: 400,
          path: '/security',
          body: visitor => newAppPage(visitor, { uri, secret, ticket, label: text('label'), problem }),
        })
      }),
    )

    .post(
      '/security/passkeys',
      forUser(async (request, response, user) => {
        if (!passkeys)
          throw new Problem(404, 'There are no passkeys here', 'This Campus has no address they could be for.')
        const label = (textField(request.body, 'label') ?? '').trim() || 'Passkey'
        await assertRoomFor(user.username, 'passkey')
        const answer = await factors.confirmPasskey(sessionOf(request), jsonField(request.body, 'passkey'), label)
        if (answer.outcome === 'passed')
          return await added(request, response, user.username, { kind: 'passkey', label, amr: answer.amr })
        await sendSecurity(request, response, user, 'No passkey was added. Please try again.')
      }),
    )

    .post(
      '/security/recovery-codes',
      forUser(async (request, response, user) => {
        if (!(await factors.required(user.username)))
          return await sendSecurity(
            request,
            response,
            user,
            'Recovery codes stand in for a second factor. Add one first.',
          )
        const codes = await factors.renewRecoveryCodes(user.username)
        await changed(request, user.username, { change: 'renewed', kind: 'recovery', label: '' })
        await sendCodes(request, response, codes, 'The codes that you had before are dead.')
      }),
    )

    .post(
      '/security/remove',
      forUser(async (request, response, { username }) => {
        const id = textField(request.body, 'id') ?? ''
        const factor = (await factors.list(username)).find(other => other.id === id)
        // Gone already, or somebody else's: the page shows what there is.
        if (!factor || !(await factors.remove(username, id))) return response.redirect(303, '/security')
        const { kind, label } = factor
        await changed(request, username, { change: 'removed', kind, label })
        done(request, response, { what: 'factor-removed', name: label })
      }),
    )
}

function noteOf({ what, name = '' }: Done): string {
  return `${name || 'The recovery codes'} ${name ? 'was' : 'were'} ${what === 'factor-added' ? 'added' : 'removed'}.`
}

/** The secret in an address for authenticator apps that our own page sent back, or `null`. */
function secretIn(uri: string): string | null {
  if (uri.length > 512 || !uri.startsWith('otpauth://totp/') || !URL.canParse(uri)) return null
  const secret = new URL(uri).searchParams.get('secret') ?? ''
  return /^[A-Z2-7]{16,64}$/.test(secret) ? secret : null
}

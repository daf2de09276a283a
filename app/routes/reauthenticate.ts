import { type RequestHandler, Router } from 'express'
import { keptForm } from '../kept-form.ts'
import type { Pages } from '../pages.ts'
import type { Proving } from '../prove-again.ts'
import type { ReauthenticatePages } from '../reauthenticate-pages.ts'
import { returnTo, signInAddress } from '../return-to.ts'
import type { SessionOf } from '../session-data.ts'
import { continuePage } from '../views/reauthenticate-page.ts'
import { isForPrograms } from './for-programs.ts'

/** Proving again who one is: for what needs it fresh, and for a session that nobody used for long. */
export function reauthenticateRoutes(parts: {
  readonly sessionOf: SessionOf
  readonly pages: Pages
  readonly proving: Proving
  readonly reauthenticate: ReauthenticatePages
}): Router {
  const { sessionOf, pages, proving, reauthenticate } = parts
  return Router()
    .get('/reauthenticate', async (request, response) => {
      const session = await sessionOf(request).load({ activity: false })
      if (session.userId === null && session.locked === null) return response.redirect(303, signInAddress(request))
      await reauthenticate.ask(request, response)
    })

    .post('/reauthenticate', async (request, response) => {
      const session = await sessionOf(request).load()
      const userId = session.userId ?? session.locked?.userId ?? null
      if (userId === null) return response.redirect(303, signInAddress(request))
      const proof = await proving.check(request, userId)
      if (proof.outcome !== 'passed') return await reauthenticate.ask(request, response, proof)
      await session.stepUp({ amr: proof.amr })
      const kept = keptForm(request.body)
      if (kept === null) return response.redirect(303, returnTo(request) ?? '/dashboard')
      await pages.send(request, response, {
        title: 'Confirmed',
        path: '/reauthenticate',
        body: visitor => continuePage(visitor, kept),
      })
    })
}

/** What somebody with a locked session can reach: the way in and the way out. Programs are told by their own routes. */
const openToLocked = /^\/(?:reauthenticate|logout)$/

/** Sends whoever has a locked session to the page that unlocks it, from wherever they are; a form is kept. */
export function unlockFirst(parts: {
  readonly sessionOf: SessionOf
  readonly reauthenticate: ReauthenticatePages
}): RequestHandler {
  const { sessionOf, reauthenticate } = parts
  return async (request, response, next) => {
    if (isForPrograms(request) || openToLocked.test(request.path)) return next()
    const { locked } = await sessionOf(request).load({ activity: false })
    if (locked === null) return next()
    await reauthenticate.askInPlace(request, response)
  }
}

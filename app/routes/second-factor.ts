import { type NextFunction, type Request, type Response, Router } from 'express'
import { requireUser } from 'latchkey/adapters/express'
import type { Factors } from 'latchkey/mfa'
import type { Pages } from '../pages.ts'
import { tooManySignIns } from '../problem.ts'
import { returnTo } from '../return-to.ts'
import type { SecondFactorSignIn } from '../second-factor-sign-in.ts'
import type { SessionOf } from '../session-data.ts'
import { secondFactorPage } from '../views/second-factor-page.ts'

/** The second step of a sign-in: all that somebody who passed only the first one can reach (T14). */
export function secondFactorRoutes(parts: {
  pages: Pages
  sessionOf: SessionOf
  factors: Factors
  passkeys: boolean
  completeSignIn: SecondFactorSignIn
}): Router {
  const { pages, sessionOf, factors, passkeys, completeSignIn } = parts
  const guests = requireUser({ redirectTo: '/login' })

  /** Nobody has passed a first step: refused as a guest is, and told as an event. Whoever is signed in is through already. */
  const beginFirst = (request: Request, response: Response, next: NextFunction) =>
    guests(request, response, error =>
      error ? next(error) : response.redirect(303, returnTo(request) ?? '/dashboard'),
    )

  const sendForm = async (
    request: Request,
    response: Response,
    userId: string,
    { status, problem }: { status: number; problem: string | null },
  ) => {
    const kinds = (await factors.list(userId)).map(({ kind }) => kind)
    const page = {
      userId,
      hasCodes: kinds.some(kind => kind !== 'passkey'),
      hasPasskey: passkeys && kinds.includes('passkey'),
      returnTo: returnTo(request),
      problem,
    }
    // The frame offers no sign-in where one is under way.
    const path = request.method === 'GET' ? request.originalUrl : '/login/second-factor'
    await pages.send(request, response, {
      title: 'Sign in',
      status,
      path,
      body: visitor => secondFactorPage(visitor, page),
    })
  }

  return Router()
    .get('/login/second-factor', async (request, response, next) => {
      const { pending } = await sessionOf(request).load({ activity: false })
      if (pending === null) return beginFirst(request, response, next)
      await sendForm(request, response, pending.userId, { status: 200, problem: null })
    })

    .post('/login/second-factor', async (request, response, next) => {
      const { pending } = await sessionOf(request).load()
      if (pending === null) return beginFirst(request, response, next)
      const answer = await completeSignIn(request, response, pending.userId)
      if (answer.outcome === 'right') return response.redirect(303, returnTo(request) ?? '/dashboard')
      if (answer.outcome === 'closed') return response.redirect(303, '/login')
      if (answer.outcome === 'wrong') {
        const problem = 'That was not right. Please try again.'
        return await sendForm(request, response, pending.userId, { status: 401, problem })
      }
      const { status, headers, title, advice } = tooManySignIns(answer.seconds)
      response.set(headers)
      await sendForm(request, response, pending.userId, { status, problem: `${title}. ${advice}` })
    })
}

import { type Request, type Response, Router } from 'express'
import { safeReturnTo } from 'latchkey'
import { textField, ticked } from '../fields.ts'
import type { Pages } from '../pages.ts'
import type { PasswordSignIn } from '../password-sign-in.ts'
import { tooManySignIns } from '../problem.ts'
import type { AddressOf, SessionOf } from '../session-data.ts'
import { loginPage } from '../views/login-page.ts'
import { loggedOutPage, logoutPage } from '../views/logout-page.ts'

/** Signing in and out by form. */
export function signInRoutes(parts: {
  pages: Pages
  sessionOf: SessionOf
  addressOf: AddressOf
  signIn: PasswordSignIn
}): Router {
  const { pages, sessionOf, addressOf, signIn } = parts

  const sendForm = (
    request: Request,
    response: Response,
    form: { status?: number; username?: string; problem?: string },
  ) =>
    pages.send(request, response, {
      title: 'Sign in',
      status: form.status ?? 200,
      path: request.method === 'GET' ? request.originalUrl : '/login',
      body: visitor =>
        loginPage(visitor, {
          returnTo: returnTo(request),
          username: form.username ?? '',
          problem: form.problem ?? null,
        }),
    })

  return Router()
    .get('/login', (request, response) => sendForm(request, response, {}))

    .post('/login', async (request, response) => {
      // First of all, so that a forged form is refused before it can cost an attempt.
      const session = await sessionOf(request).load()
      const username = textField(request.body, 'username') ?? ''
      const password = textField(request.body, 'password') ?? ''
      const answer = await signIn({ username, password, address: addressOf(request) })
      if (answer.outcome === 'wait') {
        const { status, headers, title, advice } = tooManySignIns(answer.seconds)
        response.set(headers)
        return sendForm(request, response, { status, username, problem: `${title}. ${advice}` })
      }
      if (answer.outcome === 'wrong')
        return sendForm(request, response, { status: 401, username, problem: 'Invalid credentials!' })
      await session.signIn(answer.user.username, {
        amr: ['pwd'],
        persistent: ticked(request.body, 'remember'),
        generation: answer.generation,
      })
      response.redirect(303, returnTo(request) ?? '/dashboard')
    })

    .get('/logout', (request, response) => pages.send(request, response, { title: 'Sign out', body: logoutPage }))

    .post('/logout', async (request, response) => {
      await sessionOf(request).end()
      await pages.send(request, response, { title: 'Logged out', body: loggedOutPage })
    })
}

/** Where the visitor wanted to go, if that is a page of ours. */
function returnTo(request: Request): string | null {
  const path = safeReturnTo(textField(request.body, 'returnTo') ?? request.query.returnTo, '')
  return path === '' ? null : path
}

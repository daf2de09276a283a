import { type Request, type Response, Router } from 'express'
import type { Factors } from 'latchkey/mfa'
import { jsonField, textField, ticked } from '../fields.ts'
import type { KnownDevice } from '../known-device.ts'
import type { Pages } from '../pages.ts'
import { type PasswordSignIn, signInByPassword } from '../password-sign-in.ts'
import { tooManySignIns } from '../problem.ts'
import { returnTo } from '../return-to.ts'
import type { AddressOf, SessionOf } from '../session-data.ts'
import type { Users } from '../users.ts'
import { loginPage } from '../views/login-page.ts'
import { loggedOutPage, logoutPage } from '../views/logout-page.ts'

/** Signing in and out by form. */
export function signInRoutes(parts: {
  pages: Pages
  sessionOf: SessionOf
  addressOf: AddressOf
  signIn: PasswordSignIn
  users: Users
  factors: Factors
  passkeys: boolean
  device: KnownDevice
  generationOf: (username: string) => Promise<number>
}): Router {
  const { pages, sessionOf, addressOf, signIn, users, factors, passkeys, device, generationOf } = parts

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
          passkeys,
        }),
    })

  const sendWait = (request: Request, response: Response, username: string, seconds: number) => {
    const { status, headers, title, advice } = tooManySignIns(seconds)
    response.set(headers)
    return sendForm(request, response, { status, username, problem: `${title}. ${advice}` })
  }

  const wrong = { status: 401, problem: 'Invalid credentials!' }

  return Router()
    .get('/login', (request, response) => sendForm(request, response, {}))

    .post('/login', async (request, response) => {
      // First of all, so that a forged form is refused before it can cost an attempt.
      const session = await sessionOf(request).load()
      const username = textField(request.body, 'username') ?? ''
      const password = textField(request.body, 'password') ?? ''
      const answer = await signIn({ username, password, address: addressOf(request), session })
      if (answer.outcome === 'wait') return sendWait(request, response, username, answer.seconds)
      if (answer.outcome === 'wrong') return sendForm(request, response, { ...wrong, username })
      const persistent = ticked(request.body, 'remember')
      const { complete } = await signInByPassword(session, answer, { factors, persistent })
      const next = returnTo(request)
      if (!complete)
        return response.redirect(303, next === null ? secondStep : `${secondStep}?returnTo=${encodeURIComponent(next)}`)
      await device.signedIn(request, response, answer.user.username)
      response.redirect(303, next ?? '/dashboard')
    })

    .post('/login/passkey', async (request, response) => {
      const session = await sessionOf(request).load()
      if (!passkeys) return sendForm(request, response, wrong)
      const attempt = { userId: null, device: null, origin: device.facts(request), sid: session.id }
      const answer = await factors.checkPasskey(session, attempt, jsonField(request.body, 'passkey'))
      if (answer.outcome === 'wait') return sendWait(request, response, '', answer.seconds)
      if (answer.outcome === 'refused') return sendForm(request, response, wrong)
      // Before the account is looked at: if it is closed from here on, "end all" overtakes this sign-in.
      const generation = await generationOf(answer.userId)
      const user = await users.find(answer.userId)
      if (user === null) return sendForm(request, response, wrong)
      const persistent = ticked(request.body, 'remember')
      await session.signIn(user.username, { amr: answer.amr, persistent, generation })
      await device.signedIn(request, response, user.username)
      response.redirect(303, returnTo(request) ?? '/dashboard')
    })

    .get('/logout', (request, response) => pages.send(request, response, { title: 'Sign out', body: logoutPage }))

    .post('/logout', async (request, response) => {
      await sessionOf(request).end()
      await pages.send(request, response, { title: 'Logged out', body: loggedOutPage })
    })
}

const secondStep = '/login/second-factor'

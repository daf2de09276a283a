import { Router } from 'express'
import { loadSession, requireUser } from 'latchkey/adapters/express'
import type { Factors } from 'latchkey/mfa'
import { aboutMeProblem } from '../about-me.ts'
import { accountOf } from '../accounts.ts'
import { textField, ticked } from '../fields.ts'
import type { KnownDevice } from '../known-device.ts'
import { type PasswordSignIn, signInByPassword } from '../password-sign-in.ts'
import { Problem, tooManySignIns } from '../problem.ts'
import type { SecondFactorSignIn } from '../second-factor-sign-in.ts'
import type { AddressOf, SessionOf } from '../session-data.ts'
import type { User, Users } from '../users.ts'

/** The same for programs: JSON in, JSON out, errors included. */
export function apiRoutes(parts: {
  sessionOf: SessionOf
  users: Users
  addressOf: AddressOf
  signIn: PasswordSignIn
  factors: Factors
  completeSignIn: SecondFactorSignIn
  device: KnownDevice
  clock: () => number
}): Router {
  const { sessionOf, addressOf, users, signIn, factors, completeSignIn, device, clock } = parts
  return Router()
    .get('/csrf-token', loadSession(), (request, response) => {
      response.json({ csrf_token: request.csrfToken() })
    })

    .post('/api/login', async (request, response) => {
      const session = await sessionOf(request).load()
      const username = textField(request.body, 'username')
      const password = textField(request.body, 'password')
      if (username === null || password === null) {
        throw new Problem(400, 'Something is missing', 'Send JSON with "username" and "password", both text.')
      }
      const answer = await signIn({ username, password, address: addressOf(request), session })
      if (answer.outcome === 'wait') throw tooManySignIns(answer.seconds)
      if (answer.outcome === 'wrong') return response.status(401).json({ message: 'Invalid credentials.' })
      const persistent = ticked(request.body, 'remember')
      const { complete } = await signInByPassword(session, answer, { factors, persistent })
      if (!complete) return response.json({ message: 'Second factor required.', second_factor: true })
      await device.signedIn(request, response, answer.user.username)
      response.json({ message: 'Login successful.', user: publicUser(answer.user) })
    })

    .post('/api/login/second-factor', async (request, response, next) => {
      const { pending } = await sessionOf(request).load()
      // Without a first factor: refused as everything is that needs a user, and told as an event.
      if (pending === null) return requireUser()(request, response, error => next(error ?? alreadySignedIn()))
      const answer = await completeSignIn(request, response, pending.userId)
      if (answer.outcome === 'wait') throw tooManySignIns(answer.seconds)
      if (answer.outcome !== 'right') return response.status(401).json({ message: 'Invalid credentials.' })
      response.json({ message: 'Login successful.', user: publicUser(answer.user) })
    })

    .get('/api/check_session', async (request, response) => {
      // A page that asks every minute must not keep its user signed in (NIST SP 800-63B-4 section 5.2).
      const session = await sessionOf(request).load({ activity: false })
      const user = await accountOf(session, users)
      const { idleExpiresAt, absoluteExpiresAt } = session
      if (user === null || idleExpiresAt === null || absoluteExpiresAt === null) {
        return response.status(401).json({ is_authenticated: false })
      }
      const secondsLeft = (at: number) => Math.max(0, Math.floor((at - clock()) / 1_000))
      response.json({
        is_authenticated: true,
        user: publicUser(user),
        expires_in: secondsLeft(idleExpiresAt),
        absolute_expires_in: secondsLeft(absoluteExpiresAt),
      })
    })

    .use('/api/profile', requireUser())

    .get('/api/profile', async (request, response) => {
      const user = await present(accountOf(sessionOf(request), users))
      response.json({ username: user.username, role: user.role, about_me: user.aboutMe })
    })

    .post('/api/profile', async (request, response) => {
      const user = await present(accountOf(sessionOf(request), users))
      const aboutMe = textField(request.body, 'about_me')
      const problem = aboutMeProblem(aboutMe)
      if (aboutMe === null || problem !== null) throw new Problem(400, 'That was not saved', problem ?? '')
      await users.setAboutMe(user.username, aboutMe)
      response.json({ username: user.username, role: user.role, about_me: aboutMe })
    })

    .post('/api/logout', async (request, response) => {
      await sessionOf(request).end()
      response.json({ message: 'Logged out.' })
    })
}

function alreadySignedIn(): Problem {
  return new Problem(409, 'You are signed in already', 'There is nothing left to be completed.')
}

/** What anybody may know about a user. */
function publicUser({ username }: User): { username: string } {
  return { username }
}

async function present(found: Promise<User | null>): Promise<User> {
  const user = await found
  if (user) return user
  throw new Problem(401, 'Please sign in', 'This account is closed.')
}

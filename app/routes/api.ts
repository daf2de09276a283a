import { Router } from 'express'
import { loadSession, requireUser } from 'latchkey/adapters/express'
import { aboutMeProblem } from '../about-me.ts'
import { accountOf } from '../accounts.ts'
import { textField, ticked } from '../fields.ts'
import type { PasswordSignIn } from '../password-sign-in.ts'
import { Problem, tooManySignIns } from '../problem.ts'
import type { AddressOf, SessionOf } from '../session-data.ts'
import type { User, Users } from '../users.ts'

/** The same for programs: JSON in, JSON out, errors included. */
export function apiRoutes(parts: {
  sessionOf: SessionOf
  users: Users
  addressOf: AddressOf
  signIn: PasswordSignIn
  clock: () => number
}): Router {
  const { sessionOf, addressOf, users, signIn, clock } = parts
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
      const answer = await signIn({ username, password, address: addressOf(request) })
      if (answer.outcome === 'wait') throw tooManySignIns(answer.seconds)
      if (answer.outcome === 'wrong') return response.status(401).json({ message: 'Invalid credentials.' })
      await session.signIn(answer.user.username, {
        amr: ['pwd'],
        persistent: ticked(request.body, 'remember'),
        generation: answer.generation,
      })
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

/** What anybody may know about a user. */
function publicUser({ username }: User): { username: string } {
  return { username }
}

async function present(found: Promise<User | null>): Promise<User> {
  const user = await found
  if (user) return user
  throw new Problem(401, 'Please sign in', 'This account is closed.')
}

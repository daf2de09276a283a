import { Router } from 'express'
import { endpoint, requestFacts, requireBearer } from 'latchkey/adapters/express'
import type { Bearer } from 'latchkey/bearer'
import type { Factors } from 'latchkey/mfa'
import { textField } from '../fields.ts'
import type { KnownDevice } from '../known-device.ts'
import type { Notices } from '../notices.ts'
import type { PasswordSignIn } from '../password-sign-in.ts'
import { Problem, tooManySignIns } from '../problem.ts'
import type { AddressOf, SessionOf } from '../session-data.ts'
import type { Users } from '../users.ts'

/** Sessions for programs: a password buys a short-lived access token and a refresh token. */
export function tokenRoutes(parts: {
  bearer: Bearer
  signIn: PasswordSignIn
  users: Users
  sessionOf: SessionOf
  addressOf: AddressOf
  factors: Factors
  device: KnownDevice
  notices: Notices
  /** Ends a session by its public id. */
  endSession: (sid: string) => Promise<unknown>
}): Router {
  const { bearer, signIn, users, sessionOf, addressOf, factors, device, notices } = parts
  const guard = requireBearer(bearer)
  const wrong = { msg: 'Bad username or password' }
  return Router()
    .post('/api/token', async (request, response) => {
      const username = textField(request.body, 'username')
      const password = textField(request.body, 'password')
      if (username === null || password === null) {
        throw new Problem(400, 'Something is missing', 'Send JSON with "username" and "password", both text.')
      }
      response.set({ 'cache-control': 'no-store', pragma: 'no-cache' })
      const answer = await signIn({ username, password, address: addressOf(request), session: sessionOf(request) })
      if (answer.outcome === 'wait') throw tooManySignIns(answer.seconds)
      if (answer.outcome === 'wrong') return response.status(401).json(wrong)
      const { user, generation } = answer
      const amr = ['pwd']
      if (await factors.required(user.username)) {
        const code = textField(request.body, 'code')
        if (code === null) {
          // Whoever stole a password could learn here whether it is right, and nobody would know.
          await notices.secondFactorFailed(user.username, device.facts(request))
          return response.status(401).json({ msg: 'Second factor required', second_factor: true })
        }
        // A program has no cookies, and so no device that is known.
        const attempt = { userId: user.username, device: null, origin: device.facts(request) }
        const passed = await factors.checkCode(attempt, code)
        if (passed.outcome === 'wait') throw tooManySignIns(passed.seconds)
        if (passed.outcome === 'refused') {
          await notices.secondFactorFailed(user.username, device.facts(request))
          return response.status(401).json(wrong)
        }
        amr.push(...passed.amr)
      }
      const facts = requestFacts(request, response)
      const tokens = await bearer.signIn(facts, user.username, { amr, generation })
      await device.programSignedIn(request, user.username)
      response.json(tokens)
    })
    .post('/api/token/refresh', endpoint(bearer.endpoints.refresh))
    .post('/api/token/revoke', endpoint(bearer.endpoints.revoke))
    .get('/.well-known/jwks.json', endpoint(bearer.endpoints.jwks))
    .get('/api/me', guard, async (request, response) => {
      const { userId, sid } = guard.of(request)
      // Whoever disables an account ends its sessions, too; this holds even if they forgot (ASVS 7.4.2).
      const user = await users.find(userId)
      if (user === null) {
        await parts.endSession(sid)
        throw new Problem(401, 'Please sign in', 'This account is closed.', {
          'www-authenticate': 'Bearer error="invalid_token"',
        })
      }
      response.set('cache-control', 'no-store').json({ logged_in_as: user.username })
    })
}

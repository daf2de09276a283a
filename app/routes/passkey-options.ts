import { type RequestHandler, Router } from 'express'
import type { Factors } from 'latchkey/mfa'
import { textField } from '../fields.ts'
import { placeOf } from '../place-of.ts'
import { Problem, tooManySignIns } from '../problem.ts'
import { createRateLimit } from '../rate-limit.ts'
import type { AddressOf, SessionOf } from '../session-data.ts'

/**
 * What a page needs to ask the browser for a passkey, when its button is pressed and not before: a challenge lives for five
 * minutes, and whoever only looks at the sign-in page needs no session. The answer comes with a token for the page's form,
 * whose own is out of date when the challenge began a session.
 */
export function passkeyOptionsRoutes(parts: {
  sessionOf: SessionOf
  factors: Factors
  passkeys: boolean
  /** Lets only those through who proved just now who they are. */
  fresh: RequestHandler
  addressOf: AddressOf
  clock: () => number
}): Router {
  const { sessionOf, factors, passkeys, fresh, addressOf, clock } = parts
  const waitOf = createRateLimit({ most: 30, perMs: 60_000, mostKeys: 10_000, clock })
  if (!passkeys) return Router()
  return Router()
    .post('/api/passkey/sign-in', async (request, response) => {
      const session = await sessionOf(request).load()
      // Of a visitor without a session it makes one: nobody may fill the store with those.
      const wait = session.id === null ? waitOf(placeOf(addressOf(request))) : 0
      if (wait > 0) throw tooManySignIns(wait)
      const options = await factors.passkeyChallenge(session, null)
      response.json({ options, csrf_token: request.csrfToken() })
    })

    .post('/api/passkey/proof', async (request, response) => {
      const session = await sessionOf(request).load()
      const userId = session.userId ?? session.locked?.userId ?? session.pending?.userId ?? null
      if (userId === null) throw new Problem(401, 'Please sign in', 'There is nobody to be asked for a passkey.')
      const challenge = textField(request.body, 'challenge')
      const options = await factors.passkeyChallenge(session, userId, challenge === null ? {} : { challenge })
      response.json({ options, csrf_token: request.csrfToken() })
    })

    .post('/api/passkey/registration', fresh, async (request, response) => {
      const session = await sessionOf(request).load()
      const options = await factors.beginPasskey(session, session.userId ?? '')
      response.json({ options, csrf_token: request.csrfToken() })
    })
}

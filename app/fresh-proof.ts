import type { NextFunction, Request, RequestHandler, Response } from 'express'
import { requireFresh } from 'latchkey/adapters/express'
import type { Factors } from 'latchkey/mfa'
import type { ReauthenticatePages } from './reauthenticate-pages.ts'
import { isForPrograms } from './routes/for-programs.ts'
import type { SessionOf } from './session-data.ts'

/**
 * Lets only those through who proved within the last five minutes who they are, with all that their account has: two factors
 * where a second one is set up (ASVS 7.5.1, CS-M2). Whoever did not is asked in place: a page after a detour, a form right
 * here, with what was typed into it kept.
 */
export function freshProof(parts: {
  readonly sessionOf: SessionOf
  readonly factors: Factors
  readonly reauthenticate: ReauthenticatePages
}): RequestHandler {
  const { sessionOf, factors, reauthenticate } = parts
  const oneFactor = requireFresh('5m')
  const twoFactors = requireFresh('5m', { level: 2 })
  return async (request, response, next) => {
    const { userId } = await sessionOf(request).load()
    const guard = userId !== null && (await factors.required(userId)) ? twoFactors : oneFactor
    await guard(request, response, askInstead(reauthenticate, request, response, next))
  }
}

/** Goes on, or asks in place where that can help. */
function askInstead(
  reauthenticate: ReauthenticatePages,
  request: Request,
  response: Response,
  next: NextFunction,
): NextFunction {
  return (error?: unknown) => {
    const code = error instanceof Error && 'code' in error ? error.code : null
    if (error === undefined || isForPrograms(request)) return next(error)
    if (code === 'not-signed-in') return reauthenticate.signInFirst(request, response)
    if (code !== 'not-fresh' && code !== 'session-locked') return next(error)
    reauthenticate.askInPlace(request, response).catch(next)
  }
}

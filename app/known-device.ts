import type { Request, Response } from 'express'
import type { RequestOrigin, Sessions } from 'latchkey'
import { type Attempt, knownDevices } from 'latchkey/mfa'
import type { Log } from './event-log.ts'
import type { Notices } from './notices.ts'
import { placeOf } from './place-of.ts'
import type { AddressOf, SessionData, SessionOf } from './session-data.ts'
import type { SignInThrottle } from './sign-in-throttle.ts'

/** The device at the other end: what it says of itself, and whether its user has signed in from it before. */
export interface KnownDevice {
  /** What it says of itself, for events and notices. */
  facts(request: Request): RequestOrigin
  /** An attempt of this user at a second factor, from this device. */
  attempt(request: Request, userId: string): Attempt
  /**
   * After a complete sign-in: remembers the device and its place, and tells its user when the device was not known
   * (ASVS 6.3.5). Never rejects: who is signed in is signed in.
   */
  signedIn(request: Request, response: Response, userId: string): Promise<void>
  /** The same for a program, which has no cookies, and so is never known. */
  programSignedIn(request: Request, userId: string): Promise<void>
}

/** Known devices by a cookie of theirs, which opens nothing. */
export function createKnownDevice(parts: {
  readonly sessions: Sessions<SessionData>
  readonly notices: Notices
  readonly sessionOf: SessionOf
  readonly addressOf: AddressOf
  readonly throttle: Pick<SignInThrottle, 'remember'>
  readonly log: Pick<Log, 'failure'>
}): KnownDevice {
  const { notices, sessionOf, addressOf, throttle, log } = parts
  const devices = knownDevices(parts.sessions)
  const facts = (request: Request): RequestOrigin => ({
    address: addressOf(request),
    userAgent: request.headers['user-agent']?.slice(0, 256) ?? null,
  })
  const rememberPlace = async (request: Request, account: string): Promise<void> => {
    try {
      await throttle.remember({ account, place: placeOf(addressOf(request)) })
    } catch (error) {
      log.failure('a place to remember', error)
    }
  }
  return {
    facts,
    attempt: (request, userId) => ({
      userId,
      device: devices.recognise(request.headers.cookie, userId),
      origin: facts(request),
      sid: sessionOf(request).loaded ? sessionOf(request).id : null,
    }),
    async signedIn(request, response, userId) {
      const { cookie } = request.headers
      const isKnown = devices.recognise(cookie, userId) !== null
      response.append('set-cookie', devices.remember(cookie, userId).cookie)
      await rememberPlace(request, userId)
      if (!isKnown) await notices.newDevice(userId, facts(request))
    },
    async programSignedIn(request, userId) {
      await rememberPlace(request, userId)
      await notices.newDevice(userId, facts(request))
    },
  }
}

import type { Request, Response } from 'express'
import type { RequestOrigin, Sessions } from 'latchkey'
import { type Attempt, knownDevices } from 'latchkey/mfa'
import type { Notices } from './notices.ts'
import type { AddressOf, SessionData, SessionOf } from './session-data.ts'

/** The device at the other end: what it says of itself, and whether its user has signed in from it before. */
export interface KnownDevice {
  /** What it says of itself, for events and notices. */
  facts(request: Request): RequestOrigin
  /** An attempt of this user at a second factor, from this device. */
  attempt(request: Request, userId: string): Attempt
  /** After a complete sign-in: remembers the device, and tells its user when it was not known (ASVS 6.3.5). */
  signedIn(request: Request, response: Response, userId: string): Promise<void>
}

/** Known devices by a cookie of theirs, which opens nothing. */
export function createKnownDevice(parts: {
  readonly sessions: Sessions<SessionData>
  readonly notices: Notices
  readonly sessionOf: SessionOf
  readonly addressOf: AddressOf
}): KnownDevice {
  const { notices, sessionOf, addressOf } = parts
  const devices = knownDevices(parts.sessions)
  const facts = (request: Request): RequestOrigin => ({
    address: addressOf(request),
    userAgent: request.headers['user-agent']?.slice(0, 256) ?? null,
  })
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
      if (!isKnown) await notices.newDevice(userId, facts(request))
    },
  }
}

import type { Request } from 'express'
import type { Session } from 'latchkey'
import type { CartLine } from './cart.ts'
import type { Theme } from './views/visitor.ts'

/** What Campus keeps in a session: a guest's and a user's alike. What belongs to the user for good is in the database. */
export interface SessionData {
  cart: CartLine[]
  theme: Theme
  /** That "about me" was saved, until a page has said so. */
  profileSaved: true
}

/** Finds the session of a request. */
export type SessionOf = (request: Request) => Session<SessionData>

/** The address of a request's client, as far as proxies are trusted; `null` when unknown. */
export type AddressOf = (request: Request) => string | null

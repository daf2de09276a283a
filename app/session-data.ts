import type { Request } from 'express'
import type { Session } from 'latchkey'
import type { CartLine } from './cart.ts'
import type { Theme } from './views/visitor.ts'

/** What Campus keeps in a session: a guest's and a user's alike. What belongs to the user for good is in the database. */
export interface SessionData {
  cart: CartLine[]
  theme: Theme
  /** What was done, until a page has said so. */
  done: Done
  /** Which password a sign-in was begun with that waits for its second factor; see `Users.passwordMark`. */
  begunWith: string
  /** A new password that waits for its confirmation. */
  passwordChange: PasswordChange
}

/** What a page says once, after the redirect that follows a form. */
export interface Done {
  readonly what:
    | 'profile'
    | 'email'
    | 'password'
    | 'grades'
    | 'device-ended'
    | 'others-ended'
    | 'factor-added'
    | 'factor-removed'
  /** The name of what it was done to, where it has one. Text of the user. */
  readonly name?: string
}

/** A new password between its form and its confirmation: only as a hash, and in no page, so that nobody reads it off one. */
export interface PasswordChange {
  readonly passwordHash: string
  readonly endOthers: boolean
}

/** Finds the session of a request. */
export type SessionOf = (request: Request) => Session<SessionData>

/** The address of a request's client, as far as proxies are trusted; `null` when unknown. */
export type AddressOf = (request: Request) => string | null

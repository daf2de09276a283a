import type { AssuranceLevel } from '../session/assurance.ts'
import { type Duration, durationMs } from '../session/duration.ts'
import type { LoadOptions, Session } from '../session/session.ts'
import type { Exchange } from './exchange.ts'
import type { FreshOptions } from './guard.ts'
import type { SessionStatus } from './session-status.ts'

/** What a handler gets besides its request, where an adapter wraps handlers instead of adding to requests. */
export interface HandlerContext<Data extends object> {
  /** The session of this request; `await session.load()` before reading its fields. */
  readonly session: Session<Data>
  /** A token for the form field `csrf_token` or the header `X-CSRF-Token`. Needs a loaded session. */
  readonly csrfToken: () => string
  /** What the page may know of its session, for `latchkey/browser`. Needs a loaded session. */
  readonly sessionStatus: () => SessionStatus
  /** Resolves to the session of a signed-in user, or rejects with a `Refusal` (401), which becomes the answer. */
  readonly requireUser: (options?: LoadOptions) => Promise<Session<Data>>
  /** As `requireUser`, for a user who proved who they are to this level, for example 2: two factors. */
  readonly requireLevel: (level: AssuranceLevel, options?: LoadOptions) => Promise<Session<Data>>
  /** As `requireUser`, for a user who proved who they are within this time, for example `'5m'`. */
  readonly requireFresh: (within: Duration, options?: FreshOptions) => Promise<Session<Data>>
  /** The exchange itself, for the client's address and for adapters on top of this one. */
  readonly exchange: Exchange<Data>
}

/** The context of one exchange. */
export function contextOf<Data extends object>(exchange: Exchange<Data>): HandlerContext<Data> {
  return {
    session: exchange.session,
    csrfToken: () => exchange.csrfToken(),
    sessionStatus: () => exchange.sessionStatus(),
    requireUser: async options => exchange.requireUser(options),
    requireLevel: async (level, options) => exchange.requireLevel(level, options),
    requireFresh: async (within, options) => exchange.requireFresh(durationMs(within, 'requireFresh'), options),
    exchange,
  }
}

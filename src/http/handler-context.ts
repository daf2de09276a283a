import { type Duration, durationMs } from '../session/duration.ts'
import type { LoadOptions, Session } from '../session/session.ts'
import type { Exchange } from './exchange.ts'

/** What a handler gets besides its request, where an adapter wraps handlers instead of adding to requests. */
export interface HandlerContext<Data extends object> {
  /** The session of this request; `await session.load()` before reading its fields. */
  readonly session: Session<Data>
  /** A token for the form field `csrf_token` or the header `X-CSRF-Token`. Needs a loaded session. */
  readonly csrfToken: () => string
  /** Resolves to the session of a signed-in user, or rejects with a `Refusal` (401), which becomes the answer. */
  readonly requireUser: (options?: LoadOptions) => Promise<Session<Data>>
  /** As `requireUser`, for a user who proved who they are within this time, for example `'5m'`. */
  readonly requireFresh: (within: Duration, options?: LoadOptions) => Promise<Session<Data>>
  /** The exchange itself, for the client's address and for adapters on top of this one. */
  readonly exchange: Exchange<Data>
}

/** The context of one exchange. */
export function contextOf<Data extends object>(exchange: Exchange<Data>): HandlerContext<Data> {
  return {
    session: exchange.session,
    csrfToken: () => exchange.csrfToken(),
    requireUser: async options => exchange.requireUser(options),
    requireFresh: async (within, options) => exchange.requireFresh(durationMs(within, 'requireFresh'), options),
    exchange,
  }
}

import type { Awaitable } from '../session/awaitable.ts'
import type { RequestFacts } from './request-facts.ts'

/** What guards a route by something other than the session cookie: `createBearer` of `latchkey/bearer` makes one. */
export interface Authenticator<Access, Options> {
  /**
   * Who sent the request. At once where that can be said at once; throws or rejects with a `Refusal` that carries status
   * and headers of the answer.
   */
  authenticate(facts: RequestFacts, options?: Options): Awaitable<Access>
}

/** A whole route of Latchkey's own, in the words of no framework; every adapter can mount it. It never rejects with a `Refusal`. */
export type Endpoint = (facts: RequestFacts) => Promise<EndpointAnswer>

/** What an endpoint answers. */
export interface EndpointAnswer {
  /** HTTP status. */
  readonly status: number
  /** Headers, lower-case names, `cache-control` among them. */
  readonly headers: Readonly<Record<string, string>>
  /** To be sent as JSON; `null`: an empty answer. */
  readonly body: object | null
}

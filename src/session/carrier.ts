import type { FactorProof } from './assurance.ts'
import type { BearerHolder } from './body.ts'
import type { Arrival } from './engine.ts'

/** What carries sessions to the server and back: the cookie of a request, for example. */
export interface Carrier extends Arrival {
  /** The token that came with the request, or `null`. */
  token(): string | null
  /** Whether several tokens came and none was taken, so that there may be a session that nobody can name. */
  readonly ambiguous: boolean
  /** Most bytes of data as JSON. */
  readonly maxDataBytes: number
  /** Called once a live session was found, before anybody can use it; throws to refuse the request (CSRF). */
  admit(session: LiveSession): void
  /** Throws when a new token could not be brought to the client (plain HTTP), so that nothing is created in vain. */
  assertDeliverable(): void
  /** Whose the sessions are that begin here, when this is no cookie. */
  readonly bearer: BearerHolder | null
}

/** What a carrier must know of a live session to admit a request to it. */
export interface LiveSession {
  readonly id: string
  readonly userId: string | null
  readonly proofs: readonly FactorProof[]
}

/** What the carrier has to tell the client: a token to keep from now on, or that it has none any more. */
export type CarrierChange = { readonly token: string; readonly maxAgeMs: number | null } | 'clear' | null

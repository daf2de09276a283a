import type { Client } from '../http/client.ts'
import type { RequestFacts } from '../http/request-facts.ts'
import type { Awaitable } from '../session/awaitable.ts'
import type { CheckedProof, Proofs } from './dpop.ts'

/** Proofs of possession (RFC 9449) as requests bring them. */
export class Possession {
  readonly #proofs: Proofs | null
  readonly #now: () => number

  /** `null`: proofs are not taken. */
  constructor(proofs: Proofs | null, now: () => number) {
    this.#proofs = proofs
    this.#now = now
  }

  /** Whether the request came with a proof, good or bad. */
  isOffered(facts: RequestFacts): boolean {
    return this.#proofs !== null && facts.headers.dpop !== undefined
  }

  /**
   * Checks the proof of a request: for an access token that came along, or for the session that is being refreshed or begun
   * (`token` is `null`), and the key either is bound to.
   */
  prove(facts: RequestFacts, client: Client, token: null, key: string | null): Awaitable<CheckedProof>
  prove(facts: RequestFacts, client: Client, token: string, key: string): Awaitable<CheckedProof>
  prove(facts: RequestFacts, client: Client, token: string | null, key: string | null): Awaitable<CheckedProof> {
    if (!this.#proofs) return { kind: 'refused', reason: 'invalid_dpop_proof', fault: 'missing' }
    const { encrypted, host } = client.connection
    // A proof names the address that the client asked for: without a host nobody can say which that was.
    if (host === null) return { kind: 'refused', reason: 'invalid_dpop_proof', fault: 'other-request' }
    const request = {
      method: facts.method,
      url: `${encrypted ? 'https' : 'http'}://${host}${facts.target}`,
      proof: facts.headers.dpop,
    }
    return token === null || key === null
      ? this.#proofs.check({ ...request, accessToken: null, expectedThumbprint: key }, this.#now())
      : this.#proofs.check({ ...request, accessToken: token, expectedThumbprint: key }, this.#now())
  }
}

import { LatchkeyError, type RequestFacts } from 'latchkey'
import type { TokenAnswer } from 'latchkey/bearer'
import { createProof, newProofKeys, type ProofKeyPair } from '../../test/actors/dpop-client.ts'
import { type Simulation, site } from './simulation.ts'
import type { From } from './visitor.ts'

/** A program that acts for a user, with tokens that are bound to its key. */
export class Program {
  readonly #simulation: Simulation
  readonly #keys: ProofKeyPair
  readonly #tokens: TokenAnswer

  private constructor(simulation: Simulation, keys: ProofKeyPair, tokens: TokenAnswer) {
    this.#simulation = simulation
    this.#keys = keys
    this.#tokens = tokens
  }

  static async signIn(simulation: Simulation, userId: string, from: From): Promise<Program> {
    const keys = await newProofKeys()
    const call = { method: 'POST', url: `${site}/token`, now: simulation.now }
    const facts = factsOf(from, 'POST', '/token', { dpop: await createProof(keys, call) })
    return new Program(simulation, keys, await simulation.bearer.signIn(facts, userId, { amr: ['pwd'] }))
  }

  get refreshToken(): string {
    return this.#tokens.refresh_token
  }

  /** The session, as the refresh token names it. */
  get sid(): string {
    const [, text = ''] = this.#tokens.refresh_token.split('.')
    return Buffer.from(text, 'base64url').subarray(0, 16).toString('base64url')
  }

  /** What a thief has who copied the tokens: another key than the one that they are bound to. */
  async withoutItsKey(): Promise<Program> {
    return new Program(this.#simulation, await newProofKeys(), this.#tokens)
  }

  /** Calls the API. `skewMs`: how far its clock is off. */
  async call(from: From, skewMs = 0): Promise<number> {
    const { now, bearer, done } = this.#simulation
    const accessToken = this.#tokens.access_token
    done.requests += 1
    const proof = await createProof(this.#keys, {
      method: 'GET',
      url: `${site}/api/me`,
      accessToken,
      now: now + skewMs,
    })
    try {
      await bearer.authenticate(factsOf(from, 'GET', '/api/me', { authorization: `DPoP ${accessToken}`, dpop: proof }))
      return 200
    } catch (error) {
      if (error instanceof LatchkeyError && error.status < 500) return error.status
      throw error
    }
  }
}

function factsOf(
  { address, userAgent }: From,
  method: string,
  target: string,
  headers: Readonly<Record<string, string>>,
): RequestFacts {
  return {
    method,
    target,
    headers: { host: new URL(site).host, 'user-agent': userAgent, ...headers },
    remoteAddress: address,
    encrypted: true,
    body: () => undefined,
    onUse: () => {},
  }
}

/**
 * DPoP (RFC 9449): a token that is bound to a key works only together with a proof, signed with that key, for this one
 * request. A token that leaks (a log, a proxy, a copied disk) is then worth nothing by itself.
 */
import { hash, type KeyObject } from 'node:crypto'
import { LatchkeyError, StoreError, UsageError } from '../errors.ts'
import { type Awaitable, after } from '../session/awaitable.ts'
import type { EventDetail, ProofFault } from '../session/events.ts'
import { isSameTarget } from './http-uri.ts'
import { type Jws, readJws, verifyJws } from './jws.ts'
import { type ProofKey, ProofKeys } from './proof-key.ts'
import { ProofNonces } from './proof-nonces.ts'
import type { ProofReplays } from './proof-replays.ts'

/** How proofs are checked. */
export interface ProofsOptions {
  /** How old a proof may be by its `iat`, in ms, 1,000–600,000; default 60,000. Used proofs are remembered as long. */
  readonly lifetimeMs?: number
  /** `required`: every proof must carry a nonce that this server handed out a moment ago. Default `off`. */
  readonly nonce?: 'off' | 'required'
  /** Makes nonces, the same on all nodes. A key for nothing else. */
  readonly nonceKey: KeyObject
  /** Which proofs were used already. */
  readonly replays: ProofReplays
  /** Is told when that memory fails (`store.failed`). Default: nobody. */
  readonly tell?: (detail: EventDetail) => void
}

/** A request whose proof is checked. */
export type ProvenRequest = {
  /** Method as sent; case counts. */
  readonly method: string
  /** Scheme, host and path as the client saw them; a query is ignored. */
  readonly url: string
  /** The header `DPoP`, one text or all of them; `undefined` when absent. */
  readonly proof: string | readonly string[] | undefined
} & (
  | {
      /** The access token that came along. */
      readonly accessToken: string
      /** The key that the token is bound to (`cnf.jkt`). */
      readonly expectedThumbprint: string
    }
  | {
      /** No access token: a sign-in or a refresh. */
      readonly accessToken: null
      /**
       * The key of the session that is refreshed, or `null` at a sign-in, where any key will do. Anybody has such a proof:
       * check the password first, or strangers can fill the memory of used proofs.
       */
      readonly expectedThumbprint: string | null
    }
)

/**
 * What came of a proof. Of `refused` the client learns only `invalid_dpop_proof`; `use-nonce` is answered with
 * `use_dpop_nonce` and the nonce in the header `DPoP-Nonce` (RFC 9449 section 8).
 */
export type CheckedProof =
  | { readonly kind: 'proved'; readonly keyThumbprint: string }
  | { readonly kind: 'refused'; readonly reason: 'invalid_dpop_proof'; readonly fault: ProofFault }
  | { readonly kind: 'use-nonce'; readonly nonce: string }

const defaultLifetimeMs = 60_000
/** A client's clock may be ahead by this much. */
const futureMs = 5_000
/** Room for an address of two thousand characters; most proofs have 500. */
const maxProofLength = 4_096
const maxJtiLength = 128

/** Checks DPoP proofs. Pure, but for the memory of used ones and of keys. */
export class Proofs {
  readonly #lifetimeMs: number
  readonly #isNonceRequired: boolean
  readonly #nonces: ProofNonces
  readonly #replays: ProofReplays
  readonly #tell: (detail: EventDetail) => void
  readonly #keys = new ProofKeys()

  /** Throws a `UsageError` for a lifetime out of bounds. */
  constructor({ lifetimeMs = defaultLifetimeMs, nonce = 'off', nonceKey, replays, tell = () => {} }: ProofsOptions) {
    if (!(lifetimeMs >= 1_000 && lifetimeMs <= 600_000)) {
      throw new UsageError(`DPoP: proofs cannot live for ${lifetimeMs} ms: choose between 1 second and 10 minutes.`)
    }
    this.#lifetimeMs = lifetimeMs
    this.#isNonceRequired = nonce === 'required'
    this.#nonces = new ProofNonces(nonceKey)
    this.#replays = replays
    this.#tell = tell
  }

  /**
   * Checks the proof of a request, and uses it up when it is good: the same one is refused from then on. At once where
   * the memory of used proofs answers at once. Throws or rejects with a `StoreError` when that memory fails.
   */
  check(request: ProvenRequest, now: number): Awaitable<CheckedProof> {
    const read = this.#read(request, now)
    if (typeof read === 'string') return refused(read)
    const { claims, key } = read
    // After everything else, so that a nonce excuses nothing; before the proof is used up, since another one will come.
    if (this.#isNonceRequired && !this.#nonces.isGood(claims.nonce, now)) {
      return { kind: 'use-nonce', nonce: this.newNonce(now) }
    }
    const { thumbprint } = key
    // The last moment at which the proof would pass, and one more.
    const until = Math.floor(claims.iat * 1_000) + this.#lifetimeMs + 1
    return after(this.#use(nameOf(thumbprint, claims.jti), until, now), use =>
      use === 'first' ? { kind: 'proved', keyThumbprint: thumbprint } : refused('replayed'),
    )
  }

  /** The nonce of the moment for the header `DPoP-Nonce`: 22 characters, good for two to four minutes. */
  newNonce(now: number): string {
    return this.#nonces.newest(now)
  }

  #use(proof: string, until: number, now: number): Awaitable<unknown> {
    try {
      const use = this.#replays.use(proof, until, now)
      return use instanceof Promise ? use.catch(cause => this.#failed(cause)) : use
    } catch (cause) {
      return this.#failed(cause)
    }
  }

  #failed(cause: unknown): never {
    this.#tell({ type: 'store.failed', operation: 'use-proof' })
    if (cause instanceof LatchkeyError) throw cause
    throw new StoreError('The memory of used DPoP proofs failed. Try again in a moment.', { cause })
  }

  /** Everything that can be checked by looking at the proof, cheap things first. */
  #read(request: ProvenRequest, now: number): { claims: ProofClaims; key: ProofKey } | ProofFault {
    const { proof } = request
    if (proof === undefined || proof.length === 0) return 'missing'
    // Node joins several headers with commas, which no JWT has.
    const text = typeof proof === 'string' ? proof : proof.length === 1 ? proof[0] : undefined
    const jws = text === undefined ? null : readJws(text, maxProofLength)
    const claims = jws && isProofHeader(jws.header) ? readClaims(jws) : null
    if (!jws || !claims) return 'malformed'
    if (claims.htm !== request.method || !isSameTarget(claims.htu, request.url)) return 'other-request'
    const age = now - claims.iat * 1_000
    if (!(age <= this.#lifetimeMs && age >= -futureMs)) return 'untimely'
    const ath = request.accessToken === null ? undefined : hash('sha256', request.accessToken, 'base64url')
    if (claims.ath !== ath) return 'other-token'
    const key = this.#keys.read(jws.header)
    if (!key) return 'untrusted'
    if (request.expectedThumbprint !== null && request.expectedThumbprint !== key.thumbprint) return 'other-key'
    if (!verifyJws(jws, key.algorithm, key.publicKey)) return 'untrusted'
    this.#keys.remember(key)
    return { claims, key }
  }
}

interface ProofClaims {
  readonly jti: string
  readonly htm: string
  readonly htu: string
  readonly iat: number
  readonly ath: unknown
  readonly nonce: unknown
}

/** Members that point to a key elsewhere. The proof's key is the one it carries; `kid` names none and is not looked at. */
const foreignKeys = ['jku', 'x5u', 'x5c', 'x5t', 'x5t#S256']

function isProofHeader(header: Jws['header']): boolean {
  // Without its own type, whatever else this key has signed could be passed off as a proof (RFC 8725 section 3.11).
  const isProof = typeof header.typ === 'string' && /^(application\/)?dpop\+jwt$/i.test(header.typ)
  return isProof && !foreignKeys.some(name => name in header)
}

function readClaims({ claims }: Jws): ProofClaims | null {
  const { jti, htm, htu, iat, ath, nonce } = claims
  if (typeof jti !== 'string' || jti.length < 1 || jti.length > maxJtiLength) return null
  if (typeof htm !== 'string' || typeof htu !== 'string' || typeof iat !== 'number') return null
  return { jti, htm, htu, iat, ath, nonce }
}

/** 16 bytes stand for a key's use of a `jti`, however long that is (DP-3). A thumbprint always has 43 characters. */
function nameOf(thumbprint: string, jti: string): string {
  return hash('sha256', `${thumbprint}.${jti}`, 'buffer').toString('base64url', 0, 16)
}

function refused(fault: ProofFault): CheckedProof {
  return { kind: 'refused', reason: 'invalid_dpop_proof', fault }
}

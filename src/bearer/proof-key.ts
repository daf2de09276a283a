import { createPublicKey, hash, type KeyObject } from 'node:crypto'
import { RecentMap } from '../session/recent-map.ts'

/** Algorithms that a proof may be signed with, as the challenge names them: asymmetric ones only (RFC 9449 section 4.3). */
export const proofAlgorithms: readonly string[] = ['ES256', 'Ed25519', 'EdDSA']

/** The public key that a proof carries. Whose key it is, only its thumbprint tells. */
export interface ProofKey {
  /** The one algorithm that goes with a key of this type. */
  readonly algorithm: 'ES256' | 'EdDSA'
  /** For checking the signature. */
  readonly publicKey: KeyObject
  /** RFC 7638 thumbprint (`jkt`): base64url of SHA-256, 43 characters. */
  readonly thumbprint: string
  /** The key's members in the one form that is hashed. */
  readonly canonical: string
}

/** Keys remembered: importing one costs about half as much as checking a signature. */
const most = 2_000

/** Members of private and symmetric keys: who sends one has given the key away (RFC 7517, RFC 7518 section 6). */
const secretMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']

/** 32 bytes in their one canonical spelling: a key must not have two thumbprints. */
const coordinate = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/

/** Reads the keys of proofs. */
export class ProofKeys {
  readonly #known = new RecentMap<ProofKey>(most)

  /** The key in a proof's header, or `null` when it has none that we take or names another algorithm than the key's. */
  read(header: Readonly<Record<string, unknown>>): ProofKey | null {
    const { jwk, alg } = header
    if (typeof jwk !== 'object' || jwk === null) return null
    const members = jwk as Readonly<Record<string, unknown>>
    if (secretMembers.some(name => name in members)) return null
    const accepted = acceptedKey(members)
    const isItsAlgorithm = (name: unknown) => accepted?.names.some(each => each === name)
    if (!accepted || !isItsAlgorithm(alg)) return null
    if (members.alg !== undefined && !isItsAlgorithm(members.alg)) return null
    const canonical = JSON.stringify(accepted.jwk)
    return this.#known.get(canonical) ?? importKey(accepted, canonical)
  }

  /** Remembers a key that has signed something: made-up ones must not push out those in use. */
  remember(key: ProofKey): void {
    this.#known.set(key.canonical, key)
  }
}

interface AcceptedKey {
  readonly algorithm: 'ES256' | 'EdDSA'
  /** How headers may name the algorithm. */
  readonly names: readonly string[]
  /** The members that make the key, in the order in which RFC 7638 hashes them. */
  readonly jwk: Record<string, string>
}

function acceptedKey({ kty, crv, x, y }: Readonly<Record<string, unknown>>): AcceptedKey | null {
  if (!isCoordinate(x)) return null
  if (kty === 'EC' && crv === 'P-256' && isCoordinate(y))
    return { algorithm: 'ES256', names: ['ES256'], jwk: { crv, kty, x, y } }
  // `Ed25519` is the fully specified name of RFC 9864, `EdDSA` the older one.
  if (kty === 'OKP' && crv === 'Ed25519')
    return { algorithm: 'EdDSA', names: ['EdDSA', 'Ed25519'], jwk: { crv, kty, x } }
  return null
}

function isCoordinate(value: unknown): value is string {
  return typeof value === 'string' && coordinate.test(value)
}

function importKey({ algorithm, jwk }: AcceptedKey, canonical: string): ProofKey | null {
  try {
    const publicKey = createPublicKey({ key: jwk, format: 'jwk' })
    return { algorithm, publicKey, thumbprint: hash('sha256', canonical, 'base64url'), canonical }
  } catch {
    return null // no point of the curve
  }
}

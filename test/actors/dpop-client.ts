/** The side of DPoP that holds the key (RFC 9449), as an honest client does it, by jose. */
import { createHash, randomUUID, type webcrypto } from 'node:crypto'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'

/** A client's key pair. */
export interface ProofKeyPair {
  readonly algorithm: 'ES256' | 'Ed25519' | 'EdDSA'
  readonly privateKey: webcrypto.CryptoKey
  readonly publicJwk: JWK
  /** RFC 7638 thumbprint of the public key: the `jkt` of what is bound to it. */
  readonly thumbprint: string
}

/** What a proof is for. */
export interface ProvenCall {
  readonly method: string
  /** Address that is asked for; query and fragment are left out of the proof. */
  readonly url: string
  /** The access token that goes along. */
  readonly accessToken?: string | null
  /** What the server last said in `DPoP-Nonce`. */
  readonly nonce?: string | null
  /** The client's clock, epoch ms; default the real one. */
  readonly now?: number
}

/** What a test makes different; `undefined` leaves a member out. */
export interface ProofChanges {
  readonly header?: Readonly<Record<string, unknown>>
  readonly claims?: Readonly<Record<string, unknown>>
}

export async function newProofKeys(algorithm: ProofKeyPair['algorithm'] = 'ES256'): Promise<ProofKeyPair> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true })
  const publicJwk = await exportJWK(publicKey)
  return { algorithm, privateKey, publicJwk, thumbprint: await calculateJwkThumbprint(publicJwk) }
}

/** A proof for one request. */
export function createProof(keys: ProofKeyPair, call: ProvenCall, changes: ProofChanges = {}): Promise<string> {
  const { accessToken, nonce, now = Date.now() } = call
  const ath = accessToken ? createHash('sha256').update(accessToken).digest('base64url') : undefined
  const claims = {
    jti: randomUUID(),
    htm: call.method,
    htu: call.url.replace(/[?#].*$/, ''),
    iat: Math.floor(now / 1_000),
    ath,
    nonce: nonce ?? undefined,
    ...changes.claims,
  }
  const header = { typ: 'dpop+jwt', alg: keys.algorithm, jwk: keys.publicJwk, ...changes.header }
  return new SignJWT(claims).setProtectedHeader(header).sign(keys.privateKey)
}

import { createHmac, type KeyObject, timingSafeEqual, verify } from 'node:crypto'
import { parseStrictJson } from './strict-json.ts'

/** The parts of a JWS in compact form. **Nothing in it is true** before `verifyJws` has said so (ASVS 9.1.1). */
export interface Jws {
  /** The protected header. */
  readonly header: Readonly<Record<string, unknown>>
  /** The payload. */
  readonly claims: Readonly<Record<string, unknown>>
  /** What the signature is over: `header.payload` as it came. */
  readonly signed: string
  /** The signature's bytes; never empty. */
  readonly signature: Uint8Array
}

/** The algorithms we sign and verify with. `Ed25519` is the fully specified name of what `EdDSA` means here (RFC 9864). */
export type JwsAlgorithm = 'EdDSA' | 'Ed25519' | 'ES256' | 'HS256'

/** Longest token we look at, in characters: what is longer is refused before any work (JWT-15). */
export const longestJws = 8_192

/**
 * Splits and decodes a signed token; `null` unless it is the one canonical spelling of it. Three parts, so no JWE (JWT-3);
 * base64url without padding, foreign characters and unused bits (JWT-2); strict JSON in header and payload (JWT-9);
 * neither `crit` nor `b64`, because we know no extension (RFC 7515 4.1.11, RFC 7797, JWT-10). Never throws.
 */
export function readJws(text: string, maxLength: number = longestJws): Jws | null {
  if (text.length > maxLength) return null
  const [head = '', body = '', tail = '', more] = text.split('.', 4)
  if (more !== undefined) return null
  const signature = decode(tail)
  const header = signature && decodeJson(head)
  if (!header || 'crit' in header || 'b64' in header) return null
  const claims = decodeJson(body)
  return claims && { header, claims, signed: text.slice(0, head.length + 1 + body.length), signature }
}

/**
 * Whether the signature is good under this key. The algorithm is the key's, never the token's choice: the header must name
 * the same one (JWT-1), and the key must be of its kind, so a public key is never taken for an HMAC secret. Never throws.
 */
export function verifyJws(jws: Jws, algorithm: JwsAlgorithm, key: KeyObject): boolean {
  if (sameAlgorithm(jws.header.alg) !== sameAlgorithm(algorithm)) return false
  const data = Buffer.from(jws.signed, 'latin1')
  switch (algorithm) {
    case 'EdDSA':
    case 'Ed25519':
      return (
        key.asymmetricKeyType === 'ed25519' && jws.signature.length === 64 && verify(null, data, key, jws.signature)
      )
    case 'ES256':
      // Exactly r and s of 32 bytes: never DER, which has many spellings. (r, n-s) is good, too; who revokes by the text
      // of a token has lost (JWT-13).
      return isP256(key) && jws.signature.length === 64 && verify('sha256', data, rAndS(key), jws.signature)
    case 'HS256':
      return key.type === 'secret' && sameBytes(createHmac('sha256', key).update(data).digest(), jws.signature)
    default:
      return false
  }
}

/** Both names of Ed25519 are one algorithm; all others only equal themselves, in exactly this spelling. */
function sameAlgorithm(name: unknown): unknown {
  return name === 'Ed25519' ? 'EdDSA' : name
}

function isP256(key: KeyObject): boolean {
  return key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1'
}

function rAndS(key: KeyObject): { key: KeyObject; dsaEncoding: 'ieee-p1363' } {
  return { key, dsaEncoding: 'ieee-p1363' }
}

function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other)
}

function decodeJson(encoded: string): Record<string, unknown> | null {
  const bytes = decode(encoded)
  return bytes && parseStrictJson(bytes)
}

/** The bytes, or `null` unless the text is the one canonical base64url of at least one byte. Node's decoder forgives everything. */
function decode(encoded: string): Buffer | null {
  const bytes = Buffer.from(encoded, 'base64url')
  return encoded !== '' && bytes.toString('base64url') === encoded ? bytes : null
}

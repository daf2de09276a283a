import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  hash,
  type JsonWebKey,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto'
import { UsageError } from '../errors.ts'
import { weakness } from '../session/key-ring.ts'
import type { JwsAlgorithm } from './jws.ts'

/** A key that signs access tokens, with one algorithm only, in a stretch of time. */
export interface SigningKey {
  /** Names the key in a token's header and in the JWKS; 1–128 characters `A–Z a–z 0–9 . _ ~ : -`. */
  readonly kid: string
  /** The one algorithm it may be used with (JWT-1). */
  readonly algorithm: JwsAlgorithm
  /** Signs: a private key, or the secret of HS256. Its value stays inside. */
  readonly signer: KeyObject
  /** Verifies: the public key, or the secret of HS256. */
  readonly verifier: KeyObject
  /** What the JWKS says of it; `null` for a secret, which nobody may learn. */
  readonly publicJwk: Readonly<Record<string, string>> | null
  /** When it may begin to sign, epoch ms; -Infinity when the JWK says nothing. */
  readonly from: number
  /** When it stops at the latest, epoch ms; Infinity when the JWK says nothing. */
  readonly until: number
}

/** What each algorithm's keys look like: the members that make the public key, in RFC 7638's order, and the secret one. */
const shapes: Record<JwsAlgorithm, { kty: string; crv: string | null; members: readonly string[]; secret: string }> = {
  EdDSA: { kty: 'OKP', crv: 'Ed25519', members: ['crv', 'kty', 'x'], secret: 'd' },
  Ed25519: { kty: 'OKP', crv: 'Ed25519', members: ['crv', 'kty', 'x'], secret: 'd' },
  ES256: { kty: 'EC', crv: 'P-256', members: ['crv', 'kty', 'x', 'y'], secret: 'd' },
  HS256: { kty: 'oct', crv: null, members: ['k', 'kty'], secret: 'k' },
}

/** Keys that everybody has: from RFC 7515 A.1 and A.3, 7517 A.1, 7520 3.5, 8037 A.1, and jwt.io. By `x`, or `k`. */
const publishedKeys = new Set([
  'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow',
  'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
  'MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4',
  'hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg',
  '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
  'EVs_o5-uQbTjL3chynL4wXgUg2R9q9UU8I5mEovUf84',
])

const make = 'Make one with `npx latchkey keygen --jwk` and keep it out of the source.'

/**
 * Reads a private JWK (RFC 7517) with `alg` `ES256`, `EdDSA`, `Ed25519` or `HS256`. `kid` is the RFC 7638 thumbprint when
 * absent. `latchkey:from` and `latchkey:until` (ISO 8601 in UTC) say when it signs. Throws a `UsageError` that names
 * `place` and the fix, and never repeats the key, for anything that is not a whole, random key of its own.
 */
export function readSigningKey(jwk: JsonWebKey, place: string): SigningKey {
  const refuse = (problem: string): never => {
    throw new UsageError(`${place} ${problem}`)
  }
  if (typeof jwk !== 'object' || jwk === null || Array.isArray(jwk)) return refuse(`is no JWK. ${make}`)
  const algorithm = jwk.alg as JwsAlgorithm
  if (typeof algorithm !== 'string' || !Object.hasOwn(shapes, algorithm)) {
    return refuse(`has no "alg" that signs access tokens: write ES256, EdDSA, Ed25519 or HS256.`)
  }
  const { kty, crv, members, secret } = shapes[algorithm]
  if (jwk.kty !== kty || (crv !== null && jwk.crv !== crv)) {
    return refuse(
      `is no key for its "alg" ${algorithm}, which needs "kty" ${kty}${crv ? ` and "crv" ${crv}` : ''}. ${make}`,
    )
  }
  if (jwk.use !== undefined && jwk.use !== 'sig')
    return refuse('has a "use" other than "sig". Use a key for one thing only.')
  if (jwk.key_ops !== undefined && !(Array.isArray(jwk.key_ops) && jwk.key_ops.includes('sign'))) {
    return refuse('has "key_ops" without "sign". Leave "key_ops" out, or use a key for signing.')
  }
  const problem =
    weakSecret(jwk[secret]) ?? (publishedKeys.has(String(jwk[kty === 'oct' ? 'k' : 'x'])) ? published : null)
  if (problem) return refuse(`("${secret}") ${problem}. ${make}`)
  const from = instant(jwk, 'latchkey:from', Number.NEGATIVE_INFINITY) ?? refuse(badInstant('latchkey:from'))
  const until = instant(jwk, 'latchkey:until', Number.POSITIVE_INFINITY) ?? refuse(badInstant('latchkey:until'))
  if (until <= from) return refuse('has a "latchkey:until" that is not after its "latchkey:from".')

  const essentials = Object.fromEntries(members.map(name => [name, jwk[name]])) as Record<string, string>
  // The thumbprint of a secret is safe to show only because the secret is random (RFC 7638 section 7): checked above.
  const kid: unknown = jwk.kid ?? hash('sha256', JSON.stringify(essentials), 'base64url')
  if (typeof kid !== 'string' || !/^[\w.~:-]{1,128}$/.test(kid)) {
    return refuse(
      'has a "kid" other than 1–128 characters of A–Z a–z 0–9 . _ ~ : -. Leave it out to have one computed.',
    )
  }
  const pair = keyPair(jwk, essentials, algorithm) ?? refuse(`is damaged: its parts do not belong together. ${make}`)
  const publicJwk = kty === 'oct' ? null : { ...essentials, use: 'sig', alg: algorithm, kid }
  return { kid, algorithm, ...pair, publicJwk, from, until }
}

const published = 'is an example that everybody has'

/** What is wrong with the secret part, as the end of a sentence, or `null`. */
function weakSecret(encoded: unknown): string | null {
  if (typeof encoded !== 'string' || encoded === '') return 'is missing: a private key is needed'
  const bytes = Buffer.from(encoded, 'base64url')
  if (bytes.toString('base64url') !== encoded) return 'is not base64url without padding'
  // RFC 7518 3.2: at least as long as the hash. Both curves' private keys are 32 bytes, too.
  if (bytes.length < 32) return `has ${bytes.length} bytes: at least 32 random ones are needed`
  // 32 random bytes are text once in 10^13 times; a password always is (JWT-4, WSTG-SESS-10e).
  if (bytes.every(byte => byte >= 0x20 && byte < 0x7f)) return 'is text, which people make up: it is not random'
  return weakness(bytes.toString('latin1'))
}

function instant(jwk: JsonWebKey, name: string, absent: number): number | null {
  const text = jwk[name]
  if (text === undefined) return absent
  if (typeof text !== 'string' || !/^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{3})?)?Z)?$/.test(text)) return null
  const at = Date.parse(text)
  // `Date.parse` takes the 31st of June for the first of July.
  return Number.isFinite(at) && new Date(at).toISOString().startsWith(text.slice(0, 10)) ? at : null
}

function badInstant(name: string): string {
  return `has a "${name}" that is no time: write it in UTC, such as "2027-01-31" or "2027-01-31T04:00:00Z".`
}

/** The imported key, once it has been seen to verify what it signs: Node takes a private part that belongs to another public one. */
function keyPair(
  jwk: JsonWebKey,
  essentials: JsonWebKey,
  algorithm: JwsAlgorithm,
): Pick<SigningKey, 'signer' | 'verifier'> | null {
  if (algorithm === 'HS256') {
    const secret = createSecretKey(String(jwk.k), 'base64url')
    return { signer: secret, verifier: secret }
  }
  try {
    const signer = createPrivateKey({ key: { ...essentials, d: String(jwk.d) }, format: 'jwk' })
    const verifier = createPublicKey({ key: essentials, format: 'jwk' })
    const digest = algorithm === 'ES256' ? 'sha256' : null
    const probe = Buffer.from(algorithm)
    return verify(digest, probe, verifier, sign(digest, probe, signer)) ? { signer, verifier } : null
  } catch {
    return null
  }
}

import { createHmac, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { type AccessSubject, AccessTokens, type AccessTokensOptions } from '../../src/bearer/access-token.ts'
import { createKeySet, type KeySet } from '../../src/bearer/key-set.ts'

/** The algorithms that access tokens may be signed with. */
export const algorithms = ['ES256', 'EdDSA', 'Ed25519', 'HS256'] as const
export type Algorithm = (typeof algorithms)[number]

export type PrivateJwk = Record<string, unknown> & { alg: string }

/** A fresh private key as a JWK, made without the code under test. */
export function freshJwk(alg: Algorithm = 'ES256', members: Record<string, unknown> = {}): PrivateJwk {
  if (alg === 'HS256') return { kty: 'oct', k: randomBytes(32).toString('base64url'), alg, ...members }
  const pair = alg === 'ES256' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519')
  return { ...pair.privateKey.export({ format: 'jwk' }), alg, ...members }
}

/** 2026-11-21 12:00:00 UTC: a whole second, so that boundaries fall on what a token can say. */
export const noon = Date.UTC(2026, 10, 21, 12)
export const second = 1_000
export const minute = 60_000

export const issuer = 'https://campus.example'
export const audience = 'https://api.campus.example'

export const alice: AccessSubject = {
  userId: 'alice',
  clientId: 'campus-app',
  sid: 'AAECAwQFBgcICQoLDA0ODw',
  authenticatedAt: noon - minute,
  amr: ['pwd', 'otp'],
  aal: 2,
  keyThumbprint: null,
}

/** Access tokens of 15 minutes under a fresh key, and everything a forger who knew that key could do. */
export interface Issuer {
  readonly jwk: PrivateJwk
  readonly keys: KeySet
  readonly tokens: AccessTokens
  /** A good token of alice's, made at noon. */
  readonly good: string
  /** Header and claims of `good`. */
  readonly header: Record<string, unknown>
  readonly claims: Record<string, unknown>
  /** Signs any header and claims, or any text in their place, with the real key. */
  signed(header: object | string, claims: object | string): string
}

export async function createIssuer(
  alg: Algorithm = 'ES256',
  options: Partial<AccessTokensOptions> = {},
  jwk: PrivateJwk = freshJwk(alg),
): Promise<Issuer> {
  const keys = createKeySet([jwk], { verifiesForMs: 20 * minute })
  const tokens = new AccessTokens({ issuer, audience: [audience], keys, ttlMs: 15 * minute, ...options })
  const only = options.audience && options.audience.length > 1 ? { audience: options.audience[0] ?? '' } : {}
  const good = await tokens.mint({ ...alice, ...only }, noon)
  const [header, claims] = parts(good).map(part => Buffer.from(part, 'base64url').toString())
  const { signer } = keys.signingKey(noon)
  return {
    jwk,
    keys,
    tokens,
    good,
    header: JSON.parse(header ?? ''),
    claims: JSON.parse(claims ?? ''),
    signed: (header, claims) => signJws(header, claims, alg, signer),
  }
}

/** A JWS in compact form: any texts, signed with any key. */
export function signJws(header: object | string, claims: object | string, alg: Algorithm, key: KeyObject): string {
  const text = `${encode(header)}.${encode(claims)}`
  return `${text}.${signatureOf(text, alg, key).toString('base64url')}`
}

export function signatureOf(text: string, alg: Algorithm, key: KeyObject): Buffer {
  const data = Buffer.from(text)
  if (alg === 'HS256') return createHmac('sha256', key).update(data).digest()
  if (alg === 'ES256') return sign('sha256', data, { key, dsaEncoding: 'ieee-p1363' })
  return sign(null, data, key)
}

/** base64url of a text or bytes, or of an object's JSON. */
export function encode(value: object | string): string {
  const bytes = Buffer.isBuffer(value) || typeof value === 'string' ? value : JSON.stringify(value)
  return Buffer.from(bytes).toString('base64url')
}

/** Header, claims and signature as they stand in the token. */
export function parts(token: string): [header: string, claims: string, signature: string] {
  const [header = '', claims = '', signature = ''] = token.split('.')
  return [header, claims, signature]
}

/** The order of P-256's group (FIPS 186-5, SP 800-186). */
const n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

/** An ES256 token with the other signature that is as good as its own: (r, n − s). Nobody needs the key for it (JWT-13). */
export function twin(token: string): string {
  const [header, claims, signature] = parts(token)
  const bytes = Buffer.from(signature, 'base64url')
  const s = BigInt(`0x${bytes.toString('hex', 32)}`)
  bytes.write((n - s).toString(16).padStart(64, '0'), 32, 'hex')
  return `${header}.${claims}.${bytes.toString('base64url')}`
}

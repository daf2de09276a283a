import type { JsonWebKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { UsageError } from '../errors.ts'
import { readSigningKey, type SigningKey } from './signing-key.ts'
import { parseStrictJson } from './strict-json.ts'

/** The public keys, as `/.well-known/jwks.json` serves them (RFC 7517). */
export interface JsonWebKeySet {
  /** Public members only. Empty with HS256, whose keys are secret. */
  readonly keys: readonly Readonly<Record<string, string>>[]
}

/**
 * The keys of access tokens and their schedule. A key is published before it signs, signs until its successor does or its
 * time is over, and verifies until the last token it signed is over.
 */
export interface KeySet {
  /** How long a key verifies after it stopped signing, in ms. */
  readonly verifiesForMs: number
  /** The key that signs now. Throws a `UsageError` when none does. */
  signingKey(now: number): SigningKey
  /** The key with this `kid` when it verifies now, with exactly this algorithm; otherwise `null`. Takes a header as it comes. */
  verifyingKey(kid: unknown, algorithm: unknown, now: number): SigningKey | null
  /** The keys that verify now, without their secrets. */
  jwks(now: number): JsonWebKeySet
  /** What the operator should do, one sentence each: the last key runs out within 7 days, or a key is of no use any more. */
  warnings(now: number): readonly string[]
}

/** Times of a key set. */
export interface KeySetOptions {
  /** How long a key verifies after it stopped signing, in ms: the life of an access token and the tolerance. */
  readonly verifiesForMs: number
  /** How long before it signs a key is published and verifies, in ms; at least as long as others keep the JWKS. Default 1 day. */
  readonly announceMs?: number
}

const dayMs = 86_400_000
/** Warns this long before nobody would sign. */
const lookAheadMs = 7 * dayMs

/**
 * Makes a key set of private JWKs: objects, or text as a file or an environment variable holds it (one JWK, a JWK Set, or a
 * JWK in every line). Without times the first one signs and all verify. Throws a `UsageError` that names the key and the
 * fix for an unusable, repeated or mixed one, and for a time at which nobody would sign.
 */
export function createKeySet(
  keys: string | readonly JsonWebKey[] | undefined,
  { verifiesForMs, announceMs = dayMs }: KeySetOptions,
): KeySet {
  const listed = jwksOf(keys).map((jwk, index) => readSigningKey(jwk, `keys[${index}]`))
  refuseRepetitions(listed)
  refuseTwoFamilies(listed)

  // Newest first; of those that begin together, the one that is listed first.
  const newestFirst = listed.toSorted((one, other) => (one.from === other.from ? 0 : one.from < other.from ? 1 : -1))
  const stops = new Map(newestFirst.map(key => [key, stopOf(key, listed)]))
  const stopsAt = (key: SigningKey) => stops.get(key) ?? key.until
  const signsAt = (now: number) => newestFirst.find(key => key.from <= now && now < stopsAt(key))
  const lastStopAt = Math.max(...stops.values())
  const verifiesAt = (key: SigningKey, now: number) =>
    key.from - announceMs <= now && now < stopsAt(key) + verifiesForMs
  for (const at of stops.values()) {
    if (at < lastStopAt && !signsAt(at))
      throw new UsageError(`keys: from ${iso(at)} on no key signs for a while. ${extend}`)
  }
  const byKid = new Map<unknown, SigningKey>(listed.map(key => [key.kid, key]))

  return {
    verifiesForMs,
    signingKey(now) {
      const key = signsAt(now)
      if (!key) throw new UsageError(`keys: no key signs now, at ${iso(now)}. ${extend}`)
      return key
    },
    // What a stranger wrote is looked up in a map and nothing else: never a path, an address or a query (WSTG-SESS-10h, JWT-7).
    verifyingKey(kid, algorithm, now) {
      const key = byKid.get(kid)
      return key && key.algorithm === algorithm && verifiesAt(key, now) ? key : null
    },
    jwks: now => ({
      keys: newestFirst.filter(key => verifiesAt(key, now)).flatMap(key => (key.publicJwk ? [key.publicJwk] : [])),
    }),
    warnings: now => [
      ...(now >= lastStopAt - lookAheadMs ? [`keys: no key signs after ${iso(lastStopAt)}. ${extend}`] : []),
      ...newestFirst
        .filter(key => now >= stopsAt(key) + verifiesForMs)
        .map(key => `keys: the key ${key.kid} is over and verifies nothing any more. Remove it.`),
    ],
  }
}

/** The text of a key file, for `createKeySet`. Throws a `UsageError` with the fix when it cannot be read. */
export function keysFromFile(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    const fix = 'Make it with `npx latchkey keygen --jwk > FILE`, readable for the service only.'
    throw new UsageError(`The key file ${path} cannot be read. ${fix}`, { cause })
  }
}

const extend = 'Add one: `npx latchkey keygen --jwk --from TIME`, or move a "latchkey:from" or "latchkey:until".'

function jwksOf(keys: string | readonly JsonWebKey[] | undefined): readonly JsonWebKey[] {
  const found = typeof keys === 'string' ? parse(keys) : keys
  if (Array.isArray(found) && found.length > 0) return found
  throw new UsageError(
    'keys is empty, perhaps because an environment variable is not set: pass a JWK, made with `npx latchkey keygen --jwk`.',
  )
}

function parse(text: string): readonly JsonWebKey[] {
  const whole = parseStrictJson(Buffer.from(text))
  if (whole && Array.isArray(whole.keys)) return whole.keys
  if (whole) return [whole]
  const lines = text.split('\n').filter(line => line.trim() !== '')
  return lines.map((line, index) => {
    const jwk = parseStrictJson(Buffer.from(line))
    if (jwk) return jwk
    throw new UsageError(
      `keys[${index}] is no JSON object: write a JWK, a JWK Set, or one JWK in every line. For a file: keysFromFile(path).`,
    )
  })
}

/** A key signs until a later one begins or its own time is over. */
function stopOf(key: SigningKey, all: readonly SigningKey[]): number {
  return Math.min(key.until, ...all.map(other => other.from).filter(from => from > key.from))
}

function refuseRepetitions(keys: readonly SigningKey[]): void {
  for (const [index, key] of keys.entries()) {
    const first = keys.findIndex(other => other.kid === key.kid || sameKey(other, key))
    if (first < index)
      throw new UsageError(`keys[${index}] and keys[${first}] are the same key or have the same "kid".`)
  }
}

function sameKey(one: SigningKey, other: SigningKey): boolean {
  return one.verifier.equals(other.verifier)
}

/** Where both would be accepted, a public key could be presented as the secret of an HMAC (ASVS 9.1.2, WSTG-SESS-10f). */
function refuseTwoFamilies(keys: readonly SigningKey[]): void {
  if (new Set(keys.map(key => key.verifier.type)).size > 1) {
    throw new UsageError('keys has both secrets (HS256) and key pairs (ES256, EdDSA). Keep to one of the two.')
  }
}

function iso(at: number): string {
  return new Date(at).toISOString()
}

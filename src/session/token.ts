import { createHmac, hash, timingSafeEqual } from 'node:crypto'
import { type KeyRing, keyIdLength, type RingKey } from './key-ring.ts'

/*
 * A token is `<key id>.<base64url(sid 16 bytes | secret 32 bytes | tag 16 bytes)>`. The tag is HMAC-SHA-256 over key
 * id, sid and secret, cut to 16 bytes. It makes a token recognisable as ours without asking the store, so nobody can
 * flood the store with made-up ids; the store holds only the hash of the secret, so a copy of it signs nobody in.
 */
const sidBytes = 16
const secretBytes = 32
const tagBytes = 16
const payloadBytes = sidBytes + secretBytes + tagBytes

/** Exact length of every token in characters; anything else is refused before any cryptography. */
export const tokenLength: number = keyIdLength + 1 + Math.ceil((payloadBytes * 4) / 3)

/** A source of random bytes: `node:crypto`'s `randomBytes` outside of tests. */
export type RandomBytes = (size: number) => Buffer

/** What a token with a good tag says. */
export interface ReadToken {
  /** Public session id, 22 base64url characters. */
  readonly sid: string
  /** The secret, 32 bytes. */
  readonly secret: Buffer
  /** The server key it was issued under, which its data is sealed under, too. */
  readonly serverKey: RingKey
}

/** A fresh secret: 256 bits (ASVS 7.2.3 asks for 128). */
export function newSecret(random: RandomBytes): Buffer {
  return random(secretBytes)
}

/**
 * A fresh sid. All sids of one user share their first 12 bits, which name a hash slot: a distributed store can then
 * change all of a user's records and the index of them in one atomic step. The rest is random; an anonymous session's
 * sid is random throughout.
 */
export function newSid(random: RandomBytes, userId: string | null): string {
  const bytes = random(sidBytes)
  if (userId !== null) {
    const slot = hash('sha256', userId, 'buffer')
    bytes[0] = slot[0] ?? 0
    bytes[1] = ((slot[1] ?? 0) & 0xf0) | ((bytes[1] ?? 0) & 0x0f)
  }
  return bytes.toString('base64url')
}

/** Writes the token for a session and secret, under a server key: the newest for a new secret. */
export function writeToken(key: RingKey, sid: string, secret: Buffer): string {
  const body = Buffer.concat([Buffer.from(sid, 'base64url'), secret])
  return `${key.id}.${Buffer.concat([body, tagOf(key, body)]).toString('base64url')}`
}

/** Reads a token; `null` unless it is canonical and its tag is good under a key of the ring. */
export function readToken(ring: KeyRing, text: string): ReadToken | null {
  if (text.length !== tokenLength || text[keyIdLength] !== '.') return null
  const key = ring.find(text.slice(0, keyIdLength))
  if (!key) return null
  const encoded = text.slice(keyIdLength + 1)
  const payload = Buffer.from(encoded, 'base64url')
  // Node's decoder skips foreign characters and ignores unused bits; only the one canonical spelling is ours (JWT-13's lesson).
  if (payload.length !== payloadBytes || payload.toString('base64url') !== encoded) return null
  const body = payload.subarray(0, sidBytes + secretBytes)
  if (!timingSafeEqual(tagOf(key, body), payload.subarray(sidBytes + secretBytes))) return null
  return { sid: body.toString('base64url', 0, sidBytes), secret: Buffer.from(body.subarray(sidBytes)), serverKey: key }
}

/** The form in which the store knows a secret: SHA-256, base64url. The secret is random, so no slow hash is needed. */
export function secretHash(secret: Buffer): string {
  return hash('sha256', secret, 'base64url')
}

function tagOf(key: RingKey, body: Buffer): Buffer {
  return createHmac('sha256', key.tagKey).update(key.id).update(body).digest().subarray(0, tagBytes)
}

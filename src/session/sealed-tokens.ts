import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import { DataTooLargeError } from '../errors.ts'
import { encodeBody, identityOf, type SessionBody } from './body.ts'
import { type KeyRing, keyIdLength, type RingKey } from './key-ring.ts'
import { sealBytes, sealOverhead, unsealBytes } from './seal.ts'
import type { StoredRecord } from './store.ts'
import { type RandomBytes, secretHash } from './token.ts'

/*
 * A sealed token is `<key id>.<base64url(version 1 byte | sid 16 bytes | nonce 12 | tag 16 | ciphertext)>`, the ciphertext
 * AES-256-GCM of `secret 32 bytes | the record's fields as JSON | line feed | the application's data as JSON`.
 *
 * Each session has a key of its own, made from the server's and the sid: a random nonce is good for 2^32 encryptions under
 * one key (NIST SP 800-38D), which a busy site's single key would use up in weeks and a session never does.
 */
const version = 1
const sidBytes = 16
const secretBytes = 32
const fixedBytes = 1 + sidBytes + sealOverhead + secretBytes
const lineFeed = 0x0a

/** No browser keeps a longer cookie, so a longer text is none of ours (refused before any cryptography). */
const longestToken = 4_096

/** What a token carries of its session. */
export interface Carried {
  /** The record as it was when the token was made. */
  readonly record: StoredRecord
  /** Its body, decoded: neither client nor retired secrets nor sealed data. */
  readonly body: SessionBody
  /** The application's data as JSON text. */
  readonly json: string
}

/** A sealed token that was found good. */
export interface OpenedToken extends Carried {
  readonly secret: Buffer
  /** The server key it is under. */
  readonly serverKey: RingKey
}

/** What sealed tokens are made for. */
export interface TokenPlace {
  /** Where the token is presented, such as the cookie's name: presented anywhere else it opens nothing (ASVS 9.2.2). */
  readonly name: string
  /** Most characters that a token may have there. */
  readonly maxLength: number
}

/** Makes and opens tokens that carry their session, encrypted and authenticated, so that no store has to have it. */
export class SealedTokens {
  readonly #ring: KeyRing
  readonly #what: 'data' | 'all'
  readonly #place: TokenPlace
  readonly #random: RandomBytes

  /** `what` of a session they carry: with `data` a record has the rest, and the key of its secret stays as long as that. */
  constructor(ring: KeyRing, what: 'data' | 'all', place: TokenPlace, random: RandomBytes) {
    this.#ring = ring
    this.#what = what
    this.#place = place
    this.#random = random
  }

  /** The token for a session. */
  write({ record, body, json }: Carried, secret: Buffer): string {
    const { find, newest } = this.#ring
    const serverKey = this.#what === 'all' ? newest : (find(body.secret.keyId) ?? newest)
    const sid = Buffer.from(record.sid, 'base64url')
    const plain = Buffer.concat([secret, Buffer.from(`${fieldsOf(record, body)}\n${json}`)])
    const sealed = sealBytes(tokenKey(serverKey, sid), plain, this.#context(serverKey), this.#random)
    return `${serverKey.id}.${Buffer.concat([Buffer.of(version), sid, sealed]).toString('base64url')}`
  }

  /** What a token carries; `null` unless it is canonical, of this place, and not a bit of it was changed. */
  open(text: string): OpenedToken | null {
    if (text.length > longestToken || text[keyIdLength] !== '.') return null
    const serverKey = this.#ring.find(text.slice(0, keyIdLength))
    if (!serverKey) return null
    const encoded = text.slice(keyIdLength + 1)
    const payload = Buffer.from(encoded, 'base64url')
    // Node's decoder skips foreign characters and ignores unused bits; only the one canonical spelling is ours.
    if (payload[0] !== version || payload.length < fixedBytes || payload.toString('base64url') !== encoded) return null
    const sid = payload.subarray(1, 1 + sidBytes)
    const plain = unsealBytes(tokenKey(serverKey, sid), payload.subarray(1 + sidBytes), this.#context(serverKey))
    return plain && readPlain(plain, sid.toString('base64url'), serverKey)
  }

  /** Throws a `DataTooLargeError` when the token for a session would be too long for its place. */
  assertFits({ record, body, json }: Carried): void {
    const bytes = fixedBytes + Buffer.byteLength(fieldsOf(record, body)) + 1 + Buffer.byteLength(json)
    const tooMany = bytes - this.mostBytes
    if (tooMany <= 0) return
    throw new DataTooLargeError(
      `The session's data is ${tooMany} bytes too many for a cookie, which has to carry it all and which browsers drop ` +
        'beyond 4096 bytes. Keep big things in your database, or the sessions in a store: see docs/stores-sealed.md.',
    )
  }

  /** Most bytes that a token can carry, the fixed ones included. */
  get mostBytes(): number {
    return Math.floor(((this.#place.maxLength - keyIdLength - 1) * 3) / 4)
  }

  #context(serverKey: RingKey): string {
    return `token ${version} ${serverKey.id} ${this.#place.name}`
  }
}

/** What the token of a drafted session is to carry. */
export function carriedBy({
  record,
  opened: { body, json },
}: {
  record: StoredRecord
  opened: Pick<Carried, 'body' | 'json'>
}): Carried {
  return { record, body, json }
}

/** The data that a token carries; `null` when the record says that it is somebody else's, stronger, younger or longer-lived. */
export function carriedJson(carried: Carried, record: StoredRecord, body: SessionBody): string | null {
  return identityOf(carried.record, carried.body) === identityOf(record, body) ? carried.json : null
}

/** The sid needs no authentication beside the ciphertext's: with another one it is another key. */
function tokenKey(serverKey: RingKey, sid: Buffer): KeyObject {
  return createSecretKey(createHmac('sha256', serverKey.carryKey).update(sid).digest())
}

/** As JSON, which has no line feed outside of strings and none unescaped inside. */
function fieldsOf({ version, userId, createdAt, lastSeenAt }: StoredRecord, body: SessionBody): string {
  const { proofs, persistent, bearer, pending, secret } = body
  const { issuedAt } = secret
  return JSON.stringify([version, userId, createdAt, lastSeenAt, proofs, persistent, bearer, pending, issuedAt])
}

/** Authenticated, so it is what {@link fieldsOf} wrote. */
function readPlain(plain: Buffer, sid: string, serverKey: RingKey): OpenedToken {
  const end = plain.indexOf(lineFeed, secretBytes)
  const secret = Buffer.from(plain.subarray(0, secretBytes))
  const [version, userId, createdAt, lastSeenAt, proofs, persistent, bearer, pending, issuedAt] = JSON.parse(
    plain.toString('utf8', secretBytes, end),
  )
  const body: SessionBody = {
    proofs,
    persistent,
    bearer,
    pending,
    challenges: [],
    client: { address: null, userAgent: null },
    secret: { hash: secretHash(secret), keyId: serverKey.id, issuedAt },
    retired: [],
    data: '',
  }
  const record: StoredRecord = {
    sid,
    version,
    userId,
    createdAt,
    lastSeenAt,
    // Nobody sweeps cookies. The time-outs are judged by the instants above.
    expiresAt: Number.POSITIVE_INFINITY,
    ended: null,
    body: encodeBody(body),
  }
  return { record, body, json: plain.toString('utf8', end + 1), secret, serverKey }
}

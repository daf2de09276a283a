import type { KeyObject } from 'node:crypto'
import type { SessionBody } from './body.ts'
import type { KeyRing } from './key-ring.ts'
import { RecentMap } from './recent-map.ts'
import { sealingKey } from './seal.ts'
import type { Carried, SealedTokens } from './sealed-tokens.ts'
import { readToken, secretHash, writeToken } from './token.ts'

/** A token whose tag was found good, with what was computed from it. */
export interface KnownToken {
  /** Public session id. */
  readonly sid: string
  /** Hash of its secret, as a record holds it. */
  readonly hash: string
  /** Opens what is sealed under its secret. */
  readonly key: KeyObject
  /** Its secret. */
  readonly secret: Buffer
  /** The record body it last opened and what came out, so that an unchanged record is decrypted once. */
  memo: OpenedBody | null
  /** What it carries of its session; `null` for a token that only names it. */
  readonly carried: Carried | null
}

/** A record body, decoded and opened. */
export interface OpenedBody {
  /** The text it was opened from. */
  readonly text: string
  /** The identity it was authenticated for. */
  readonly userId: string | null
  /** The identity it was authenticated for. */
  readonly createdAt: number
  /** Decoded. */
  readonly body: SessionBody
  /** The current secret: the token's own, or the successor's. */
  readonly secret: Buffer
  /** Seals under the current secret. */
  readonly key: KeyObject
  /** The application's data as JSON text. */
  readonly json: string
}

/** A token that carries its session. */
export function knownToken(carried: Carried, secret: Buffer, key: KeyObject): KnownToken {
  const { record, body, json } = carried
  const { sid, userId, createdAt } = record
  const memo = { text: record.body, userId, createdAt, body, secret, key, json }
  return { sid, hash: body.secret.hash, key, secret, memo, carried }
}

/** Longest record body that is remembered opened, in characters: ten thousand of these fit in memory. */
const longestMemo = 4_096

/** Remembers what a token opened; long ones are not worth the memory and are opened again. */
export function remember(known: KnownToken, opened: OpenedBody): void {
  known.memo = opened.text.length <= longestMemo ? opened : null
}

/**
 * Tokens seen lately. Checking a token costs an HMAC, a hash and a decryption; the same token seen again costs a map
 * look-up. Nothing is decided from memory: the store is asked every time, and what was opened is used again only for
 * exactly the same record.
 */
export class KnownTokens {
  readonly #ring: KeyRing
  readonly #sealed: SealedTokens | null
  readonly #recent: RecentMap<KnownToken>

  /** With `sealed`, tokens that carry their session are the ones that count, and others are forged. */
  constructor(ring: KeyRing, most = 10_000, sealed: SealedTokens | null = null) {
    this.#ring = ring
    this.#sealed = sealed
    this.#recent = new RecentMap(most)
  }

  /** The token, or `null` when this server never issued it. Forged tokens are not remembered: they would fill the memory. */
  read(text: string): KnownToken | null {
    const recent = this.#recent.get(text)
    if (recent) return recent
    const known = this.#check(text)
    if (known) this.#recent.set(text, known)
    return known
  }

  /** The token that the holder of a session should carry; noted, so that this server need not open what it closed. */
  write({ record, body, json, secret, key }: Carried & Pick<KnownToken, 'secret' | 'key'>): string {
    // Under the key that its data is sealed under, which may not be the newest any more.
    if (!this.#sealed) return writeToken(this.#ring.find(body.secret.keyId) ?? this.#ring.newest, record.sid, secret)
    const carried = { record, body, json }
    const text = this.#sealed.write(carried, secret)
    this.#recent.set(text, knownToken(carried, secret, key))
    return text
  }

  #check(text: string): KnownToken | null {
    if (this.#sealed) return this.#open(this.#sealed, text)
    const token = readToken(this.#ring, text)
    return (
      token && {
        ...token,
        hash: secretHash(token.secret),
        key: sealingKey(token.serverKey, token.secret),
        memo: null,
        carried: null,
      }
    )
  }

  #open(sealed: SealedTokens, text: string): KnownToken | null {
    const token = sealed.open(text)
    if (!token) return null
    const { record, body, json, secret, serverKey } = token
    return knownToken({ record, body, json }, secret, sealingKey(serverKey, secret))
  }
}

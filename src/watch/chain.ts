import { createHmac, type KeyObject } from 'node:crypto'
import { canonicalJson } from '../session/canonical-json.ts'
import { keyIdLength } from '../session/key-ring.ts'
import type { AuditEntry } from './entry.ts'

/**
 * The chain: every entry carries a MAC over all its fields and the MAC before it. Whoever changes, inserts, removes or moves an
 * entry breaks the link behind it, and cannot mend it without the key, which is not where the trail is.
 */

/** An entry that has no place in a chain yet. */
export type Draft = Omit<AuditEntry, 'chain' | 'seq' | 'mac'>

/** What stands for the MAC before a chain's first entry. */
export const beginning = ''

const chainLength = 22

/**
 * A name for a new chain: the id of its key, so that it is known even when the first entries are pruned, and then at
 * random, 84 bits with the ids of the key ring.
 */
export function newChain(keyId: string, random: (size: number) => Buffer): string {
  return (
    keyId +
    random(chainLength)
      .toString('base64url')
      .slice(0, chainLength - keyId.length)
  )
}

/** The id of the key of a chain. Everybody can write a name: only MACs that are good under that key prove it. */
export function keyIdOf(chain: string): string {
  return chain.slice(0, keyIdLength)
}

/** The MAC of an entry, given the MAC before it ({@link beginning} for the first): 43 base64url characters. */
export function macOf(key: KeyObject, before: string, entry: Omit<AuditEntry, 'mac'>): string {
  // Two JSON values, one behind the other: no two different entries have the same text, whatever characters are in them. Only the
  // details need an order of their members; it would take as long as the MAC for the others.
  const { chain, seq, at, type, severity, sid, userId, address, userAgent, detail } = entry
  const fields = JSON.stringify([purpose, before, chain, seq, at, type, severity, sid, userId, address, userAgent])
  return createHmac('sha256', key)
    .update(fields + canonicalJson(detail))
    .digest('base64url')
}

/** Whether an entry is as it was written. Never throws, whatever somebody made of it. */
export function isAuthentic(key: KeyObject, before: string, entry: AuditEntry): boolean {
  try {
    return macOf(key, before, entry) === entry.mac
  } catch {
    return false
  }
}

/** The key makes hashes of addresses too; neither can be taken for the other. */
const purpose = 'latchkey trail v1'

/** Puts entries into a chain, one behind the other. */
export class Linker {
  readonly #key: KeyObject
  readonly #keyId: string
  readonly #random: (size: number) => Buffer
  #chain: string
  #seq = 0
  #before: string = beginning

  constructor(key: KeyObject, keyId: string, random: (size: number) => Buffer) {
    this.#key = key
    this.#keyId = keyId
    this.#random = random
    this.#chain = newChain(keyId, random)
  }

  /** The chain that is being written. */
  get chain(): string {
    return this.#chain
  }

  /** The id of the key that entries are authenticated with. */
  get keyId(): string {
    return this.#keyId
  }

  /** Gives a draft its place behind the last one; an entry of another chain gets a new place. */
  link(draft: Draft): AuditEntry {
    this.#seq += 1
    const placed = { ...draft, chain: this.#chain, seq: this.#seq }
    this.#before = macOf(this.#key, this.#before, placed)
    return { ...placed, mac: this.#before }
  }

  /** Leaves this chain and begins another one. */
  begin(): void {
    this.#chain = newChain(this.#keyId, this.#random)
    this.#seq = 0
    this.#before = beginning
  }
}

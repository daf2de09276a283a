import type { EndMark, StoredRecord } from '../../session/store.ts'
import { type Expiring, ExpiryQueue } from '../expiry-queue.ts'
import { Roll } from '../roll.ts'

/** A session in memory: its record without the body, twice. */
export class Entry implements Expiring {
  readonly sid: string
  readonly userId: string | null
  /** The record as it is, `body` always `''`. Replaced as a whole, so that two can be compared by identity. */
  head: StoredRecord
  /** The record as its file says. While it is not `head`, the file has yet to catch up. */
  written: StoredRecord
  filedAt: number = 0
  place: number = 0
  /** Its number in the roll of live sessions. */
  number: number = 0

  constructor(head: StoredRecord) {
    this.sid = head.sid
    this.userId = head.userId
    this.head = head
    this.written = head
  }

  get expiresAt(): number {
    return this.head.expiresAt
  }
}

/** Every session there is, by sid, by user and by expiry, without the bodies: about 0.5 KB each. */
export class Heads {
  readonly #entries = new Map<string, Entry>()
  readonly #liveOf = new Map<string, Set<Entry>>()
  readonly #expiry = new ExpiryQueue<Entry>()
  /** The live ones. */
  roll: Roll<Entry> = new Roll()

  get(sid: string): Entry | undefined {
    return this.#entries.get(sid)
  }

  /** Whether the entry is still the one with its sid: the question after every `await`. */
  holds(entry: Entry): boolean {
    return this.#entries.get(entry.sid) === entry
  }

  add(record: StoredRecord): Entry {
    const entry = new Entry(withoutBody(record))
    this.#entries.set(entry.sid, entry)
    this.#expiry.add(entry)
    this.#list(entry)
    return entry
  }

  update(entry: Entry, record: StoredRecord): void {
    entry.head = withoutBody(record)
    this.#expiry.refile(entry)
    if (record.ended) this.#unlist(entry)
  }

  forget(entry: Entry): void {
    if (!this.holds(entry)) return
    this.#entries.delete(entry.sid)
    this.#expiry.remove(entry)
    this.#unlist(entry)
  }

  /** Files are found in any order: the roll begins anew with the oldest. */
  rankByAge(): void {
    this.roll = new Roll()
    const byAge = this.live().sort((a, b) => a.head.createdAt - b.head.createdAt)
    for (const entry of byAge) entry.number = this.roll.join(entry)
  }

  live(): Entry[] {
    return [...this.#entries.values()].filter(entry => !entry.head.ended)
  }

  /** The user's live sessions, newest first. */
  liveOf(userId: string): Entry[] {
    const live = [...(this.#liveOf.get(userId) ?? [])]
    return live.reverse().sort((a, b) => b.head.createdAt - a.head.createdAt)
  }

  /** The entry with the smallest `expiresAt <= now`, if there is one. */
  firstExpired(now: number): Entry | null {
    return this.#expiry.firstExpired(now)
  }

  #list(entry: Entry): void {
    if (entry.head.ended) return
    entry.number = this.roll.join(entry)
    if (entry.userId === null) return
    const live = this.#liveOf.get(entry.userId)
    if (live) live.add(entry)
    else this.#liveOf.set(entry.userId, new Set([entry]))
  }

  #unlist(entry: Entry): void {
    this.roll.leave(entry.number)
    if (entry.userId === null) return
    const live = this.#liveOf.get(entry.userId)
    live?.delete(entry)
    if (live?.size === 0) this.#liveOf.delete(entry.userId)
  }
}

/** The tombstone that an end leaves of a live record. */
export function endedBy(record: StoredRecord, mark: EndMark): StoredRecord {
  return { ...record, version: record.version + 1, ended: { ...mark }, expiresAt: mark.keepUntil, body: '' }
}

function withoutBody(record: StoredRecord): StoredRecord {
  return record.body === '' ? record : { ...record, body: '' }
}

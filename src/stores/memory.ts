import { UsageError } from '../errors.ts'
import type {
  CreateOptions,
  CreateResult,
  EndMark,
  SessionDirectory,
  SessionPage,
  SessionStore,
  StoredRecord,
} from '../session/store.ts'
import { type Expiring, ExpiryQueue } from './expiry-queue.ts'
import { Generations } from './generations.ts'
import { Line, type Standing } from './memory/line.ts'
import { Roll } from './roll.ts'

/** Settings of the memory store. */
export interface MemoryStoreOptions {
  /**
   * The most records it holds, tombstones of ended sessions included; 1 or more, default `100_000`. A record takes
   * about half a kilobyte plus its body, which is at most about 1.4 times `maxDataBytes`.
   */
  readonly maxRecords?: number
}

/** A stored record and its places in the orders that are kept. */
interface Slot extends Expiring, Standing {
  record: StoredRecord
  /** Its number in the roll of live records, 0 while it is in none. */
  number: number
}

/**
 * Keeps records in this process, for development, tests and tools. They die with the process.
 *
 * When `maxRecords` is reached, `create` makes room, safely: it removes an expired record; else the live anonymous record
 * that was used longest ago (a flood of visitors never signs a user out; the removed record is among `evicted`, so it
 * is told); else the tombstone that ended first (its token stays refused, only the reason is forgotten). When all
 * records are signed-in users it refuses with an error that names `maxRecords`.
 *
 * Throws a `UsageError` when `maxRecords` is not a whole number of 1 or more.
 */
export function memoryStore(options: MemoryStoreOptions = {}): SessionStore {
  const maxRecords = options.maxRecords ?? 100_000
  if (!Number.isSafeInteger(maxRecords) || maxRecords < 1) {
    throw new UsageError(`memoryStore: maxRecords is ${maxRecords}: give a whole number of 1 or more, such as 100_000.`)
  }
  return new MemoryStore(maxRecords)
}

class MemoryStore implements SessionStore {
  readonly name = 'memory'
  readonly persistent = false
  readonly #maxRecords: number
  readonly #slots = new Map<string, Slot>()
  readonly #byExpiry = new ExpiryQueue<Slot>()
  readonly #liveOfUser = new Map<string, Set<Slot>>()
  /** Live anonymous records, the one used longest ago first. */
  readonly #anonymous = new Line<Slot>()
  /** Ended records, the first to end first. */
  readonly #tombstones = new Line<Slot>()
  /** All live records. */
  readonly #roll = new Roll<Slot>()
  readonly #generations = new Generations()
  readonly directory: SessionDirectory = {
    page: async (cursor, limit) => this.#page(cursor, limit),
    count: async () => this.#roll.size,
    sample: async size => this.#roll.sample(size).map(slot => slot.record),
  }

  constructor(maxRecords: number) {
    this.#maxRecords = maxRecords
  }

  read(sid: string): StoredRecord | null {
    return this.#slots.get(sid)?.record ?? null
  }

  // No method awaits anything before it is done, so each is one atomic step; `async` turns a throw into a rejection.

  async create(record: StoredRecord, { now, generation, limit }: CreateOptions): Promise<CreateResult> {
    const { sid, userId } = record
    if (this.#slots.has(sid)) return { outcome: 'exists' }
    if (userId !== null && generation !== undefined && generation !== this.#generations.of(userId))
      return { outcome: 'overtaken' }
    const counts = ({ expiresAt, record }: Slot) => expiresAt > now && record.sid !== limit?.except
    const counted = userId !== null && limit ? this.#live(userId).filter(counts) : []
    // Newest first, so the oldest are behind the `max - 1` that may stay.
    const tooMany = limit ? counted.slice(limit.max - 1) : []
    if (limit?.evict === 'refuse' && tooMany.length > 0) return { outcome: 'limit' }

    const evicted = limit && limit.evict !== 'refuse' ? this.#endAll(tooMany, limit.evict) : []
    // Cannot throw after an eviction: that left a tombstone, which may go.
    evicted.push(...this.#makeRoom(now))
    const slot: Slot = {
      record: Object.freeze({ ...record }),
      expiresAt: record.expiresAt,
      number: 0,
      filedAt: 0,
      place: 0,
      before: null,
      after: null,
    }
    this.#slots.set(sid, slot)
    this.#byExpiry.add(slot)
    this.#index(slot)
    return { outcome: 'created', evicted }
  }

  async save(record: StoredRecord): Promise<'saved' | 'conflict' | 'gone'> {
    const slot = this.#slots.get(record.sid)
    if (!slot || slot.record.ended) return 'gone'
    if (slot.record.version !== record.version - 1) return 'conflict'
    this.#replace(slot, { ...record, userId: slot.record.userId, ended: null })
    this.#used(slot)
    return 'saved'
  }

  async touch(sid: string, lastSeenAt: number, expiresAt: number): Promise<void> {
    const slot = this.#slots.get(sid)
    if (!slot || slot.record.ended) return
    const { record } = slot
    this.#replace(slot, {
      ...record,
      lastSeenAt: Math.max(record.lastSeenAt, lastSeenAt),
      expiresAt: Math.max(record.expiresAt, expiresAt),
    })
    this.#used(slot)
  }

  async end(sid: string, mark: EndMark): Promise<StoredRecord | null> {
    const slot = this.#slots.get(sid)
    return slot && !slot.record.ended ? this.#end(slot, mark) : null
  }

  async endUser(userId: string, mark: EndMark, except?: string): Promise<StoredRecord[]> {
    this.#generations.raise(userId)
    const ending = this.#live(userId).filter(slot => slot.record.sid !== except)
    return this.#endAll(ending, mark)
  }

  async endEverybody(mark: EndMark): Promise<number> {
    this.#generations.raiseEverybody()
    const live = [...this.#slots.values()].filter(slot => !slot.record.ended)
    return this.#endAll(live, mark).length
  }

  async generation(userId: string): Promise<number> {
    return this.#generations.of(userId)
  }

  async list(userId: string): Promise<StoredRecord[]> {
    return this.#live(userId).map(slot => slot.record)
  }

  async sweep(now: number, limit: number): Promise<StoredRecord[]> {
    const removed: StoredRecord[] = []
    while (removed.length < limit) {
      const slot = this.#byExpiry.firstExpired(now)
      if (!slot) break
      removed.push(this.#remove(slot))
    }
    return removed
  }

  async ping(): Promise<void> {}

  async close(): Promise<void> {}

  #page(cursor: string | null, limit: number): SessionPage {
    const { entries, next } = this.#roll.page(cursor, limit)
    return { records: entries.map(slot => slot.record), next }
  }

  /** The user's live records, newest first. */
  #live(userId: string): Slot[] {
    const live = [...(this.#liveOfUser.get(userId) ?? [])]
    return live.reverse().sort((a, b) => b.record.createdAt - a.record.createdAt)
  }

  #replace(slot: Slot, record: StoredRecord): void {
    slot.record = Object.freeze(record)
    slot.expiresAt = record.expiresAt
    this.#byExpiry.refile(slot)
  }

  #endAll(slots: Slot[], mark: EndMark): StoredRecord[] {
    return slots.map(slot => this.#end(slot, mark))
  }

  #end(slot: Slot, mark: EndMark): StoredRecord {
    const { record } = slot
    this.#unindex(slot)
    const ended = Object.freeze({ ...mark })
    this.#replace(slot, { ...record, version: record.version + 1, ended, expiresAt: mark.keepUntil, body: '' })
    this.#index(slot)
    return record
  }

  #remove(slot: Slot): StoredRecord {
    this.#slots.delete(slot.record.sid)
    this.#byExpiry.remove(slot)
    this.#unindex(slot)
    return slot.record
  }

  /** Removes records until one more fits; answers with those among them that were live. */
  #makeRoom(now: number): StoredRecord[] {
    const removed: StoredRecord[] = []
    while (this.#slots.size >= this.#maxRecords) {
      const leastMissed = this.#byExpiry.firstExpired(now) ?? this.#anonymous.first() ?? this.#tombstones.first()
      if (!leastMissed) {
        throw new Error(
          `The memory store is full: all ${this.#maxRecords} records are signed-in users. Raise memoryStore({ maxRecords }).`,
        )
      }
      removed.push(this.#remove(leastMissed))
    }
    return removed.filter(record => !record.ended)
  }

  #used(slot: Slot): void {
    if (slot.record.userId !== null) return
    this.#anonymous.leave(slot)
    this.#anonymous.join(slot)
  }

  #index(slot: Slot): void {
    const { userId, ended } = slot.record
    if (!ended) slot.number = this.#roll.join(slot)
    if (ended) this.#tombstones.join(slot)
    else if (userId === null) this.#anonymous.join(slot)
    else {
      const live = this.#liveOfUser.get(userId)
      if (live) live.add(slot)
      else this.#liveOfUser.set(userId, new Set([slot]))
    }
  }

  #unindex(slot: Slot): void {
    const { userId, ended } = slot.record
    if (!ended) this.#roll.leave(slot.number)
    if (ended) this.#tombstones.leave(slot)
    else if (userId === null) this.#anonymous.leave(slot)
    else {
      const live = this.#liveOfUser.get(userId)
      live?.delete(slot)
      if (live?.size === 0) this.#liveOfUser.delete(userId)
    }
  }
}

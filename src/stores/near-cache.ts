import { UsageError } from '../errors.ts'
import { ChangeFeed } from '../session/change-feed.ts'
import { RecentMap } from '../session/recent-map.ts'
import type {
  CreateOptions,
  CreateResult,
  EndMark,
  SessionDirectory,
  SessionStore,
  SharedStore,
  StoredRecord,
} from '../session/store.ts'

/** Settings of the near cache. */
export interface NearCacheOptions {
  /** The most records it remembers; 2 or more, default `10_000`. A record takes half a kilobyte plus its body. */
  readonly maxRecords?: number
}

/**
 * Serves repeated reads of a session from this process's memory, over a store that many processes share.
 *
 * Every change by anybody is told by the store and forgotten here. And because a connection can fall silent without
 * breaking, the store is asked some forty times a second to confirm that everything was told: without a confirmation
 * not older than 90 ms nothing is served from memory. So a session that was ended anywhere answers nowhere later than 100 ms
 * after the call that ended it returned; while the store cannot be followed the cache is off, not stale.
 *
 * Throws a `UsageError` when the store cannot be followed or `maxRecords` is out of bounds.
 */
export function nearCache(store: SharedStore, options: NearCacheOptions = {}): SessionStore {
  const maxRecords = options.maxRecords ?? 10_000
  if (!Number.isSafeInteger(maxRecords) || maxRecords < 2) {
    throw new UsageError(`nearCache: maxRecords is ${maxRecords}: give a whole number of 2 or more, such as 10_000.`)
  }
  if (typeof store.follow !== 'function') {
    const reason = 'tells nobody of its changes. Only a store that many processes share needs a near cache'
    throw new UsageError(`nearCache: the ${store.name} store ${reason}: postgresStore or redisStore.`)
  }
  return new NearCache(store, maxRecords)
}

class NearCache implements SessionStore {
  readonly caches = true
  readonly persistent: boolean
  readonly name: string
  /** Of the store itself: a page costs it one question, and what is remembered here would be a part of the answer at best. */
  readonly directory: SessionDirectory | undefined
  readonly #store: SharedStore
  readonly #records: RecentMap<StoredRecord>
  /** Reads under way by sid; one that is overtaken by a change must not be remembered. */
  readonly #reading = new Map<string, { overtaken: boolean }>()
  readonly #feed: ChangeFeed

  constructor(store: SharedStore, maxRecords: number) {
    this.#store = store
    this.#records = new RecentMap(maxRecords)
    this.#feed = new ChangeFeed(store, sid => (sid === null ? this.#forgetAll() : this.#forget(sid)))
    this.persistent = store.persistent
    this.directory = store.directory
    this.name = `${store.name} behind a near cache`
  }

  read(sid: string, options?: { readonly fresh: boolean }): StoredRecord | null | Promise<StoredRecord | null> {
    const isComplete = this.#feed.isComplete()
    if (isComplete && !options?.fresh) {
      const record = this.#records.get(sid)
      if (record) return record
    }
    return this.#readThrough(sid, options)
  }

  async create(record: StoredRecord, options: CreateOptions): Promise<CreateResult> {
    const result = await this.#changing([record.sid], this.#store.create(record, options))
    if (result.outcome === 'created') for (const { sid } of result.evicted) this.#forget(sid)
    return result
  }

  save(record: StoredRecord, options: { durable: boolean }): Promise<'saved' | 'conflict' | 'gone'> {
    return this.#changing([record.sid], this.#store.save(record, options))
  }

  touch(sid: string, lastSeenAt: number, expiresAt: number): Promise<void> {
    return this.#changing([sid], this.#store.touch(sid, lastSeenAt, expiresAt))
  }

  end(sid: string, mark: EndMark): Promise<StoredRecord | null> {
    return this.#changing([sid], this.#store.end(sid, mark))
  }

  async endUser(userId: string, mark: EndMark, except?: string): Promise<StoredRecord[]> {
    const ended = await this.#store.endUser(userId, mark, except)
    for (const { sid } of ended) this.#forget(sid)
    return ended
  }

  endEverybody(mark: EndMark): Promise<number> {
    return this.#changing(null, this.#store.endEverybody(mark))
  }

  generation(userId: string): Promise<number> {
    return this.#store.generation(userId)
  }

  list(userId: string): Promise<StoredRecord[]> {
    return this.#store.list(userId)
  }

  sweep(now: number, limit: number): Promise<StoredRecord[]> {
    return this.#store.sweep(now, limit)
  }

  ping(): Promise<void> {
    return this.#store.ping()
  }

  async close(): Promise<void> {
    this.#feed.stop()
    await this.#store.close()
  }

  async #readThrough(sid: string, options?: { readonly fresh: boolean }): Promise<StoredRecord | null> {
    // Only what was read while changes were being told may be remembered.
    if (!this.#feed.isFollowing || this.#reading.has(sid)) return this.#store.read(sid, options)
    const reading = { overtaken: false }
    this.#reading.set(sid, reading)
    try {
      const record = await this.#store.read(sid, options)
      if (record && !reading.overtaken) this.#records.set(sid, record)
      return record
    } finally {
      this.#reading.delete(sid)
    }
  }

  /** Forgets what a change is about before anybody can learn of its outcome, whatever it is. */
  async #changing<Result>(sids: readonly string[] | null, change: Promise<Result>): Promise<Result> {
    const forget = () => {
      if (sids) for (const sid of sids) this.#forget(sid)
      else this.#forgetAll()
    }
    forget()
    try {
      return await change
    } finally {
      forget()
    }
  }

  #forget(sid: string): void {
    this.#records.delete(sid)
    const reading = this.#reading.get(sid)
    if (reading) reading.overtaken = true
  }

  #forgetAll(): void {
    this.#records.clear()
    for (const reading of this.#reading.values()) reading.overtaken = true
  }
}

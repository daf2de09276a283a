import { LatchkeyError, StoreError } from '../errors.ts'
import { type Awaitable, isThenable } from './awaitable.ts'
import { Deadline } from './deadline.ts'
import type { EventStream } from './event-stream.ts'
import type { RequestOrigin } from './events.ts'
import type { SessionStore, StoredRecord } from './store.ts'
import { isRecordOrNull } from './store-answers.ts'
import { type StoreMeter, StoreMeters } from './store-meter.ts'

/**
 * The store as the engine asks it: within a deadline, and only answers that the contract knows are believed. Everything
 * else is told as an event and ends as a `StoreError`: from a store that fails nothing may follow (ASVS 16.5.2).
 */
export class AskedStore {
  readonly #store: SessionStore
  readonly #events: EventStream
  readonly #deadline: Deadline
  readonly #meters = new StoreMeters()

  constructor(store: SessionStore, events: EventStream, timeoutMs: number) {
    this.#store = store
    this.#events = events
    this.#deadline = new Deadline(timeoutMs)
  }

  /** Adds a meter; the returned function removes it. */
  measure(meter: StoreMeter): () => void {
    return this.#meters.add(meter)
  }

  /** Whether the store lists all sessions, whoever's they are. */
  get hasDirectory(): boolean {
    return this.#store.directory !== undefined
  }

  /** Whether a record that was read may be out of date. */
  get caches(): boolean {
    return this.#store.caches === true
  }

  /** What of a session its token carries. */
  get carried(): 'data' | 'all' | null {
    return this.#store.carried ?? null
  }

  /**
   * The record as it is now, `null` when there is none, `corrupt` when it is damaged; at once where the store answers at
   * once. With `remembered` it may be out of date where the store caches.
   */
  read(
    sid: string,
    request: { origin(): RequestOrigin } | null,
    age: 'now' | 'remembered' = 'now',
  ): Awaitable<StoredRecord | 'corrupt' | null> {
    const startedAt = this.#meters.start()
    return startedAt === null ? this.#read(sid, request, age) : this.#measuredRead(sid, request, age, startedAt)
  }

  /** Any other operation. */
  async ask<Answer>(
    operation: string,
    isSound: (answer: unknown) => answer is Answer,
    work: (store: SessionStore) => Promise<Answer>,
  ): Promise<Answer> {
    const startedAt = this.#meters.start()
    try {
      const answer: unknown = await this.#deadline.race(work(this.#store))
      if (!isSound(answer)) throw new Error('the answer is none that the store contract knows')
      this.#meters.stored(operation, startedAt, answer === 'conflict' ? 'conflict' : 'done')
      return answer
    } catch (cause) {
      if (cause instanceof LatchkeyError) throw cause
      this.#meters.stored(operation, startedAt, 'failed')
      throw this.failed(operation, cause)
    }
  }

  /** Tells of a failure, and makes the error for it. */
  failed(operation: string, cause: unknown): StoreError {
    this.#events.emit(null, null, null, { type: 'store.failed', operation })
    return new StoreError(`The session store (${this.#store.name}) failed at ${operation}. Try again in a moment.`, {
      cause,
    })
  }

  async close(): Promise<void> {
    await this.#store.close()
  }

  #read(
    sid: string,
    request: { origin(): RequestOrigin } | null,
    age: 'now' | 'remembered',
  ): Awaitable<StoredRecord | 'corrupt' | null> {
    let answer: unknown
    try {
      answer = this.#store.caches && age === 'now' ? this.#store.read(sid, { fresh: true }) : this.#store.read(sid)
      if (!isThenable(answer)) return this.#recordFrom(answer, sid)
    } catch (cause) {
      return this.#unreadable(cause, sid, request)
    }
    return this.#deadline
      .race(answer)
      .then(record => this.#recordFrom(record, sid))
      .catch(cause => this.#unreadable(cause, sid, request))
  }

  #measuredRead(
    sid: string,
    request: { origin(): RequestOrigin } | null,
    age: 'now' | 'remembered',
    startedAt: number,
  ): Awaitable<StoredRecord | 'corrupt' | null> {
    const failed = (error: unknown): never => {
      // A record that is damaged, or a call that makes no sense, is no failure of the store.
      if (error instanceof StoreError) this.#meters.stored('read', startedAt, 'failed')
      throw error
    }
    let answer: Awaitable<StoredRecord | 'corrupt' | null>
    try {
      answer = this.#read(sid, request, age)
    } catch (error) {
      return failed(error)
    }
    const isThere = !(answer instanceof Promise)
    // What a store that caches has at hand was in its cache, and took no time of the store's.
    const looked = this.caches && age === 'remembered'
    if (looked) this.#meters.looked(isThere)
    if (answer instanceof Promise) {
      return answer.then(record => {
        this.#meters.stored('read', startedAt, 'done')
        return record
      }, failed)
    }
    if (!looked) this.#meters.stored('read', startedAt, 'done')
    return answer
  }

  #recordFrom(answer: unknown, sid: string): StoredRecord | null {
    if (!isRecordOrNull(answer)) throw new Error('the answer is no record')
    // A store that mixes up its records must not end, or open, somebody else's session.
    if (answer && answer.sid !== sid) throw new Error('the answer is another record than the one asked for')
    return answer
  }

  #unreadable(cause: unknown, sid: string, request: { origin(): RequestOrigin } | null): 'corrupt' {
    if (cause instanceof LatchkeyError) throw cause
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'corrupt-record'))
      throw this.failed('read', cause)
    this.#events.emit(sid, null, request?.origin() ?? null, { type: 'record.corrupt' })
    return 'corrupt'
  }
}

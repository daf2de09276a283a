import { AskedDirectory } from './asked-directory.ts'
import type { AskedStore } from './asked-store.ts'
import { type Awaitable, after } from './awaitable.ts'
import { decodeBody, encodeBody, type SessionBody } from './body.ts'
import type { EventStream } from './event-stream.ts'
import type { RequestOrigin } from './events.ts'
import type { Policy } from './policy.ts'
import type { EndMark, EndReason, StoredRecord } from './store.ts'
import { areRecords, isAnything, isCount, isRecordOrNull, isSaveResult } from './store-answers.ts'
import { canProve, timedOut } from './verdict.ts'

/** Tombstones outlive their session by this much, so that the use of a dead token is recognised for what it is. */
const tombstoneMs = 24 * 3_600_000
/** Records a sweep removes in one step, and steps in one sweep: a backlog must not stop the process. */
const sweepBatch = 500
const sweepSteps = 20

/** A session that is being used changes now and then, not all the time. */
const lockAttempts = 50

/** Sessions from the outside, by user and by id: listed, ended, swept. Needs no token, and can read nobody's data. */
export class Administration {
  /** All sessions, whoever's they are. */
  readonly directory: AskedDirectory
  readonly #store: AskedStore
  readonly #events: EventStream
  readonly #policy: Policy
  readonly #clock: () => number

  constructor(store: AskedStore, events: EventStream, policy: Policy, clock: () => number) {
    this.directory = new AskedDirectory(store, policy, clock)
    this.#store = store
    this.#events = events
    this.#policy = policy
    this.#clock = clock
  }

  /** Ends one session; `true` when it was alive. */
  async end(sid: string, reason: EndReason, origin: RequestOrigin | null = null): Promise<boolean> {
    const ended = await this.#store.ask('end', isRecordOrNull, store => store.end(sid, this.mark(reason)))
    if (ended) this.tellEnded(ended, reason, origin)
    return ended !== null
  }

  /**
   * Asks the user of a session to prove again who they are, before it answers them anything; a session in front of which there
   * is nobody who could is ended. `true` when it was alive.
   */
  async lock(sid: string): Promise<boolean> {
    for (let attempt = 1; ; attempt += 1) {
      const entry = await this.find(sid)
      if (!entry) return false
      const { record, body } = entry
      if (!canProve(record, body)) return this.end(sid, 'revoked')
      if (body.lockedAt !== undefined) return true
      const next = encodeBody({ ...body, lockedAt: this.#clock() })
      const outcome = await this.#store.ask('save', isSaveResult, store =>
        store.save({ ...record, version: record.version + 1, body: next }, { durable: true }),
      )
      if (outcome === 'gone') return false
      if (outcome === 'conflict' && attempt < lockAttempts) continue
      if (outcome === 'conflict') throw this.#store.failed('save', new Error('too many other changes to this session'))
      this.#events.emit(sid, record.userId, null, { type: 'session.locked' })
      return true
    }
  }

  /** Ends all of a user's sessions but `except`. When it resolves none of them answers, and none under way will. */
  async endUser(userId: string, reason: EndReason, except?: string): Promise<number> {
    const ended = await this.#store.ask('end-user', areRecords, store =>
      store.endUser(userId, this.mark(reason), except),
    )
    for (const record of ended) this.tellEnded(record, reason, null)
    this.#events.emit(null, userId, null, { type: 'sessions.ended-all', reason, count: ended.length })
    return ended.length
  }

  /** Ends every session there is. */
  async endEverybody(reason: EndReason): Promise<number> {
    const count = await this.#store.ask('end-everybody', isCount, store => store.endEverybody(this.mark(reason)))
    this.#events.emit(null, null, null, { type: 'sessions.ended-all', reason, count })
    return count
  }

  /** The user's generation: see `SessionStore.generation`. */
  generation(userId: string): Promise<number> {
    return this.#store.ask('generation', isCount, store => store.generation(userId))
  }

  /** The user's live records, each with its readable part; newest first. */
  async list(userId: string): Promise<{ record: StoredRecord; body: SessionBody }[]> {
    const records = await this.#store.ask('list', areRecords, store => store.list(userId))
    return records.flatMap(record => this.#inspect(record) ?? [])
  }

  /** One live record by sid, or `null`. With `remembered` it may be out of date where the store caches. */
  find(sid: string, age: 'now' | 'remembered' = 'now'): Awaitable<{ record: StoredRecord; body: SessionBody } | null> {
    return after(this.#store.read(sid, null, age), record =>
      record && record !== 'corrupt' && !record.ended ? this.#inspect(record) : null,
    )
  }

  /** The readable part of a record, unless it is damaged or has timed out unseen. */
  #inspect(record: StoredRecord): { record: StoredRecord; body: SessionBody } | null {
    const body = decodeBody(record.body)
    return body && !timedOut(record, body, this.#clock(), this.#policy) ? { record, body } : null
  }

  /** Removes what has timed out or is forgotten, and tells of sessions that timed out unseen. Returns how many records left. */
  async sweep(): Promise<number> {
    this.#events.flush()
    let removed = 0
    for (let step = 0; step < sweepSteps; step += 1) {
      const now = this.#clock()
      const records = await this.#store.ask('sweep', areRecords, store => store.sweep(now, sweepBatch))
      for (const record of records) {
        if (!record.ended) this.tellEnded(record, this.#timedOut(record, now), null)
      }
      removed += records.length
      if (records.length < sweepBatch) break
      // A store that answers at once would keep everybody waiting for all steps together.
      await new Promise(resume => setImmediate(resume))
    }
    return removed
  }

  #timedOut(record: StoredRecord, now: number): EndReason {
    const body = decodeBody(record.body)
    return (body && timedOut(record, body, now, this.#policy)) ?? 'idle'
  }

  /** Rejects with a `StoreError` when the store cannot serve. */
  async ping(): Promise<void> {
    await this.#store.ask('ping', isAnything, store => store.ping())
  }

  /** How a session ends now; its tombstone is kept for a day. */
  mark(reason: EndReason, at: number = this.#clock()): EndMark {
    return { reason, at, keepUntil: at + tombstoneMs }
  }

  /** Tells that a session is over. */
  tellEnded(record: StoredRecord, reason: EndReason, origin: RequestOrigin | null): void {
    this.#events.emit(record.sid, record.userId, origin, { type: 'session.ended', reason })
  }
}

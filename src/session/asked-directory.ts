import { UsageError } from '../errors.ts'
import type { AskedStore } from './asked-store.ts'
import { decodeBody, type SessionBody } from './body.ts'
import type { Policy } from './policy.ts'
import type { SessionDirectory, StoredRecord } from './store.ts'
import { areRecords, isCount, isPageOf } from './store-answers.ts'
import { timedOut } from './verdict.ts'

/** A live record and its readable part. */
export interface Entry {
  readonly record: StoredRecord
  readonly body: SessionBody
}

/** The store's directory as the engine asks it: within the deadline, sound answers only, and nothing but sessions that live. */
export class AskedDirectory {
  readonly #store: AskedStore
  readonly #policy: Policy
  readonly #clock: () => number

  constructor(store: AskedStore, policy: Policy, clock: () => number) {
    this.#store = store
    this.#policy = policy
    this.#clock = clock
  }

  /** Whether there is one. */
  get exists(): boolean {
    return this.#store.hasDirectory
  }

  /** The sessions of one page; `examined`: how many records it had, with those that are damaged or timed out unseen. */
  async page(
    cursor: string | null,
    limit: number,
  ): Promise<{ entries: Entry[]; examined: number; next: string | null }> {
    const { records, next } = await this.#store.ask('directory-page', isPageOf(limit), async store =>
      directoryOf(store).page(cursor, limit),
    )
    return { entries: this.inspect(records), examined: records.length, next }
  }

  /** How many live records there are, as far as the store can tell. */
  count(): Promise<number> {
    return this.#store.ask('directory-count', isCount, async store => directoryOf(store).count())
  }

  /** About so many of them, and the sessions among those. */
  async sample(size: number): Promise<{ entries: Entry[]; examined: number }> {
    const records = await this.#store.ask('directory-sample', areRecords, async store =>
      directoryOf(store).sample(size),
    )
    return { entries: this.inspect(records), examined: records.length }
  }

  /** Those that live, with their readable part. One damaged record must not hide all others. */
  inspect(records: readonly StoredRecord[]): Entry[] {
    const now = this.#clock()
    return records.flatMap(record => {
      const body = record.ended ? null : decodeBody(record.body)
      return body && !timedOut(record, body, now, this.#policy) ? [{ record, body }] : []
    })
  }
}

function directoryOf(store: { readonly name: string; readonly directory?: SessionDirectory | undefined }) {
  if (store.directory) return store.directory
  throw new UsageError(
    `The ${store.name} store has no directory of all sessions (sessions.listable is false): sessions.list(userId) still works ` +
      'where sessions are revocable. memoryStore, fileStore, sqliteStore, postgresStore and redisStore have one.',
  )
}

import { setImmediate } from 'node:timers/promises'
import type { SessionDirectory, SessionPage, StoredRecord } from '../../session/store.ts'
import { CorruptRecord } from '../corrupt-record.ts'
import { noCursor } from '../directory-cursor.ts'
import { RecentCount } from '../recent-count.ts'
import type { Columns, Statements } from './statements.ts'

/** A row of the directory. */
export type Listed = [rowId: number, sid: string, ...Columns]

/** What the directory needs of its store. */
export interface Listing {
  readonly statements: Statements
  /** Asks the database, again and again while it is locked. */
  query<T>(read: () => T): T | Promise<T>
  /** The record in a row; throws a `CorruptRecord`. */
  record(sid: string, columns: Columns): StoredRecord
}

/** Entries of the index that are looked at in one turn of the event loop: about a millisecond. */
const entriesAtOnce = 20_000

/**
 * All live records by row id, the newest first. A row keeps its id as long as it is there (nobody runs VACUUM on the file
 * while it is listed), and an index holds the ids of the live ones, so that tombstones are not even stepped over.
 */
export class SqliteDirectory implements SessionDirectory {
  readonly #listing: Listing
  readonly #recent = new RecentCount()

  constructor(listing: Listing) {
    this.#listing = listing
  }

  async page(cursor: string | null, limit: number): Promise<SessionPage> {
    const { statements, query } = this.#listing
    const below = cursor === null ? Number.MAX_SAFE_INTEGER : rowIdIn(cursor)
    // One more than asked for tells whether this is the last page.
    const rows = await query(() => statements.listed.all(below, limit + 1) as unknown as Listed[])
    const shown = rows.slice(0, limit)
    const last = shown.at(-1)
    return { records: this.#records(shown), next: rows.length > limit && last ? String(last[0]) : null }
  }

  count(): Promise<number> {
    return this.#recent.now(() => this.#count())
  }

  async #count(): Promise<number> {
    let count = 0
    for await (const step of this.#steps()) count += step.count
    return count
  }

  async sample(size: number): Promise<StoredRecord[]> {
    let about = await this.#recent.about(() => this.#count())
    if (about <= 2 * size) {
      const { records, next } = await this.page(null, size)
      if (next === null) return [...records]
      about = await this.count()
    }
    const distance = Math.max(2, Math.ceil(about / size))
    const rest = Math.floor(Math.random() * distance)
    const { statements, query } = this.#listing
    const records: StoredRecord[] = []
    for await (const { from, below } of this.#steps()) {
      const rows = await query(() => statements.picked.all(from, below, distance, rest) as unknown as Listed[])
      records.push(...this.#records(rows))
    }
    return records
  }

  /** Walks through the index of live rows, a range of row ids at a time, and lets others work in between. */
  async *#steps(): AsyncGenerator<{ from: number; below: number; count: number }> {
    const { statements, query } = this.#listing
    let below = Number.MAX_SAFE_INTEGER
    for (;;) {
      const [count, from] = await query(
        () => statements.countListed.get(below, entriesAtOnce) as unknown as [number, number | null],
      )
      if (from === null) return
      yield { from, below, count }
      if (count < entriesAtOnce) return
      below = from
      await setImmediate()
    }
  }

  #records(rows: readonly Listed[]): StoredRecord[] {
    return rows.flatMap(([, sid, ...columns]) => {
      try {
        return [this.#listing.record(sid, columns)]
      } catch (error) {
        if (error instanceof CorruptRecord) return []
        throw error
      }
    })
  }
}

function rowIdIn(cursor: string): number {
  return /^-?\d{1,15}$/.test(cursor) ? Number(cursor) : noCursor()
}

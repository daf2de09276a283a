import type { Row } from '../../databases/postgres/pool.ts'
import type { SessionDirectory, SessionPage, StoredRecord } from '../../session/store.ts'
import { CorruptRecord } from '../corrupt-record.ts'
import { noCursor } from '../directory-cursor.ts'
import { RecentCount } from '../recent-count.ts'
import type { Database } from './database.ts'
import { toRecord } from './rows.ts'
import type { Statements } from './statements.ts'

/** Created after everything else, and so the place before the newest record. */
const newest: Place = ['9223372036854775807', '']
/** Where a page ended: `created_at` and `sid` as they stand in the columns. */
type Place = readonly [createdAt: string, sid: string]

/**
 * All live records, newest `created_at` first: the engine never changes it, and of records of one millisecond the sid
 * decides. An index holds the live ones in that order.
 */
export class PostgresDirectory implements SessionDirectory {
  readonly #database: Database
  readonly #statements: Statements
  readonly #recent = new RecentCount()

  constructor(database: Database, statements: Statements) {
    this.#database = database
    this.#statements = statements
  }

  async page(cursor: string | null, limit: number): Promise<SessionPage> {
    const after = cursor === null ? newest : placeIn(cursor)
    // One more than asked for tells whether this is the last page.
    const rows = await this.#database.run(this.#statements.page, [...after, limit + 1])
    const shown = rows.slice(0, limit)
    return { records: sound(shown), next: rows.length > limit ? cursorAfter(shown.at(-1)) : null }
  }

  count(): Promise<number> {
    return this.#recent.now(() => this.#count())
  }

  async #count(): Promise<number> {
    const [row] = await this.#database.run(this.#statements.count, [])
    const count = Number(row?.[0] ?? Number.NaN)
    if (!Number.isSafeInteger(count)) throw new Error('PostgreSQL gave no answer that the store knows.')
    return count
  }

  /** Whole pages of the table, picked at random: a few hundred look-ups, however large it is. */
  async sample(size: number): Promise<StoredRecord[]> {
    const count = await this.#recent.about(() => this.#count())
    if (count > size) {
      const records = sound(await this.#database.run(this.#statements.sample, [(100 * size) / count]))
      // Fewer: most of them ended since they were counted.
      if (records.length > size / 2) return records
    }
    const { records, next } = await this.page(null, size)
    if (next === null) return [...records]
    return sound(await this.#database.run(this.#statements.sample, [(100 * size) / (await this.count())]))
  }
}

function sound(rows: readonly Row[]): StoredRecord[] {
  return rows.flatMap(row => {
    try {
      return [toRecord(row)]
    } catch (error) {
      if (error instanceof CorruptRecord) return []
      throw error
    }
  })
}

function cursorAfter(row: Row | undefined): string {
  const [sid, , , createdAt] = row ?? []
  return Buffer.from(JSON.stringify([createdAt, sid])).toString('base64url')
}

/** What stands in a cursor. It may be anybody's text: nothing of it reaches PostgreSQL that is no number and no text there. */
function placeIn(cursor: string): Place {
  let place: unknown
  try {
    place = JSON.parse(Buffer.from(cursor, 'base64url').toString())
  } catch {
    noCursor()
  }
  if (Buffer.from(JSON.stringify(place)).toString('base64url') !== cursor) noCursor()
  const [createdAt, sid, more] = Array.isArray(place) ? (place as unknown[]) : []
  if (typeof createdAt !== 'string' || typeof sid !== 'string' || more !== undefined) noCursor()
  if (!/^-?\d{1,18}$/.test(createdAt) || sid.includes('\0') || !sid.isWellFormed()) noCursor()
  return [createdAt, sid]
}

import { whole } from '../rows.ts'
import type { Connection } from './connection.ts'

/** A stretch of time, and the entries that happened in it. Where one ends the next begins. */
export interface Part {
  readonly id: number
  /** The first instant, epoch ms. */
  readonly beginsAt: number
}

/** So many entries, and a new part begins. */
const most = 8_192
/**
 * So many of the newest entries go to the new part, because others may follow that happened before them: other processes have
 * other clocks, and write a little later. One clock that is far ahead must not make the part it writes to endless.
 */
const overlap = 256

/** Finds the parts of entries that are added, and begins new ones. For one transaction. */
export class PartsOfEntries {
  readonly #connection: Connection
  readonly #added = new Map<number, number>()
  #part: Part = { id: 0, beginsAt: Number.POSITIVE_INFINITY }
  #endsAt = Number.NEGATIVE_INFINITY

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** The part of an entry that is added. */
  of(at: number): number {
    if (at < this.#part.beginsAt || at >= this.#endsAt) this.#find(at)
    this.#added.set(this.#part.id, (this.#added.get(this.#part.id) ?? 0) + 1)
    return this.#part.id
  }

  /** Notes how many were added, when they were. */
  finish(): void {
    for (const [id, added] of this.#added) if (countInto(this.#connection, id, added) >= most) this.#divide(id)
  }

  #find(at: number): void {
    const select = 'SELECT id, begins_at FROM parts WHERE begins_at <= ? ORDER BY begins_at DESC LIMIT 1'
    const [id, beginsAt] = this.#connection.row(select, at) ?? []
    this.#part = { id: whole(id), beginsAt: whole(beginsAt) }
    this.#endsAt = endOf(this.#connection, this.#part)
  }

  #divide(id: number): void {
    const connection = this.#connection
    const [at] =
      connection.row('SELECT at FROM entries WHERE part = ? ORDER BY at DESC LIMIT 1 OFFSET ?', id, overlap) ?? []
    const [beginsAt] = connection.row('SELECT begins_at FROM parts WHERE id = ?', id) ?? []
    const dividedAt = whole(at) + 1
    // Ended already: what comes now comes late, and it stays as it is.
    if (dividedAt >= endOf(connection, { id, beginsAt: whole(beginsAt) })) return
    const [next] = connection.row('INSERT INTO parts (begins_at, entries) VALUES (?, 0) RETURNING id', dividedAt) ?? []
    const moved = connection.change(
      'UPDATE entries SET part = ? WHERE part = ? AND at >= ?',
      whole(next),
      id,
      dividedAt,
    )
    countInto(connection, id, -moved)
    countInto(connection, whole(next), moved)
  }
}

/** Where the oldest of the newest `count` parts begins that began before an instant; `null` when there are none. */
export function firstOfParts(connection: Connection, instant: number, count: number): number | null {
  const isNumber = `begins_at >= ${Number.MIN_SAFE_INTEGER}`
  const newest = `SELECT begins_at FROM parts WHERE begins_at < ? AND ${isNumber} ORDER BY begins_at DESC LIMIT ?`
  const [oldest] = connection.row(`SELECT min(begins_at) FROM (${newest})`, instant, count) ?? []
  return oldest === null ? null : whole(oldest)
}

/** Notes that entries of these parts, one for each, were removed. The first part stays, for whatever may come. */
export function entriesRemoved(connection: Connection, parts: readonly number[]): void {
  const removed = new Map<number, number>()
  for (const id of parts) removed.set(id, (removed.get(id) ?? 0) + 1)
  for (const [id, count] of removed)
    if (countInto(connection, id, -count) <= 0) connection.change('DELETE FROM parts WHERE id = ? AND id > 1', id)
}

function countInto(connection: Connection, id: number, count: number): number {
  const [entries] =
    connection.row('UPDATE parts SET entries = entries + ? WHERE id = ? RETURNING entries', count, id) ?? []
  return whole(entries)
}

function endOf(connection: Connection, { beginsAt }: Part): number {
  const [next] = connection.row('SELECT min(begins_at) FROM parts WHERE begins_at > ?', beginsAt) ?? []
  return next === null ? Number.POSITIVE_INFINITY : whole(next)
}

import type { DatabaseSync, StatementSync } from 'node:sqlite'

/** The columns of a record but its sid, in the order in which every statement here names them. */
const columns = 'version, user_id, created_at, last_seen_at, expires_at, ended, body'
/** A row of them. */
export type Columns = [
  version: number,
  userId: string | null,
  createdAt: number,
  lastSeenAt: number,
  expiresAt: number,
  ended: string | null,
  body: string,
]

/** What the store asks and tells the database. */
export interface Statements {
  /** Columns of the record with this sid. */
  readonly find: StatementSync
  /** Sid and columns of the user's live records, newest first. */
  readonly live: StatementSync
  /** Sid and columns of the records that expired by an instant, oldest first, at most so many. */
  readonly expired: StatementSync
  /** The generation, from the rows of the user and of everybody. */
  readonly generation: StatementSync
  readonly insert: StatementSync
  readonly save: StatementSync
  readonly touch: StatementSync
  readonly end: StatementSync
  /** The lowest row id of the newest so many records below one; NULL when there are none. */
  readonly oldestOf: StatementSync
  /** Ends the live records from one row id to below another. */
  readonly endRows: StatementSync
  /** Row id, sid and columns of the newest so many live records below a row id. */
  readonly listed: StatementSync
  /** How many live records there are among the newest so many below a row id, and the lowest row id of them. */
  readonly countListed: StatementSync
  /** Row id, sid and columns of one in so many live records, from one row id to below another: those whose hash leaves this rest. */
  readonly picked: StatementSync
  /** Adds one to a row of `generations`. */
  readonly raise: StatementSync
  readonly remove: StatementSync
}

/** Prepares every statement of the store. */
export function prepareStatements(database: DatabaseSync): Statements {
  /** Rows as arrays: a quarter of a read's time would go into naming the columns of an object. */
  const rows = (sql: string): StatementSync => {
    const statement = database.prepare(sql)
    statement.setReturnArrays(true)
    return statement
  }
  return {
    find: rows(`SELECT ${columns} FROM records WHERE sid = ?`),
    live: rows(
      `SELECT sid, ${columns} FROM records WHERE user_id = ? AND ended IS NULL ORDER BY created_at DESC, rowid DESC`,
    ),
    expired: rows(`SELECT sid, ${columns} FROM records WHERE expires_at <= ? ORDER BY expires_at LIMIT ?`),
    generation: rows('SELECT coalesce(sum(generation), 0) FROM generations WHERE user_id IN (?, ?)'),
    insert: database.prepare(`INSERT INTO records (sid, ${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`),
    save: database.prepare(
      'UPDATE records SET version = ?, created_at = ?, last_seen_at = ?, expires_at = ?, body = ? WHERE sid = ? AND version = ? AND ended IS NULL',
    ),
    touch: database.prepare(
      'UPDATE records SET last_seen_at = max(last_seen_at, ?), expires_at = max(expires_at, ?) WHERE sid = ? AND ended IS NULL',
    ),
    end: database.prepare(
      `UPDATE records SET ended = ?, body = '', expires_at = ?, version = version + 1 WHERE sid = ?`,
    ),
    oldestOf: rows(
      'SELECT min(row) FROM (SELECT rowid AS row FROM records WHERE rowid < ? ORDER BY rowid DESC LIMIT ?)',
    ),
    endRows: database.prepare(
      `UPDATE records SET ended = ?, body = '', expires_at = ?, version = version + 1 WHERE rowid >= ? AND rowid < ? AND ended IS NULL`,
    ),
    // Named, so that the planner never takes the table for it: its pages are full of bodies and tombstones.
    listed: rows(
      `SELECT rowid, sid, ${columns} FROM records INDEXED BY live_records WHERE ended IS NULL AND rowid < ? ORDER BY rowid DESC LIMIT ?`,
    ),
    countListed: rows(
      'SELECT count(*), min(row) FROM (SELECT rowid AS row FROM records INDEXED BY live_records WHERE ended IS NULL AND rowid < ? ORDER BY rowid DESC LIMIT ?)',
    ),
    // A hash, because every other session may be of the same kind (https://en.wikipedia.org/wiki/Hash_function#Fibonacci_hashing).
    picked: rows(
      `SELECT rowid, sid, ${columns} FROM records INDEXED BY live_records WHERE ended IS NULL AND rowid >= ? AND rowid < ? AND (((rowid * 2654435761) & 4294967295) >> 8) % ? = ?`,
    ),
    raise: database.prepare(
      'INSERT INTO generations VALUES (?, 1) ON CONFLICT DO UPDATE SET generation = generation + 1',
    ),
    remove: database.prepare('DELETE FROM records WHERE sid = ?'),
  }
}

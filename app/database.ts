import { DatabaseSync } from 'node:sqlite'

const schema = `
  CREATE TABLE IF NOT EXISTS users (
    username      TEXT PRIMARY KEY,
    password_hash TEXT NOT NULL,
    role          TEXT NOT NULL CHECK (role IN ('student', 'instructor', 'admin')),
    about_me      TEXT NOT NULL DEFAULT '',
    disabled      INTEGER NOT NULL DEFAULT 0
  ) STRICT;

  CREATE TABLE IF NOT EXISTS sign_in_failures (
    scope     TEXT NOT NULL,
    subject   TEXT NOT NULL,
    failures  INTEGER NOT NULL,
    failed_at INTEGER NOT NULL,
    PRIMARY KEY (scope, subject)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE IF NOT EXISTS familiar_places (
    account      TEXT NOT NULL,
    place        TEXT NOT NULL,
    signed_in_at INTEGER NOT NULL,
    PRIMARY KEY (account, place)
  ) STRICT, WITHOUT ROWID;
`

/** How long a write waits for another process. The whole process waits with it, so: hardly at all, then 503. */
const lockTimeoutMs = 250

/** Opens Campus's own database: accounts and what the sign-in throttle remembers. Sessions live elsewhere. */
export function openDatabase(file: string): DatabaseSync {
  const database = new DatabaseSync(file, { timeout: lockTimeoutMs })
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;')
  database.exec(schema)
  return database
}

/** Runs `work` as one transaction: all of it happens, or nothing. */
export function transaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    database.exec('ROLLBACK')
    throw error
  }
}

import { closeSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { StoreError, UsageError } from '../../../errors.ts'
import { explained } from './failure.ts'

/** Marks the file as ours: "LKFA" in ASCII. Sessions have another mark: they come and go, factors must not. */
const applicationId = 0x4c_4b_46_41
/** Raised with every change of the tables, together with a way to bring older files up to it. */
const schemaVersion = 1

const schema = `
  CREATE TABLE factors (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    version INTEGER NOT NULL,
    label TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER,
    body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX factors_of_user ON factors (user_id);
  CREATE TABLE failures (
    key TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    failed_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX failures_by_time ON failures (failed_at);
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${schemaVersion};
`

/**
 * Opens the database, made by this function if the file does not exist or is empty. May block for up to `lockTimeoutMs`
 * while another process starts on the same file.
 *
 * Throws a `UsageError` when the file belongs to another program or a newer version, or its directory does not exist, and a
 * `StoreError` when SQLite cannot use it. Then nothing was changed.
 */
export function openDatabase(file: string, lockTimeoutMs: number): DatabaseSync {
  createPrivately(file)
  let database: DatabaseSync | null = null
  try {
    database = new DatabaseSync(file, { timeout: lockTimeoutMs })
    prepareDatabase(database, file)
    return database
  } catch (error) {
    if (database?.isOpen) database.close()
    if (error instanceof UsageError) throw error
    throw new StoreError(`sqliteFactors: ${explained(error, file).message}`, { cause: error })
  }
}

/**
 * SQLite would create the file with the modes of the umask; -wal and -shm take theirs from it. Only ever with `wx`: to open
 * an existing database and close it again would drop the locks that another connection of this process holds on it
 * (https://sqlite.org/howtocorrupt.html section 2.2).
 */
function createPrivately(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600))
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null
    if (code === 'EEXIST') return
    const missing = `the directory of ${file} does not exist. Create it, with mode 0700.`
    const other = `${file} cannot be created (${code}). Check the path and its permissions.`
    throw new UsageError(`sqliteFactors: ${code === 'ENOENT' ? missing : other}`, { cause: error })
  }
}

function prepareDatabase(database: DatabaseSync, file: string): void {
  // Before anything else: nothing may be written to a file that is not ours, and WAL mode is a write.
  inTransaction(database, 'DEFERRED', () => isFresh(database, file))
  const { journal_mode } = database.prepare('PRAGMA journal_mode = WAL').get() ?? {}
  if (journal_mode !== 'wal') {
    throw new UsageError(`sqliteFactors: ${file} is on a file system without shared memory. Use a local disk.`)
  }
  // Under the write lock it is looked at again: another process may have been faster.
  inTransaction(database, 'IMMEDIATE', () => {
    if (isFresh(database, file)) database.exec(schema)
  })
  /*
   * synchronous FULL: what was accepted must not be good again after a power cut. secure_delete: removed factors leave the
   * file, not only the tables. busy_timeout 0: SQLite's own way to wait for a lock stops the event loop.
   */
  database.exec(`
    PRAGMA synchronous = FULL;
    PRAGMA secure_delete = ON;
    PRAGMA trusted_schema = OFF;
    PRAGMA temp_store = MEMORY;
    PRAGMA journal_size_limit = 16777216;
    PRAGMA busy_timeout = 0;
  `)
}

/**
 * `true` for an empty database, `false` for one of ours; throws for all others. Only in a transaction: the answers must be of
 * one moment, or a process that creates the tables in between makes its file look like another program's.
 */
function isFresh(database: DatabaseSync, file: string): boolean {
  const pragma = (name: string) => Number(database.prepare(`PRAGMA ${name}`).get()?.[name])
  const id = pragma('application_id')
  const version = pragma('user_version')
  const isEmpty = database.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined
  if (id === 0 && version === 0 && isEmpty) return true
  if (id !== applicationId) {
    throw new UsageError(
      `sqliteFactors: ${file} is a database of something else, perhaps of sessions. Give factors a file of their own.`,
    )
  }
  if (version > schemaVersion) {
    const formats = `format ${version}, this one knows ${schemaVersion}`
    throw new UsageError(
      `sqliteFactors: ${file} is of a newer Latchkey (${formats}). Update latchkey, or use another file.`,
    )
  }
  return false
}

function inTransaction(database: DatabaseSync, kind: 'DEFERRED' | 'IMMEDIATE', work: () => void): void {
  database.exec(`BEGIN ${kind}`)
  try {
    work()
    database.exec('COMMIT')
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

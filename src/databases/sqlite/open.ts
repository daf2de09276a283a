import { closeSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { StoreError, UsageError } from '../../errors.ts'

/** What a file of SQLite holds, and who keeps it there. */
export interface SqliteFormat {
  /** Whom messages name: the function that the user called. */
  readonly caller: string
  /** Marks the file as of this kind: four letters in ASCII. */
  readonly applicationId: number
  /** Raised with every change of the tables, together with a way to bring older files up to it. */
  readonly version: number
  /** SQL that makes the tables of an empty file; ends with a semicolon. */
  readonly schema: string
  /** SQL that every opening runs, also on older files; it does nothing where that was done. Default: none. */
  readonly additions?: string
  /** SQL with the PRAGMAs of the connection, besides those that all have. */
  readonly settings: string
  /** What is told of a file that is somebody else's, after its path: what it may be, and what to do. */
  readonly stranger: string
  /** The error with what to do about it. */
  explained(error: unknown, file: string): Error
}

/**
 * Opens the database, made by this function if the file does not exist or is empty. May block for up to `lockTimeoutMs`
 * while another process starts on the same file.
 *
 * Throws a `UsageError` when the file belongs to another program or a newer version, or its directory does not exist, and a
 * `StoreError` when SQLite cannot use it. Then nothing was changed.
 */
export function openDatabase(file: string, lockTimeoutMs: number, format: SqliteFormat): DatabaseSync {
  createPrivately(file, format)
  let database: DatabaseSync | null = null
  try {
    database = new DatabaseSync(file, { timeout: lockTimeoutMs })
    prepareDatabase(database, file, format)
    return database
  } catch (error) {
    if (database?.isOpen) database.close()
    if (error instanceof UsageError) throw error
    throw new StoreError(`${format.caller}: ${format.explained(error, file).message}`, { cause: error })
  }
}

/**
 * SQLite would create the file with the modes of the umask; -wal and -shm take theirs from it. Only ever with `wx`: to open
 * an existing database and close it again would drop the locks that another connection of this process holds on it
 * (https://sqlite.org/howtocorrupt.html section 2.2).
 */
function createPrivately(file: string, { caller }: SqliteFormat): void {
  try {
    closeSync(openSync(file, 'wx', 0o600))
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null
    if (code === 'EEXIST') return
    const missing = `the directory of ${file} does not exist. Create it, with mode 0700.`
    const other = `${file} cannot be created (${code}). Check the path and its permissions.`
    throw new UsageError(`${caller}: ${code === 'ENOENT' ? missing : other}`, { cause: error })
  }
}

function prepareDatabase(database: DatabaseSync, file: string, format: SqliteFormat): void {
  const { caller, applicationId, version, schema, additions = '', settings } = format
  // Before anything else: nothing may be written to a file that is not ours, and WAL mode is a write.
  inTransaction(database, 'DEFERRED', () => isFresh(database, file, format))
  const { journal_mode } = database.prepare('PRAGMA journal_mode = WAL').get() ?? {}
  if (journal_mode !== 'wal') {
    throw new UsageError(`${caller}: ${file} is on a file system without shared memory. Use a local disk.`)
  }
  // Under the write lock it is looked at again: another process may have been faster. The lock is asked for in any case, so
  // that a file which cannot be written is refused now.
  inTransaction(database, 'IMMEDIATE', () => {
    if (isFresh(database, file, format)) {
      database.exec(`${schema} PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${version};`)
    }
    database.exec(additions)
  })
  /*
   * secure_delete: what is deleted leaves the file, not only the tables; it costs nothing measurable. Older copies stay in the
   * -wal file until it is reused. trusted_schema: a planted database must not call functions. busy_timeout 0: SQLite's own way
   * to wait for a lock stops the event loop.
   */
  database.exec(`
    PRAGMA secure_delete = ON;
    PRAGMA trusted_schema = OFF;
    PRAGMA temp_store = MEMORY;
    PRAGMA journal_size_limit = 16777216;
    PRAGMA busy_timeout = 0;
    ${settings}
  `)
}

/**
 * `true` for an empty database, `false` for one of ours; throws for all others. Only in a transaction: the answers must be of
 * one moment, or a process that creates the tables in between makes its file look like another program's.
 */
function isFresh(database: DatabaseSync, file: string, format: SqliteFormat): boolean {
  const pragma = (name: string) => Number(database.prepare(`PRAGMA ${name}`).get()?.[name])
  const id = pragma('application_id')
  const version = pragma('user_version')
  const isEmpty = database.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined
  if (id === 0 && version === 0 && isEmpty) return true
  if (id !== format.applicationId) throw new UsageError(`${format.caller}: ${file} ${format.stranger}`)
  if (version > format.version) {
    const formats = `format ${version}, this one knows ${format.version}`
    throw new UsageError(
      `${format.caller}: ${file} is of a newer Latchkey (${formats}). Update latchkey, or use another file.`,
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

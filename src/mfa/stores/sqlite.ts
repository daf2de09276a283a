import { resolve } from 'node:path'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { toColumn } from '../../databases/column-text.ts'
import { isLocked } from '../../databases/sqlite/failure.ts'
import { openDatabase } from '../../databases/sqlite/open.ts'
import { UsageError } from '../../errors.ts'
import { type Duration, durationMs } from '../../session/duration.ts'
import type { FactorRecord, FactorStore, FailureCount } from '../store.ts'
import { factorColumns, type Row, toCount, toRecord, toRecords, toRow } from './rows.ts'
import { explained } from './sqlite/failure.ts'
import { factorsFile } from './sqlite/schema.ts'

/** Settings of the SQLite store of factors. */
export interface SqliteFactorsOptions {
  /**
   * How long an operation waits while another process holds the database's lock, before it is rejected. Default `'1.5s'`:
   * shorter than `storeTimeout`, so that the error says what is wrong. The event loop is never held up meanwhile.
   */
  readonly lockTimeout?: Duration
}

/**
 * Keeps factors in one SQLite file on a local disk, not the file of the sessions. Several processes of one machine may
 * share it. The file is created with mode 0600, and so are its companions `-wal` and `-shm`; the directory is yours, give
 * it 0700, and back the file up: with it, users lose their second factors. Everything that was answered survives a power cut.
 *
 * Throws a `UsageError` when the file is another program's or a newer format (it is left as it is), or when its directory
 * does not exist. Operations reject with an `Error` that names the file and the fix.
 */
export function sqliteFactors(path: string, options: SqliteFactorsOptions = {}): FactorStore {
  if (path === '' || path === ':memory:') {
    throw new UsageError('sqliteFactors: give the path of a file; for factors in memory use memoryFactors().')
  }
  return new SqliteFactors(resolve(path), durationMs(options.lockTimeout ?? '1.5s', 'sqliteFactors: lockTimeout'))
}

/** Every operation is one statement, and so one transaction; it is answered when it is on the disk. */
class SqliteFactors implements FactorStore {
  readonly name = 'sqlite'
  readonly #file: string
  readonly #lockTimeoutMs: number
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()
  #closed = false

  constructor(file: string, lockTimeoutMs: number) {
    this.#file = file
    this.#lockTimeoutMs = lockTimeoutMs
    this.#database = openDatabase(file, lockTimeoutMs, factorsFile)
  }

  async find(id: string): Promise<FactorRecord | null> {
    const [row] = await this.#rows(`SELECT ${factorColumns} FROM factors WHERE id = ?`, toColumn(id))
    return row ? toRecord(row) : null
  }

  async list(userId: string): Promise<FactorRecord[]> {
    return toRecords(await this.#rows(`SELECT ${factorColumns} FROM factors WHERE user_id = ?`, toColumn(userId)))
  }

  async create(record: FactorRecord): Promise<'created' | 'exists'> {
    const insert = `INSERT INTO factors (${factorColumns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`
    return (await this.#change(insert, ...toRow(record))) === 1 ? 'created' : 'exists'
  }

  async save({ id, version, label, lastUsedAt, body }: FactorRecord): Promise<'saved' | 'conflict' | 'gone'> {
    const update = 'UPDATE factors SET version = ?, label = ?, last_used_at = ?, body = ? WHERE id = ? AND version = ?'
    const values = [version, toColumn(label), lastUsedAt, toColumn(body), toColumn(id), version - 1]
    if ((await this.#change(update, ...values)) === 1) return 'saved'
    return (await this.find(id)) ? 'conflict' : 'gone'
  }

  async remove(id: string): Promise<boolean> {
    return (await this.#change('DELETE FROM factors WHERE id = ?', toColumn(id))) === 1
  }

  removeUser(userId: string): Promise<number> {
    return this.#change('DELETE FROM factors WHERE user_id = ?', toColumn(userId))
  }

  async failures(key: string): Promise<FailureCount | null> {
    const select = 'SELECT version, failures, failed_at FROM failures WHERE key = ?'
    const [row] = await this.#rows(select, toColumn(key))
    return row ? toCount(key, row) : null
  }

  async saveFailures({ key, version, failures, failedAt }: FailureCount): Promise<'saved' | 'conflict'> {
    const insert = 'INSERT INTO failures (key, version, failures, failed_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING'
    const update = 'UPDATE failures SET version = ?, failures = ?, failed_at = ? WHERE key = ? AND version = ?'
    const changes =
      version === 1
        ? await this.#change(insert, toColumn(key), version, failures, failedAt)
        : await this.#change(update, version, failures, failedAt, toColumn(key), version - 1)
    return changes === 1 ? 'saved' : 'conflict'
  }

  async clearFailures(keys: readonly string[]): Promise<void> {
    const chosen = 'SELECT value FROM json_each(?)'
    await this.#change(`DELETE FROM failures WHERE key IN (${chosen})`, JSON.stringify(keys.map(toColumn)))
  }

  forgetFailures(before: number, limit: number): Promise<number> {
    const oldest = 'SELECT key FROM failures WHERE failed_at < ? ORDER BY failed_at LIMIT ?'
    return this.#change(`DELETE FROM failures WHERE key IN (${oldest})`, before, limit)
  }

  /** Writes, because a database that is full, locked or read-only can still be read; and asks for a factor, as every sign-in does. */
  async ping(): Promise<void> {
    await this.find('')
    await this.#change('UPDATE factors SET version = version WHERE id = ?', '')
  }

  async close(): Promise<void> {
    this.#closed = true
    if (this.#database.isOpen) this.#database.close()
  }

  #rows(sql: string, ...values: (string | number | null)[]): Promise<Row[]> {
    return this.#run(sql, statement => statement.all(...values) as unknown as Row[])
  }

  #change(sql: string, ...values: (string | number | null)[]): Promise<number> {
    return this.#run(sql, statement => Number(statement.run(...values).changes))
  }

  async #run<T>(sql: string, work: (statement: StatementSync) => T): Promise<T> {
    const giveUpAt = performance.now() + this.#lockTimeoutMs
    for (;;) {
      if (this.#closed) throw new Error(`The factor store on ${this.#file} is closed.`)
      try {
        return work(this.#prepared(sql))
      } catch (error) {
        if (!isLocked(error) || performance.now() >= giveUpAt) throw explained(error, this.#file)
      }
      // Somebody else is writing: again, a little later, and not in step.
      await new Promise(resume => setTimeout(resume, 2 + Math.random() * 20))
    }
  }

  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql)
    if (known) return known
    const statement = this.#database.prepare(sql)
    statement.setReturnArrays(true)
    this.#statements.set(sql, statement)
    return statement
  }
}

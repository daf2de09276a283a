import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { isLocked } from '../../../databases/sqlite/failure.ts'
import { openDatabase } from '../../../databases/sqlite/open.ts'
import type { Row, Value } from '../rows.ts'
import { explained } from './failure.ts'
import { watchFile } from './schema.ts'

/**
 * The file, and one way in and out of it. What is read or written in one go is one transaction. While another process has the
 * lock it is tried again later; SQLite's own way to wait stops the event loop.
 */
export class Connection {
  readonly #file: string
  readonly #lockTimeoutMs: number
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()
  readonly #underWay = new Set<Promise<unknown>>()
  #closed = false

  constructor(file: string, lockTimeoutMs: number) {
    this.#file = file
    this.#lockTimeoutMs = lockTimeoutMs
    this.#database = openDatabase(file, lockTimeoutMs, watchFile)
  }

  /** Runs `work`, which must not write and sees the file as it is at one moment. */
  read<T>(work: () => T): Promise<T> {
    return this.#run('BEGIN DEFERRED', work)
  }

  /** Runs `work`, and writes all of what it wrote or nothing. It may run more than once. */
  write<T>(work: () => T): Promise<T> {
    // IMMEDIATE takes the write lock first: a transaction that began by reading could not wait for it (SQLITE_BUSY_SNAPSHOT).
    return this.#run('BEGIN IMMEDIATE', work)
  }

  /** Rows as arrays, of a statement that is prepared once. Only inside `read` and `write`. */
  rows(sql: string, ...values: Value[]): Row[] {
    return this.prepared(sql).all(...values) as unknown as Row[]
  }

  /** The first row, if there is one. */
  row(sql: string, ...values: Value[]): Row | undefined {
    return this.prepared(sql).get(...values) as unknown as Row | undefined
  }

  /** How many rows a statement changed. */
  change(sql: string, ...values: Value[]): number {
    return Number(this.prepared(sql).run(...values).changes)
  }

  /** The statement itself, for whoever runs it many times. */
  prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql)
    if (known) return known
    const statement = this.#database.prepare(sql)
    statement.setReturnArrays(true)
    this.#statements.set(sql, statement)
    return statement
  }

  /** Writes, because a database that is full, locked or read-only can still be read. */
  async ping(): Promise<void> {
    await this.write(() => this.change('UPDATE parts SET entries = entries WHERE id = 1'))
  }

  /** Waits for what is under way. The last process to close the file copies the -wal file back into it. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.allSettled(this.#underWay)
    if (this.#database.isOpen) this.#database.close()
  }

  #run<T>(begin: string, work: () => T): Promise<T> {
    const running = this.#try(begin, work)
    this.#underWay.add(running)
    const over = () => this.#underWay.delete(running)
    running.then(over, over)
    return running
  }

  async #try<T>(begin: string, work: () => T): Promise<T> {
    if (this.#closed) throw new Error(`The watch store on ${this.#file} is closed.`)
    const giveUpAt = performance.now() + this.#lockTimeoutMs
    for (;;) {
      try {
        return this.#transaction(begin, work)
      } catch (error) {
        if (!isLocked(error) || performance.now() >= giveUpAt) throw explained(error, this.#file)
      }
      // Somebody else is writing: again, a little later, and not in step.
      await new Promise(resume => setTimeout(resume, 2 + Math.random() * 20))
    }
  }

  #transaction<T>(begin: string, work: () => T): T {
    this.prepared(begin).run()
    try {
      const result = work()
      this.prepared('COMMIT').run()
      return result
    } catch (error) {
      // Some failures (a full disk, a failing one) have rolled back already.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      throw error
    }
  }
}

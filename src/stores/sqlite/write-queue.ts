import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { isLocked } from '../../databases/sqlite/failure.ts'
import { explained } from './failure.ts'

/** Writes that nobody waits for are committed at the latest after this long. */
const laterMs = 1_000
/** Pauses between attempts to get the lock double from the first to the longest, each shortened by up to half at random. */
const firstPauseMs = 2
const longestPauseMs = 50

interface Write {
  /** Reads and changes the database. May run twice: a transaction that fails is rolled back and its writes run singly. */
  readonly run: () => void
  /** Whether it has to survive a power cut. */
  readonly durable: boolean
  /** Tells the caller what the last run resulted in. */
  readonly answer: () => void
  readonly reject: (error: Error) => void
  /** When it first found the database locked, or `null`; on the monotonic clock. */
  lockedSince: number | null
}

/**
 * All writes that are asked for in one turn of the event loop become one transaction; each is answered after COMMIT.
 *
 * When one of them throws, the transaction is rolled back and each runs in a transaction of its own, so that only its own
 * caller gets the error. That needs no savepoints, which would cost every write something.
 *
 * SQLite's own way to wait for another process's lock stops the event loop. So BEGIN fails at once here, and the
 * queue tries again later, until a write has waited for `lockTimeoutMs`.
 */
export class WriteQueue {
  readonly #database: DatabaseSync
  readonly #file: string
  readonly #lockTimeoutMs: number
  readonly #begin: StatementSync
  readonly #commit: StatementSync
  #waiting: Write[] = []
  /** Whether a flush is on its way that must not be hurried: at the end of this turn, or after a pause for the lock. */
  #scheduled = false
  #laterTimer: NodeJS.Timeout | null = null
  #pauseMs = firstPauseMs
  /** What `PRAGMA synchronous` is now. */
  #synchronous: 'FULL' | 'NORMAL' = 'NORMAL'

  constructor(database: DatabaseSync, file: string, lockTimeoutMs: number) {
    this.#database = database
    this.#file = file
    this.#lockTimeoutMs = lockTimeoutMs
    // IMMEDIATE takes the write lock first: a transaction that began by reading could not wait for it (SQLITE_BUSY_SNAPSHOT).
    this.#begin = database.prepare('BEGIN IMMEDIATE')
    this.#commit = database.prepare('COMMIT')
  }

  /** Runs `work` in this turn's transaction and settles after COMMIT; survives a power cut from then on if `durable`. */
  write<T>(durable: boolean, work: () => T): Promise<T> {
    const written = this.#enqueue(durable, work)
    if (!this.#scheduled) {
      this.#scheduled = true
      setImmediate(() => this.#flush())
    }
    return written
  }

  /** Runs `work` along with the next write, or within a second. Does not keep the process alive. */
  writeLater<T>(work: () => T): Promise<T> {
    this.#laterTimer ??= setTimeout(() => this.#flush(), laterMs).unref()
    return this.#enqueue(false, work)
  }

  /** Settles when everything that was asked for has been answered. */
  async drain(): Promise<void> {
    while (this.#waiting.length > 0) await this.write(false, () => {}).catch(() => {})
  }

  #enqueue<T>(durable: boolean, work: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let result: T
      const run = () => {
        result = work()
      }
      this.#waiting.push({ run, durable, answer: () => resolve(result), reject, lockedSince: null })
    })
  }

  #flush(): void {
    if (this.#laterTimer) clearTimeout(this.#laterTimer)
    this.#laterTimer = null
    this.#scheduled = false
    const batch = this.#waiting
    this.#waiting = []
    if (batch.length > 0) this.#waiting = this.#giveUpOn(this.#run(batch))
    if (this.#waiting.length > 0) this.#flushAfterPause()
    else this.#pauseMs = firstPauseMs
  }

  /** Runs the writes and answers them, except for those that found the database locked: these are returned. */
  #run(batch: Write[]): Write[] {
    try {
      this.#transaction(batch)
    } catch (error) {
      if (isLocked(error)) return batch
      const [only, ...others] = batch
      if (only && others.length > 0) return batch.flatMap(write => this.#run([write]))
      only?.reject(explained(error, this.#file))
      return []
    }
    for (const write of batch) write.answer()
    return []
  }

  #transaction(batch: Write[]): void {
    const synchronous = batch.some(write => write.durable) ? 'FULL' : 'NORMAL'
    if (this.#synchronous !== synchronous) {
      // In WAL mode FULL adds one fsync after COMMIT, which also covers the commits before it. Without effect inside a transaction.
      this.#database.exec(`PRAGMA synchronous = ${synchronous}`)
      this.#synchronous = synchronous
    }
    this.#begin.run()
    try {
      for (const write of batch) write.run()
      this.#commit.run()
    } catch (error) {
      // Some failures (a full disk, a failing one) have rolled back already.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      throw error
    }
  }

  /** Rejects the writes that have waited for the lock long enough, and returns the others. */
  #giveUpOn(locked: Write[]): Write[] {
    const now = performance.now()
    return locked.filter(write => {
      write.lockedSince ??= now
      if (now - write.lockedSince < this.#lockTimeoutMs) return true
      const waited = `${this.#file} stayed locked by another process for ${this.#lockTimeoutMs} ms; nothing was written.`
      write.reject(new Error(`${waited} End the program that keeps a transaction open on it.`))
      return false
    })
  }

  #flushAfterPause(): void {
    this.#scheduled = true
    setTimeout(() => this.#flush(), this.#pauseMs * (1 - Math.random() / 2))
    this.#pauseMs = Math.min(this.#pauseMs * 2, longestPauseMs)
  }
}

import { resolve } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { fromColumn, toColumn } from '../databases/column-text.ts'
import { isLocked } from '../databases/sqlite/failure.ts'
import { openDatabase } from '../databases/sqlite/open.ts'
import { UsageError } from '../errors.ts'
import { type Duration, durationMs } from '../session/duration.ts'
import type {
  CreateOptions,
  CreateResult,
  EndMark,
  SessionDirectory,
  SessionStore,
  StoredRecord,
} from '../session/store.ts'
import { CorruptRecord } from './corrupt-record.ts'
import { SqliteDirectory } from './sqlite/directory.ts'
import { explained } from './sqlite/failure.ts'
import { sessionsFile } from './sqlite/schema.ts'
import { type Columns, prepareStatements, type Statements } from './sqlite/statements.ts'
import { WriteQueue } from './sqlite/write-queue.ts'

/** Settings of the SQLite store. */
export interface SqliteStoreOptions {
  /**
   * How long an operation waits while another process holds the database's lock, before it is rejected. Default `'1.5s'`:
   * shorter than the engine's `storeTimeout`, so that the error says what is wrong. The event loop is never held up meanwhile.
   */
  readonly lockTimeout?: Duration
}

/**
 * Keeps records in one SQLite file on a local disk. Several processes of one machine may share it.
 *
 * The file is created with mode 0600, and so are its companions `-wal` and `-shm`; the directory is yours, give it 0700.
 * Sign-in, sign-out, revocation and `durable` saves survive a power cut; other saves survive the death of the process;
 * touches are collected for up to a second (another process may see them that much later, a crash may lose them).
 * Writes of one turn of the event loop share one transaction.
 *
 * Throws a `UsageError` when the file is another program's or a newer format (it is left as it is), or when its directory
 * does not exist. Operations reject with an `Error` that names the file and the fix, when it is locked for too long, full,
 * read-only or damaged; the store works again once that is over.
 */
export function sqliteStore(path: string, options: SqliteStoreOptions = {}): SessionStore {
  if (path === '' || path === ':memory:') {
    throw new UsageError('sqliteStore: give the path of a file; for sessions in memory use memoryStore().')
  }
  return new SqliteStore(resolve(path), durationMs(options.lockTimeout ?? '1.5s', 'sqliteStore: lockTimeout'))
}

/** What a touch moves. */
type Times = Pick<StoredRecord, 'lastSeenAt' | 'expiresAt'>
/** Touches that wait to be written, by sid. */
type Touches = Map<string, Times>

/** Rows of `generations`: what counts for everybody, and a place for pings to write to. No user id or sid is stored like these: see `toColumn`. */
const everybody = '\\*'
const pings = '\\?'

/** Records that `endEverybody` ends in one transaction: some milliseconds of work. */
const rowsAtOnce = 500

class SqliteStore implements SessionStore {
  readonly name = 'sqlite'
  readonly persistent = true
  readonly directory: SessionDirectory
  readonly #file: string
  readonly #lockTimeoutMs: number
  readonly #database: DatabaseSync
  readonly #statements: Statements
  readonly #queue: WriteQueue
  /** Touches that no transaction has taken along yet. */
  #touches: Touches | null = null
  /** Why touches were lost, until somebody was told. */
  #touchFailure: unknown = null
  #closing: Promise<void> | null = null

  constructor(file: string, lockTimeoutMs: number) {
    this.#file = file
    this.#lockTimeoutMs = lockTimeoutMs
    this.#database = openDatabase(file, lockTimeoutMs, sessionsFile)
    this.#statements = prepareStatements(this.#database)
    this.#queue = new WriteQueue(this.#database, file, lockTimeoutMs)
    this.directory = new SqliteDirectory({
      statements: this.#statements,
      query: read => this.#query(read),
      record: (sid, columns) => this.#record(this.#intact(sid, sid, fromColumn), columns),
    })
  }

  read(sid: string): StoredRecord | null | Promise<StoredRecord | null> {
    return this.#query(() => this.#find(sid))
  }

  create(record: StoredRecord, { now, generation, limit }: CreateOptions): Promise<CreateResult> {
    const { sid, userId } = record
    return this.#queue.write(true, () => {
      if (this.#find(sid)) return { outcome: 'exists' }
      if (this.#isOvertaken(userId, generation)) return { outcome: 'overtaken' }
      const counts = ({ expiresAt, sid }: StoredRecord) => expiresAt > now && sid !== limit?.except
      const counted = userId !== null && limit ? this.#live(userId).filter(counts) : []
      // Newest first, so the oldest are behind the `max - 1` that may stay.
      const evicted = limit ? counted.slice(limit.max - 1) : []
      if (limit?.evict === 'refuse' && evicted.length > 0) return { outcome: 'limit' }
      for (const oldest of evicted) if (limit && limit.evict !== 'refuse') this.#end(oldest.sid, limit.evict)
      this.#insert(record)
      return { outcome: 'created', evicted }
    })
  }

  save(record: StoredRecord, { durable }: { durable: boolean }): Promise<'saved' | 'conflict' | 'gone'> {
    const { sid, version, createdAt, lastSeenAt, expiresAt, body } = record
    const { save } = this.#statements
    return this.#queue.write(durable, () => {
      const { changes } = save.run(
        version,
        createdAt,
        lastSeenAt,
        expiresAt,
        toColumn(body),
        toColumn(sid),
        version - 1,
      )
      if (changes === 1) return 'saved'
      const stored = this.#find(sid)
      return stored && !stored.ended ? 'conflict' : 'gone'
    })
  }

  async touch(sid: string, lastSeenAt: number, expiresAt: number): Promise<void> {
    const touches = this.#touches ?? this.#collectTouches()
    const touch = { lastSeenAt, expiresAt }
    touches.set(sid, latest(touches.get(sid) ?? touch, touch))
    const failure = this.#touchFailure
    this.#touchFailure = null
    if (failure) throw failure
  }

  end(sid: string, mark: EndMark): Promise<StoredRecord | null> {
    return this.#queue.write(true, () => {
      const record = this.#find(sid)
      if (!record || record.ended) return null
      this.#end(sid, mark)
      return record
    })
  }

  endUser(userId: string, mark: EndMark, except?: string): Promise<StoredRecord[]> {
    return this.#queue.write(true, () => {
      this.#statements.raise.run(toColumn(userId))
      const ending = this.#live(userId).filter(record => record.sid !== except)
      for (const record of ending) this.#end(record.sid, mark)
      return ending
    })
  }

  /** Bit by bit and from the newest on, so that requests are answered meanwhile and whoever signs in now stays signed in. */
  async endEverybody(mark: EndMark): Promise<number> {
    const { raise } = this.#statements
    await this.#queue.write(false, () => raise.run(everybody))
    let ended = 0
    let below = Number.MAX_SAFE_INTEGER
    for (;;) {
      const step = await this.#queue.write(false, () => this.#endNewest(below, mark))
      if (step === null) break
      ended += step.ended
      below = step.oldest
    }
    // Written in vain, but flushed: all of the above survives a power cut with it.
    await this.#queue.write(true, () => raise.run(pings))
    return ended
  }

  async generation(userId: string): Promise<number> {
    return this.#query(() => this.#generation(userId))
  }

  async list(userId: string): Promise<StoredRecord[]> {
    return this.#query(() => this.#live(userId))
  }

  sweep(now: number, limit: number): Promise<StoredRecord[]> {
    return this.#queue.write(false, () => {
      const expired = this.#records(this.#statements.expired.all(now, limit))
      for (const record of expired) this.#statements.remove.run(toColumn(record.sid))
      return expired
    })
  }

  /**
   * Writes, because a database that is full, locked or read-only can still be read. And asks for a record (one that cannot
   * be there) as every request does, because the table that is written to may stand while `records` is gone.
   */
  ping(): Promise<void> {
    return this.#queue.write(false, () => {
      this.#statements.find.get(pings)
      this.#statements.raise.run(pings)
    })
  }

  close(): Promise<void> {
    // The last process to close the file copies the -wal file back into it.
    this.#closing ??= this.#queue.drain().then(() => this.#database.close())
    return this.#closing
  }

  /**
   * Reads at once. In WAL mode readers wait for nobody, except while another process recovers the file after a crash or
   * closes it as the last one: then again, a little later.
   */
  #query<T>(read: () => T): T | Promise<T> {
    try {
      return read()
    } catch (error) {
      if (isLocked(error)) return this.#queryLater(read, performance.now() + this.#lockTimeoutMs)
      throw explained(error, this.#file)
    }
  }

  async #queryLater<T>(read: () => T, giveUpAt: number): Promise<T> {
    for (;;) {
      await new Promise(resume => setTimeout(resume, 2 + Math.random() * 10))
      try {
        return read()
      } catch (error) {
        if (!isLocked(error) || performance.now() >= giveUpAt) throw explained(error, this.#file)
      }
    }
  }

  #find(sid: string): StoredRecord | null {
    const row = this.#statements.find.get(toColumn(sid)) as unknown as Columns | undefined
    return row ? this.#record(sid, row) : null
  }

  #live(userId: string): StoredRecord[] {
    return this.#records(this.#statements.live.all(toColumn(userId)))
  }

  #records(rows: unknown): StoredRecord[] {
    return (rows as [sid: string, ...Columns][]).map(([sid, ...row]) => this.#record(fromColumn(sid), row))
  }

  #record(sid: string, row: Columns): StoredRecord {
    const [version, userId, createdAt, lastSeenAt, expiresAt, ended, body] = row
    const record: StoredRecord = {
      sid,
      version,
      userId: userId === null ? null : this.#intact(sid, userId, fromColumn),
      createdAt,
      lastSeenAt,
      expiresAt,
      ended: ended === null ? null : this.#intact<EndMark>(sid, ended, JSON.parse),
      body: this.#intact(sid, body, fromColumn),
    }
    // Who touched reads it at once, although it is not written yet.
    const touch = this.#touches?.get(sid)
    return touch && ended === null ? { ...record, ...latest(record, touch) } : record
  }

  #intact<T>(sid: string, column: string, parse: (column: string) => T): T {
    try {
      return parse(column)
    } catch (cause) {
      throw new CorruptRecord(`The record of session ${sid} in ${this.#file} is damaged.`, { cause })
    }
  }

  #isOvertaken(userId: string | null, generation: number | undefined): boolean {
    return userId !== null && generation !== undefined && generation !== this.#generation(userId)
  }

  #generation(userId: string): number {
    const [generation] = this.#statements.generation.get(toColumn(userId), everybody) as unknown as [number]
    return generation
  }

  #insert({ sid, version, userId, createdAt, lastSeenAt, expiresAt, ended, body }: StoredRecord): void {
    const user = userId === null ? null : toColumn(userId)
    const mark = ended === null ? null : JSON.stringify(ended)
    this.#statements.insert.run(toColumn(sid), version, user, createdAt, lastSeenAt, expiresAt, mark, toColumn(body))
  }

  #end(sid: string, mark: EndMark): void {
    this.#statements.end.run(JSON.stringify(mark), mark.keepUntil, toColumn(sid))
  }

  /** Ends the live ones among the newest records below a row id; `null` when there are no more. */
  #endNewest(below: number, mark: EndMark): { ended: number; oldest: number } | null {
    const { oldestOf, endRows } = this.#statements
    const [oldest] = oldestOf.get(below, rowsAtOnce) as unknown as [number | null]
    if (oldest === null) return null
    return { ended: Number(endRows.run(JSON.stringify(mark), mark.keepUntil, oldest, below).changes), oldest }
  }

  /** Begins a new collection, which the next transaction takes along, whatever it is for. */
  #collectTouches(): Touches {
    const touches: Touches = new Map()
    this.#touches = touches
    const written = this.#queue.writeLater(() => {
      if (this.#touches === touches) this.#touches = null
      const { touch } = this.#statements
      for (const [sid, { lastSeenAt, expiresAt }] of touches) touch.run(lastSeenAt, expiresAt, toColumn(sid))
    })
    // The callers were answered already. What is lost is written by the next request; that it was lost is told to the next touch.
    written.catch(error => {
      if (this.#touches === touches) this.#touches = null
      this.#touchFailure = error
    })
    return touches
  }
}

function latest(known: Times, { lastSeenAt, expiresAt }: Times): Times {
  return { lastSeenAt: Math.max(known.lastSeenAt, lastSeenAt), expiresAt: Math.max(known.expiresAt, expiresAt) }
}

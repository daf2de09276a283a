import { toColumn } from '../databases/column-text.ts'
import type { Place } from '../databases/postgres/names.ts'
import { assertBounded, type Row } from '../databases/postgres/pool.ts'
import { type Duration, durationMs } from '../session/duration.ts'
import type {
  CreateOptions,
  CreateResult,
  EndMark,
  Following,
  SessionDirectory,
  SharedStore,
  StoredRecord,
} from '../session/store.ts'
import { Batches } from './postgres/batches.ts'
import { Database } from './postgres/database.ts'
import { PostgresDirectory } from './postgres/directory.ts'
import { follow } from './postgres/follow.ts'
import { type Names, namesFor } from './postgres/names.ts'
import type { PostgresPool } from './postgres/pool.ts'
import { toRecord, toRecords, toRow } from './postgres/rows.ts'
import { type Statements, statementsFor } from './postgres/statements.ts'

export type { Place as PostgresPlace } from '../databases/postgres/names.ts'
export type { Rows as PostgresRows, Statement as PostgresStatement } from '../databases/postgres/pool.ts'
export { migratePostgres, type PostgresMigration, postgresSchema } from './postgres/migrate.ts'
export type { PostgresClient, PostgresPool } from './postgres/pool.ts'

/** Settings of the PostgreSQL store. */
export interface PostgresStoreOptions extends Place {
  /**
   * How long a statement may take before it is rejected and its connection given up, so that a connection that fell silent
   * does not stay in the pool. Default `'5s'`: longer than the engine's `storeTimeout`. `endEverybody` has no such bound.
   */
  readonly queryTimeout?: Duration
  /**
   * Whether changes of `data` wait until PostgreSQL has them on the disk (or wherever `synchronous_commit` says). Default
   * `true`. With `false` they are faster, and the last half a second of them may be lost when the server crashes (not when
   * this process does); sign-in, sign-out, revocation and rotation wait all the same.
   */
  readonly waitForDisk?: boolean
}

/**
 * Keeps records in PostgreSQL 13 or later, for as many processes on as many machines as you like, through a `Pool` of the
 * package `pg` that you make and that stays yours: closing the store does not end it.
 *
 * The tables are made by `latchkey migrate` or {@link migratePostgres}. All reads of one turn of the event loop are one
 * statement, and so are all saves. Every operation is one round trip and one transaction.
 *
 * Throws a `UsageError` when the pool would wait for a connection for ever, or the names are unusable. Operations reject
 * with an `Error` that names the fix; the store works again once that is over.
 */
export function postgresStore(pool: PostgresPool, options: PostgresStoreOptions = {}): SharedStore {
  assertBounded(pool, 'postgresStore')
  const timeoutMs = durationMs(options.queryTimeout ?? '5s', 'postgresStore: queryTimeout')
  return new PostgresStore(pool, namesFor(options), timeoutMs, options.waitForDisk ?? true)
}

/** A record to be saved, and how. */
type Save = readonly [record: StoredRecord, durable: boolean]
/** A touch: sid, lastSeenAt, expiresAt. */
type Touch = readonly [sid: string, lastSeenAt: number, expiresAt: number]

/** Longer sids are none of ours. PostgreSQL could not index and announce them. */
const longestSid = 256
/**
 * A look-up of several sids names at least so many, the first one again and again. For fewer, PostgreSQL finds that a new
 * plan for each statement would pay, and spends more on that than on the look-up.
 */
const fewestSids = 12

class PostgresStore implements SharedStore {
  readonly name = 'postgres'
  readonly persistent = true
  readonly directory: SessionDirectory
  readonly #pool: PostgresPool
  readonly #names: Names
  readonly #database: Database
  readonly #statements: Statements
  readonly #waitForDisk: boolean
  readonly #reads: Batches<string, StoredRecord | null>
  readonly #saves: Batches<Save, 'saved' | 'conflict' | 'gone'>
  readonly #touches: Batches<Touch, undefined>
  readonly #followings = new Set<Following>()
  #closing: Promise<void> | null = null

  constructor(pool: PostgresPool, names: Names, timeoutMs: number, waitForDisk: boolean) {
    this.#pool = pool
    this.#names = names
    this.#database = new Database(pool, names, timeoutMs)
    this.#statements = statementsFor(names)
    this.directory = new PostgresDirectory(this.#database, this.#statements)
    this.#waitForDisk = waitForDisk
    const atOnce = pool.options?.max ?? 10
    this.#reads = new Batches(sids => this.#readAll(sids), atOnce, timeoutMs)
    this.#saves = new Batches(saves => this.#saveAll(saves), atOnce, timeoutMs)
    // Nobody waits for touches.
    this.#touches = new Batches(touches => this.#touchAll(touches), 1, timeoutMs)
  }

  read(sid: string): Promise<StoredRecord | null> {
    return this.#reads.ask(sid)
  }

  async create(record: StoredRecord, { now, generation, limit }: CreateOptions): Promise<CreateResult> {
    if (record.sid.length > longestSid) throw new Error(`A sid of ${record.sid.length} characters is none of ours.`)
    const mark = limit && limit.evict !== 'refuse' ? limit.evict : null
    const except = limit?.except === undefined ? null : toColumn(limit.except)
    const conditions = [now, generation, limit?.max, ...ending(mark), except]
    const [first, ...evicted] = await this.#database.run(this.#statements.create, [...toRow(record), ...conditions])
    const outcome = first?.[0]
    if (outcome === 'created') return { outcome, evicted: toRecords(evicted.map(row => row.slice(1))) }
    if (outcome === 'exists' || outcome === 'overtaken' || outcome === 'limit') return { outcome }
    throw new Error('PostgreSQL gave no answer that the store knows.')
  }

  save(record: StoredRecord, { durable }: { durable: boolean }): Promise<'saved' | 'conflict' | 'gone'> {
    return this.#saves.ask([record, durable])
  }

  touch(sid: string, lastSeenAt: number, expiresAt: number): Promise<void> {
    return this.#touches.ask([sid, lastSeenAt, expiresAt])
  }

  async end(sid: string, mark: EndMark): Promise<StoredRecord | null> {
    const [row] = await this.#database.run(this.#statements.end, [toColumn(sid), ...ending(mark)])
    return row ? toRecord(row) : null
  }

  async endUser(userId: string, mark: EndMark, except?: string): Promise<StoredRecord[]> {
    const spared = except === undefined ? null : toColumn(except)
    return toRecords(await this.#database.run(this.#statements.endUser, [toColumn(userId), ...ending(mark), spared]))
  }

  async endEverybody(mark: EndMark): Promise<number> {
    return number(await this.#database.run(this.#statements.endEverybody, ending(mark), 0))
  }

  async generation(userId: string): Promise<number> {
    return number(await this.#database.run(this.#statements.generation, [toColumn(userId)]))
  }

  async list(userId: string): Promise<StoredRecord[]> {
    return toRecords(await this.#database.run(this.#statements.list, [toColumn(userId)]))
  }

  async sweep(now: number, limit: number): Promise<StoredRecord[]> {
    const removed = toRecords(await this.#database.run(this.#statements.sweep, [now, limit]))
    return removed.sort((a, b) => a.expiresAt - b.expiresAt)
  }

  /** Writes, because a server that is full, read-only or a replica can still be read; and looks at the tables again. */
  async ping(): Promise<void> {
    await this.#database.look()
    await this.#database.run(this.#statements.ping, [])
  }

  async follow(told: (sid: string | null) => void, lost: (cause: unknown) => void): Promise<Following> {
    await this.#database.look()
    const following = await follow(this.#pool, this.#names, told, lost)
    this.#followings.add(following)
    return following
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await Promise.all([this.#reads.settle(), this.#saves.settle(), this.#touches.settle()])
    await this.#database.close()
    await Promise.all([...this.#followings].map(following => following.stop()))
  }

  async #readAll(sids: readonly string[]): Promise<(StoredRecord | Error | null)[]> {
    const asked = sids.map(toColumn)
    if (asked.length === 1) {
      const [row] = await this.#database.run(this.#statements.read, asked)
      return [row ? recordOrError(row) : null]
    }
    const padded = [...asked]
    while (padded.length < fewestSids) padded.push(asked[0] ?? '')
    const found = new Map<string | null | undefined, StoredRecord | Error>()
    for (const row of await this.#database.run(this.#statements.readMany, [padded]))
      found.set(row[0], recordOrError(row))
    return asked.map(sid => found.get(sid) ?? null)
  }

  async #saveAll(saves: readonly Save[]): Promise<('saved' | 'conflict' | 'gone')[]> {
    const records = saves.map(([record]) => record)
    const commit = saves.some(([, durable]) => durable) ? 'durably' : this.#waitForDisk ? 'as set' : 'later'
    const answers = await this.#database.run(this.#statements.save, [
      records.map(({ sid }) => toColumn(sid)),
      records.map(({ version }) => version),
      records.map(({ createdAt }) => createdAt),
      records.map(({ lastSeenAt }) => lastSeenAt),
      records.map(({ expiresAt }) => expiresAt),
      records.map(({ body }) => toColumn(body)),
      commit,
    ])
    return answers.map(([answer]) => {
      if (answer === 'saved' || answer === 'conflict' || answer === 'gone') return answer
      throw new Error('PostgreSQL gave no answer that the store knows.')
    })
  }

  async #touchAll(touches: readonly Touch[]): Promise<undefined[]> {
    await this.#database.run(this.#statements.touch, [
      touches.map(([sid]) => toColumn(sid)),
      touches.map(([, lastSeenAt]) => lastSeenAt),
      touches.map(([, , expiresAt]) => expiresAt),
    ])
    return touches.map(() => undefined)
  }
}

/** A mark as parameters. */
function ending(mark: EndMark | null): [mark: string | null, keepUntil: number | null] {
  return mark === null ? [null, null] : [JSON.stringify(mark), mark.keepUntil]
}

function recordOrError(row: Row): StoredRecord | Error {
  try {
    return toRecord(row)
  } catch (error) {
    return error instanceof Error ? error : new Error('The record is damaged.', { cause: error })
  }
}

function number([row]: readonly Row[]): number {
  const answer = Number(row?.[0] ?? Number.NaN)
  if (!Number.isSafeInteger(answer)) throw new Error('PostgreSQL gave no answer that the store knows.')
  return answer
}

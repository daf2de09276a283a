import { UsageError } from '../../errors.ts'
import { type Duration, durationMs } from '../../session/duration.ts'
import type { FactorRecord, FactorStore, FailureCount } from '../store.ts'
import { toColumn } from './column-text.ts'
import { explained, isOvertaken } from './postgres/failure.ts'
import { assertVersion } from './postgres/migrate.ts'
import { type FactorNames, type FactorPlace, namesFor } from './postgres/names.ts'
import { type FactorPool, statement, type TextRow } from './postgres/pool.ts'
import { factorColumns, toCount, toRecord, toRecords, toRow } from './rows.ts'

export { migrateFactors } from './postgres/migrate.ts'
export type { FactorPlace } from './postgres/names.ts'
export type { FactorPool, FactorRows, FactorStatement } from './postgres/pool.ts'

/** Settings of the PostgreSQL store of factors. */
export interface PostgresFactorsOptions extends FactorPlace {
  /**
   * How long a statement may take before it is rejected and its connection given up. Default `'5s'`: longer than
   * `storeTimeout`, because the connection is lost with it.
   */
  readonly queryTimeout?: Duration
}

/**
 * Keeps factors in PostgreSQL 13 or later, for as many processes on as many machines as you like, through a `Pool` of the
 * package `pg` that you make and that stays yours: closing the store does not end it. {@link migrateFactors} makes the tables.
 *
 * Throws a `UsageError` when the pool would wait for a connection for ever, or the names are unusable. Operations reject
 * with an `Error` that names the fix; the store works again once that is over.
 */
export function postgresFactors(pool: FactorPool, options: PostgresFactorsOptions = {}): FactorStore {
  if (pool.options && !pool.options.connectionTimeoutMillis) {
    const reason = 'a server that falls silent while it is being connected to would take its place in the pool for ever'
    throw new UsageError(`postgresFactors: give the pool connectionTimeoutMillis, such as 2000: without, ${reason}.`)
  }
  const timeoutMs = durationMs(options.queryTimeout ?? '5s', 'postgresFactors: queryTimeout')
  return new PostgresFactors(pool, namesFor(options), timeoutMs)
}

/** Pools whose broken connections no longer end the process. */
const guarded = new WeakSet<FactorPool>()

/**
 * Whoever turned synchronous_commit off for speed did not mean factors: a code that was accepted must not be good again.
 * Every other setting is kept. Joined to each write, because what nobody reads is not carried out.
 */
const durably = `durably AS MATERIALIZED (
  SELECT CASE WHEN current_setting('synchronous_commit') = 'off' THEN set_config('synchronous_commit', 'on', true) END
)`

/** Every operation is one statement, and so one transaction. */
class PostgresFactors implements FactorStore {
  readonly name = 'postgres'
  readonly #pool: FactorPool
  readonly #names: FactorNames
  readonly #timeoutMs: number
  #looking: Promise<void> | null = null
  #underWay = 0
  #closed = false
  #settled: (() => void) | null = null

  constructor(pool: FactorPool, names: FactorNames, timeoutMs: number) {
    this.#pool = pool
    this.#names = names
    this.#timeoutMs = timeoutMs
    if (guarded.has(pool)) return
    guarded.add(pool)
    // An idle connection that breaks is replaced by the pool when it is needed; there is nobody to tell.
    pool.on('error', () => {})
  }

  async find(id: string): Promise<FactorRecord | null> {
    const [row] = await this.#read(`SELECT ${factorColumns} FROM ${this.#names.factors} WHERE id = $1`, [toColumn(id)])
    return row ? toRecord(row) : null
  }

  async list(userId: string): Promise<FactorRecord[]> {
    const select = `SELECT ${factorColumns} FROM ${this.#names.factors} WHERE user_id = $1`
    return toRecords(await this.#read(select, [toColumn(userId)]))
  }

  async create(record: FactorRecord): Promise<'created' | 'exists'> {
    const values = 'SELECT $1, $2, $3, $4::bigint, $5, $6::bigint, $7::bigint, $8 FROM durably'
    const insert = `INSERT INTO ${this.#names.factors} (${factorColumns}) ${values} ON CONFLICT (id) DO NOTHING RETURNING 1`
    return (await this.#write(insert, toRow(record))) === 1 ? 'created' : 'exists'
  }

  async save({ id, version, label, lastUsedAt, body }: FactorRecord): Promise<'saved' | 'conflict' | 'gone'> {
    const changes = 'version = $2, label = $3, last_used_at = $4, body = $5'
    const update = `UPDATE ${this.#names.factors} SET ${changes} FROM durably WHERE id = $1 AND version = $2::bigint - 1 RETURNING 1`
    const values = [toColumn(id), version, toColumn(label), lastUsedAt, toColumn(body)]
    if ((await this.#change(update, values)) === 1) return 'saved'
    return (await this.find(id)) ? 'conflict' : 'gone'
  }

  async remove(id: string): Promise<boolean> {
    return (await this.#write(this.#deletion('id'), [toColumn(id)])) === 1
  }

  removeUser(userId: string): Promise<number> {
    return this.#write(this.#deletion('user_id'), [toColumn(userId)])
  }

  async failures(key: string): Promise<FailureCount | null> {
    const select = `SELECT version, failures, failed_at FROM ${this.#names.failures} WHERE key = $1`
    const [row] = await this.#read(select, [toColumn(key)])
    return row ? toCount(key, row) : null
  }

  async saveFailures({ key, version, failures, failedAt }: FailureCount): Promise<'saved' | 'conflict'> {
    const table = this.#names.failures
    const values = 'SELECT $1, $2::bigint, $3::integer, $4::bigint FROM durably'
    const changes = 'version = $2, failures = $3, failed_at = $4'
    const statement =
      version === 1
        ? `INSERT INTO ${table} (key, version, failures, failed_at) ${values} ON CONFLICT (key) DO NOTHING RETURNING 1`
        : `UPDATE ${table} SET ${changes} FROM durably WHERE key = $1 AND version = $2::bigint - 1 RETURNING 1`
    return (await this.#change(statement, [toColumn(key), version, failures, failedAt])) === 1 ? 'saved' : 'conflict'
  }

  async clearFailures(keys: readonly string[]): Promise<void> {
    const { failures } = this.#names
    // In order, so that two who forgive the same user do not wait for each other.
    const locked = `SELECT key FROM ${failures} WHERE key = ANY ($1::text[]) ORDER BY key FOR UPDATE`
    const deletion = `DELETE FROM ${failures} USING durably WHERE key IN (${locked}) RETURNING 1`
    await this.#write(deletion, [keys.map(toColumn)])
  }

  forgetFailures(before: number, limit: number): Promise<number> {
    const { failures } = this.#names
    const oldest = `SELECT key FROM ${failures} WHERE failed_at < $1 ORDER BY failed_at LIMIT $2 FOR UPDATE SKIP LOCKED`
    return this.#write(`DELETE FROM ${failures} USING durably WHERE key IN (${oldest}) RETURNING 1`, [before, limit])
  }

  /** Writes, because a server that is full, read-only or a replica can still be read; and looks at the tables again. */
  async ping(): Promise<void> {
    this.#looking = null
    await this.find('')
    await this.#write(`UPDATE ${this.#names.factors} SET version = version FROM durably WHERE id = $1 RETURNING 1`, [
      '',
    ])
  }

  async close(): Promise<void> {
    this.#closed = true
    if (this.#underWay > 0) await new Promise<void>(resolve => (this.#settled = resolve))
  }

  #deletion(column: string): string {
    return `DELETE FROM ${this.#names.factors} USING durably WHERE ${column} = $1 RETURNING 1`
  }

  /**
   * Rows, but never a replica's: it answers with the past, in which a factor that was added is not there yet and a code that
   * was used still works. The row that says so comes first, also when there are no others.
   */
  async #read(select: string, values: unknown[]): Promise<TextRow[]> {
    const found = `found AS MATERIALIZED (${select})`
    const text = `WITH ${found} SELECT pg_is_in_recovery(), found.* FROM (SELECT) AS one LEFT JOIN found ON true`
    const rows = await this.#run(text, values)
    if (rows[0]?.[0] !== 'f')
      throw explained(Object.assign(new Error('it is a replica'), { code: '25006' }), this.#names)
    // The first column of every row that was found is text or a number, never NULL.
    return rows.map(([, ...row]) => row).filter(row => row[0] !== null)
  }

  async #write(text: string, values: unknown[]): Promise<number> {
    return (await this.#run(`WITH ${durably} ${text}`, values)).length
  }

  /** A write from a version: a transaction of another isolation that lost the race has changed nothing, either. */
  async #change(text: string, values: unknown[]): Promise<number> {
    try {
      return await this.#write(text, values)
    } catch (error) {
      if (error instanceof Error && isOvertaken(error.cause)) return 0
      throw error
    }
  }

  async #run(text: string, values: unknown[]): Promise<TextRow[]> {
    if (this.#closed) throw new Error('The PostgreSQL store of factors is closed.')
    this.#underWay += 1
    try {
      this.#looking ??= this.#look()
      await this.#looking
      return (await this.#pool.query(statement(text, values, this.#timeoutMs))).rows as TextRow[]
    } catch (error) {
      // Looked at again the next time: what was wrong may have been put right, or the tables moved.
      this.#looking = null
      throw explained(error, this.#names)
    } finally {
      this.#underWay -= 1
      if (this.#underWay === 0) this.#settled?.()
    }
  }

  async #look(): Promise<void> {
    const text = `SELECT application, version FROM ${this.#names.schema}`
    const { rows } = await this.#pool.query(statement(text, [], this.#timeoutMs))
    assertVersion(rows as TextRow[], this.#names)
  }
}

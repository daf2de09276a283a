import { toColumn } from '../../databases/column-text.ts'
import { Database } from '../../databases/postgres/database.ts'
import type { Place } from '../../databases/postgres/names.ts'
import { assertBounded, type Pool, type Row } from '../../databases/postgres/pool.ts'
import { type Duration, durationMs } from '../../session/duration.ts'
import type { FactorRecord, FactorStore, FailureCount } from '../store.ts'
import { explained, isOvertaken } from './postgres/failure.ts'
import { factorTables } from './postgres/migrate.ts'
import { type FactorNames, namesFor } from './postgres/names.ts'
import { factorColumns, toCount, toRecord, toRecords, toRow } from './rows.ts'

export type { Place as FactorPlace } from '../../databases/postgres/names.ts'
export type {
  Pool as FactorPool,
  Rows as FactorRows,
  Statement as FactorStatement,
} from '../../databases/postgres/pool.ts'
export { migrateFactors } from './postgres/migrate.ts'

/** Settings of the PostgreSQL store of factors. */
export interface PostgresFactorsOptions extends Place {
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
export function postgresFactors(pool: Pool, options: PostgresFactorsOptions = {}): FactorStore {
  assertBounded(pool, 'postgresFactors')
  const timeoutMs = durationMs(options.queryTimeout ?? '5s', 'postgresFactors: queryTimeout')
  const settings = { timeoutMs, closed: 'The PostgreSQL store of factors is closed.' }
  return new PostgresFactors(new Database(pool, namesFor(options), factorTables, settings))
}

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
  readonly #database: Database<FactorNames>
  readonly #names: FactorNames

  constructor(database: Database<FactorNames>) {
    this.#database = database
    this.#names = database.names
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
    this.#database.doubt()
    await this.find('')
    await this.#write(`UPDATE ${this.#names.factors} SET version = version FROM durably WHERE id = $1 RETURNING 1`, [
      '',
    ])
  }

  close(): Promise<void> {
    return this.#database.close()
  }

  #deletion(column: string): string {
    return `DELETE FROM ${this.#names.factors} USING durably WHERE ${column} = $1 RETURNING 1`
  }

  /**
   * Rows, but never a replica's: it answers with the past, in which a factor that was added is not there yet and a code that
   * was used still works. The row that says so comes first, also when there are no others.
   */
  async #read(select: string, values: unknown[]): Promise<Row[]> {
    const found = `found AS MATERIALIZED (${select})`
    const text = `WITH ${found} SELECT pg_is_in_recovery(), found.* FROM (SELECT) AS one LEFT JOIN found ON true`
    const rows = await this.#database.rows(text, ...values)
    if (rows[0]?.[0] !== 'f')
      throw explained(Object.assign(new Error('it is a replica'), { code: '25006' }), this.#names)
    // The first column of every row that was found is text or a number, never NULL.
    return rows.map(([, ...row]) => row).filter(row => row[0] !== null)
  }

  #write(text: string, values: unknown[]): Promise<number> {
    return this.#database.change(`WITH ${durably} ${text}`, ...values)
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
}

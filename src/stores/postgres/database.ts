import { Explained } from '../../databases/postgres/failure.ts'
import { guard, type Row, statement } from '../../databases/postgres/pool.ts'
import { explained, isAboutSchema } from './failure.ts'
import { versionIn } from './migrate.ts'
import { schemaVersion } from './migrations.ts'
import type { Names } from './names.ts'
import type { PostgresPool } from './pool.ts'

/** A statement of the store: its SQL, and the name under which connections keep it prepared. */
export interface Prepared {
  readonly name: string
  readonly text: string
}

/**
 * The pool, as the store uses it: before the first statement the tables are looked at, every error is explained, and no
 * connection is waited for longer than `timeoutMs`.
 */
export class Database {
  readonly #pool: PostgresPool
  readonly #names: Names
  readonly #timeoutMs: number
  /** Whether the tables were found to be ours and of this version. */
  #isSound = false
  #looking: Promise<void> | null = null
  #underWay = 0
  #closed = false
  #settled: (() => void) | null = null

  constructor(pool: PostgresPool, names: Names, timeoutMs: number) {
    this.#pool = pool
    this.#names = names
    this.#timeoutMs = timeoutMs
    guard(pool)
  }

  /** The rows that the statement answers with. `timeoutMs` instead of the usual one; 0 for as long as the pool allows. */
  async run({ name, text }: Prepared, values: unknown[], timeoutMs: number = this.#timeoutMs): Promise<readonly Row[]> {
    if (this.#closed) throw new Error('The PostgreSQL store is closed.')
    this.#underWay += 1
    try {
      if (!this.#isSound) await this.look()
      const { rows } = await this.#pool.query(statement(text, values, timeoutMs, name))
      return rows as Row[]
    } catch (error) {
      // Somebody may have moved the tables, or changed them, while we were running.
      if (isAboutSchema(error)) this.#isSound = false
      throw explained(error, this.#names)
    } finally {
      this.#underWay -= 1
      if (this.#underWay === 0) this.#settled?.()
    }
  }

  /** Looks at the tables, and at how the server would treat us. What it found wrong is looked at again the next time. */
  look(): Promise<void> {
    this.#looking ??= this.#look()
      .catch(error => Promise.reject(explained(error, this.#names)))
      .finally(() => {
        this.#looking = null
      })
    return this.#looking
  }

  /** Refuses new statements and resolves when those under way are answered. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#underWay > 0) await new Promise<void>(resolve => (this.#settled = resolve))
  }

  async #look(): Promise<void> {
    const settings = `pg_is_in_recovery(), current_setting('transaction_isolation')`
    const text = `SELECT application, version, ${settings} FROM ${this.#names.schema}`
    const { rows } = await this.#pool.query(statement(text, [], this.#timeoutMs)).catch(error => {
      // undefined_column
      if (error?.code === '42703') return { rows: [] }
      throw error
    })
    const found = rows as Row[]
    if (versionIn(found, this.#names) < schemaVersion) {
      const fix = 'Run: npx latchkey migrate postgres://…'
      throw new Explained(`The tables ${this.#names.shown}* are of an older Latchkey. ${fix}`)
    }
    const [, , isReplica, isolation] = found[0] ?? []
    if (isReplica === 't') throw Object.assign(new Error('pg_is_in_recovery'), { code: '25006' })
    if (isolation !== 'read committed') throw Object.assign(new Error(`it is ${isolation}`), { code: 'LK001' })
    this.#isSound = true
  }
}

import { guard, type Pool, type Row, statement } from './pool.ts'
import { assertTables, type TableNames, type Tables } from './tables.ts'

/** How a database is used. */
export interface DatabaseSettings {
  /** How long a statement may take before it is rejected and its connection given up, and how long it is tried again; in ms. */
  readonly timeoutMs: number
  /** What is told of a database that was closed. */
  readonly closed: string
  /** Whether a statement that failed like this did nothing because of another one, and is tried again. Default: none is. */
  readonly isOvertaken?: (error: unknown) => boolean
}

/** One way into the tables, which are looked at before they are used. Every operation is one statement, and so one transaction. */
export class Database<Names extends TableNames> {
  /** What everything in it is called. */
  readonly names: Names
  readonly #pool: Pool
  readonly #tables: Tables<Names>
  readonly #settings: DatabaseSettings
  readonly #underWay = new Set<Promise<unknown>>()
  #looking: Promise<void> | null = null
  #closed = false

  constructor(pool: Pool, names: Names, tables: Tables<Names>, settings: DatabaseSettings) {
    this.names = names
    this.#pool = pool
    this.#tables = tables
    this.#settings = settings
    guard(pool)
  }

  /** Rows of texts. A statement that others got in the way of is tried again, if the settings say so. */
  rows(text: string, ...values: unknown[]): Promise<Row[]> {
    const running = this.#run(text, values)
    this.#underWay.add(running)
    const over = () => this.#underWay.delete(running)
    running.then(over, over)
    return running
  }

  /** How many rows a statement with `RETURNING` changed. */
  async change(text: string, ...values: unknown[]): Promise<number> {
    return (await this.rows(text, ...values)).length
  }

  /** Has the tables looked at again before the next statement. */
  doubt(): void {
    this.#looking = null
  }

  /** Waits for what is under way. The pool stays open: it is its maker's. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.allSettled(this.#underWay)
  }

  async #run(text: string, values: unknown[]): Promise<Row[]> {
    const { timeoutMs, closed, isOvertaken } = this.#settings
    if (this.#closed) throw new Error(closed)
    const giveUpAt = performance.now() + timeoutMs
    for (;;) {
      try {
        this.#looking ??= assertTables(this.#pool, this.names, this.#tables, timeoutMs)
        await this.#looking
        return (await this.#pool.query(statement(text, values, timeoutMs))).rows as Row[]
      } catch (error) {
        if (!isOvertaken?.(error) || performance.now() >= giveUpAt) {
          // Looked at again the next time: what was wrong may have been put right, or the tables moved.
          this.#looking = null
          throw this.#tables.explained(error, this.names)
        }
      }
      await new Promise(resume => setTimeout(resume, Math.random() * 20))
    }
  }
}

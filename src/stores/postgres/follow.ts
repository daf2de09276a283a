import { randomUUID } from 'node:crypto'
import { fromColumn } from '../../databases/column-text.ts'
import { Explained } from '../../databases/postgres/failure.ts'
import { type Row, statement } from '../../databases/postgres/pool.ts'
import { UsageError } from '../../errors.ts'
import type { Following } from '../../session/store.ts'
import { explained } from './failure.ts'
import type { Names } from './names.ts'
import type { PostgresClient, PostgresPool } from './pool.ts'

/** A notification for everybody: no sid is stored like this. */
const everybody = '\\*'
/** How long the listening connection may take to answer before it is given up, in ms. */
const timeoutMs = 1_000

/**
 * Listens on a connection of its own. What `lost` is told ends it; there is one connection for each follower, because
 * answers on it come after all notifications of what was committed before they were asked for.
 */
export async function follow(
  pool: PostgresPool,
  names: Names,
  told: (sid: string | null) => void,
  lost: (cause: unknown) => void,
): Promise<Following> {
  const max = pool.options?.max
  if (max !== undefined && max < 2) {
    throw new UsageError('postgresStore: to follow changes takes a connection: give the pool a max of 2 or more.')
  }
  const client = await pool.connect().catch(cause => Promise.reject(explained(cause, names)))
  const follower = new Follower(client, names, told, lost)
  await follower.begin(pool)
  return follower
}

class Follower implements Following {
  readonly #client: PostgresClient
  readonly #names: Names
  readonly #lost: (cause: unknown) => void
  #isOver = false
  /** A notification that is not about a session: what it says, and what to do when it comes. */
  #awaited: readonly [payload: string, heard: () => void] | null = null

  constructor(
    client: PostgresClient,
    names: Names,
    told: (sid: string | null) => void,
    lost: (cause: unknown) => void,
  ) {
    this.#client = client
    this.#names = names
    this.#lost = lost
    client.on('notification', ({ payload }: { readonly payload?: string }) => {
      if (this.#isOver) return
      if (payload !== undefined && payload === this.#awaited?.[0]) this.#awaited[1]()
      else told(payload === undefined || payload === everybody ? null : fromColumn(payload))
    })
    client.on('error', (cause: Error) => this.#lose(cause))
    client.on('end', () => this.#lose(new Error('the connection ended')))
  }

  async begin(pool: PostgresPool): Promise<void> {
    const { channel, followers, lock } = this.#names
    try {
      await this.#run(`LISTEN "${channel}"`)
      await this.#run(`INSERT INTO ${followers} VALUES (pg_backend_pid()) ON CONFLICT DO NOTHING`)
      // Until the changes whose authors did not see this row are over.
      await this.#run(`SELECT pg_advisory_xact_lock('${lock}')`, 5 * timeoutMs)
      await this.#hear(pool)
    } catch (cause) {
      this.#end(cause)
      throw cause
    }
    if (this.#isOver) throw new Error('The connection to PostgreSQL was cut.')
  }

  /**
   * A pooler that gives our connection to others between statements (PgBouncer in transaction mode) takes LISTEN and
   * passes no notification on, and everything else looks as it should: so one is sent from another connection.
   */
  async #hear(pool: PostgresPool): Promise<void> {
    const payload = randomUUID()
    const heard = Promise.withResolvers<void>()
    this.#awaited = [payload, heard.resolve]
    const fix = 'Use its session mode, or connect this pool to PostgreSQL itself'
    const deaf = new Explained(`A connection pooler keeps the notifications of PostgreSQL from us. ${fix}.`)
    const notify = statement('SELECT pg_notify($1, $2)', [this.#names.channel, payload], timeoutMs)
    await pool.query(notify).catch(cause => Promise.reject(explained(cause, this.#names)))
    const timer = setTimeout(() => heard.reject(deaf), timeoutMs)
    await heard.promise.finally(() => clearTimeout(timer))
    this.#awaited = null
  }

  async confirm(): Promise<void> {
    try {
      if (this.#isOver) throw new Error('It is over.')
      const rows = await this.#run(`SELECT FROM ${this.#names.followers} WHERE pid = pg_backend_pid()`)
      // Without it nobody notifies us.
      if (rows.length !== 1) throw new Error(`Somebody deleted our row from ${this.#names.followers}.`)
    } catch (cause) {
      this.#lose(cause)
      throw cause
    }
  }

  async stop(): Promise<void> {
    if (this.#isOver) return
    await this.#run(`DELETE FROM ${this.#names.followers} WHERE pid = pg_backend_pid()`).catch(() => {})
    this.#end(true)
  }

  async #run(text: string, patienceMs: number = timeoutMs): Promise<Row[]> {
    try {
      return (await this.#client.query(statement(text, [], patienceMs))).rows as Row[]
    } catch (cause) {
      throw explained(cause, this.#names)
    }
  }

  #lose(cause: unknown): void {
    if (this.#isOver) return
    this.#end(cause)
    this.#lost(cause)
  }

  /** The connection is not given back for others to use: it listens. */
  #end(cause: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#client.release(cause instanceof Error ? cause : true)
  }
}

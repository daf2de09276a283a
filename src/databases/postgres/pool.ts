import { UsageError } from '../../errors.ts'

/** What Latchkey needs of a `Pool` of the package `pg` (node-postgres 8.11 or later). */
export interface Pool {
  /** Runs one statement on any connection of the pool. */
  query(statement: Statement): Promise<Rows>
  /** Listens for connections that broke while nobody used them; without a listener that would end the process. */
  on(event: 'error', listener: (cause: Error) => void): unknown
  /** What the pool was made with, as far as it matters here. */
  readonly options?: { readonly connectionTimeoutMillis?: number | undefined }
}

/** One statement as `pg` takes it. */
export interface Statement {
  /** The SQL. */
  readonly text: string
  /** Its parameters: `$1` is the first. */
  readonly values?: unknown[]
  /** Under this name it stays prepared on the connection. */
  readonly name?: string
  /** Rows as arrays, in the order of the columns. */
  readonly rowMode: 'array'
  /** How columns are read, whatever parsers the application has set for itself. */
  readonly types: { getTypeParser(): (text: string) => string }
  /** After this long, in ms, the statement is rejected and its connection closed. */
  readonly query_timeout?: number
}

/** What a statement answers. */
export interface Rows {
  /** The rows, in order. */
  readonly rows: unknown[]
}

/** Columns as PostgreSQL wrote them. */
export type Row = readonly (string | null)[]

const types: Statement['types'] = { getTypeParser: () => text => text }

/**
 * A statement for `pg`: answers with rows of texts. Without values it may be several statements, which are one transaction;
 * with a name it stays prepared.
 */
export function statement(
  text: string,
  values: unknown[] | null,
  timeoutMs: number,
  name: string | null = null,
): Statement {
  const bare: Statement = { text, rowMode: 'array', types, query_timeout: timeoutMs }
  const unnamed = values ? { ...bare, values } : bare
  return name === null ? unnamed : { ...unnamed, name }
}

/** Throws a `UsageError`, in the name of the function that was called, when the pool would wait for a connection for ever. */
export function assertBounded(pool: Pool, caller: string): void {
  if (!pool.options || pool.options.connectionTimeoutMillis) return
  const reason = 'a server that falls silent while it is being connected to would take its place in the pool for ever'
  throw new UsageError(`${caller}: give the pool connectionTimeoutMillis, such as 2000: without, ${reason}.`)
}

/** Pools whose broken connections no longer end the process. */
const guarded = new WeakSet<Pool>()

/** From now on a connection of the pool that breaks while nobody uses it does not end the process. */
export function guard(pool: Pool): void {
  if (guarded.has(pool)) return
  guarded.add(pool)
  // An idle connection that breaks is replaced by the pool when it is needed; there is nobody to tell.
  pool.on('error', () => {})
}

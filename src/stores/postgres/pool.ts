/** What the store needs of a `Pool` of the package `pg` (node-postgres 8.11 or later). */
export interface PostgresPool {
  /** Runs one statement on any connection of the pool. */
  query(statement: PostgresStatement): Promise<PostgresRows>
  /** Takes a connection out of the pool. */
  connect(): Promise<PostgresClient>
  /** Listens for connections that broke while nobody used them; without a listener that would end the process. */
  on(event: 'error', listener: (cause: Error) => void): unknown
  /** What the pool was made with, as far as it matters here. */
  readonly options?: { readonly max?: number | undefined; readonly connectionTimeoutMillis?: number | undefined }
}

/** A connection that was taken out of the pool. */
export interface PostgresClient {
  /** Runs one statement on this connection, after those that were asked for before. */
  query(statement: PostgresStatement): Promise<PostgresRows>
  /** Listens for notifications, for the end of the connection and for what broke it. */
  on(event: 'notification' | 'error' | 'end', listener: (about: never) => void): unknown
  /** Gives it back; closes it when there is an error or `true`. */
  release(broken?: Error | boolean): void
}

/** One statement as `pg` takes it. */
export interface PostgresStatement {
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
export interface PostgresRows {
  /** The rows, in order. */
  readonly rows: unknown[]
}

/** Columns as PostgreSQL wrote them. */
export type Row = readonly (string | null)[]

const types: PostgresStatement['types'] = { getTypeParser: () => text => text }

/** A statement for `pg`: answers with rows of texts. */
export function statement(text: string, values: unknown[], name: string | null, timeoutMs: number): PostgresStatement {
  const unnamed: PostgresStatement = { text, values, rowMode: 'array', types, query_timeout: timeoutMs }
  return name === null ? unnamed : { ...unnamed, name }
}

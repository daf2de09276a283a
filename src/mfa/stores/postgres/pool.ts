/** What the store of factors needs of a `Pool` of the package `pg` (node-postgres 8.11 or later). */
export interface FactorPool {
  /** Runs one statement on any connection of the pool. */
  query(statement: FactorStatement): Promise<FactorRows>
  /** Listens for connections that broke while nobody used them; without a listener that would end the process. */
  on(event: 'error', listener: (cause: Error) => void): unknown
  /** What the pool was made with, as far as it matters here. */
  readonly options?: { readonly connectionTimeoutMillis?: number | undefined }
}

/** One statement as `pg` takes it. */
export interface FactorStatement {
  /** The SQL. */
  readonly text: string
  /** Its parameters: `$1` is the first. */
  readonly values?: unknown[]
  /** Rows as arrays, in the order of the columns. */
  readonly rowMode: 'array'
  /** How columns are read, whatever parsers the application has set for itself. */
  readonly types: { getTypeParser(): (text: string) => string }
  /** After this long, in ms, the statement is rejected and its connection closed. */
  readonly query_timeout?: number
}

/** What a statement answers. */
export interface FactorRows {
  /** The rows, in order. */
  readonly rows: unknown[]
}

/** Columns as PostgreSQL wrote them. */
export type TextRow = readonly (string | null)[]

const types: FactorStatement['types'] = { getTypeParser: () => text => text }

/** A statement for `pg`: answers with rows of texts. Without values it may be several statements, which are one transaction. */
export function statement(text: string, values: unknown[] | null, timeoutMs: number): FactorStatement {
  const bare: FactorStatement = { text, rowMode: 'array', types, query_timeout: timeoutMs }
  return values ? { ...bare, values } : bare
}

/**
 * Campus's own database: accounts, and what the sign-in throttle remembers. Sessions live elsewhere. It is a file of SQLite
 * for one machine or a PostgreSQL for many, and nobody but the two files that open them knows which.
 */
export interface Database {
  /** Runs one statement by itself; for several that belong together there is {@link transaction}. */
  readonly query: Query
  /**
   * Runs several statements as one: all of them happen, or nothing. `work` must use the `query` that it gets and nothing
   * slow, because others wait for it, and must not mind to be run again: PostgreSQL breaks up deadlocks.
   */
  transaction<T>(work: (query: Query) => Promise<T>): Promise<T>
  /** Lets what is under way finish, then closes. */
  close(): Promise<void>
}

/**
 * Runs a statement and answers with its rows. The SQL is what SQLite and PostgreSQL both understand, with values as `$1`,
 * `$2` …, never written into the text. Rejects with a {@link DatabaseFailure}.
 */
export type Query = <Row>(sql: string, ...values: readonly (string | number | null)[]) => Promise<Row[]>

/** The database did not do what it was asked for. Its own words are the `cause`, for the log only. */
export class DatabaseFailure extends Error {
  override readonly name = 'DatabaseFailure'
  readonly code = 'database'

  constructor(cause: unknown) {
    super('The database failed.', { cause })
  }
}

import type { Pool, Rows, Statement } from '../../databases/postgres/pool.ts'

/** What the store needs of a `Pool` of the package `pg` (node-postgres 8.11 or later). */
export interface PostgresPool extends Pool {
  /** Takes a connection out of the pool. */
  connect(): Promise<PostgresClient>
  /** What the pool was made with, as far as it matters here. */
  readonly options?: { readonly max?: number | undefined; readonly connectionTimeoutMillis?: number | undefined }
}

/** A connection that was taken out of the pool. */
export interface PostgresClient {
  /** Runs one statement on this connection, after those that were asked for before. */
  query(statement: Statement): Promise<Rows>
  /** Listens for notifications, for the end of the connection and for what broke it. */
  on(event: 'notification' | 'error' | 'end', listener: (about: never) => void): unknown
  /** Gives it back; closes it when there is an error or `true`. */
  release(broken?: Error | boolean): void
}

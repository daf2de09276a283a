import { Database } from '../../databases/postgres/database.ts'
import type { Place } from '../../databases/postgres/names.ts'
import { assertBounded, type Pool } from '../../databases/postgres/pool.ts'
import { type Duration, durationMs } from '../../session/duration.ts'
import type { WatchStore } from '../store.ts'
import { postgresAlerts } from './postgres/alerts.ts'
import { isOvertaken } from './postgres/failure.ts'
import { watchTables } from './postgres/migrate.ts'
import { namesFor } from './postgres/names.ts'
import { postgresSeries } from './postgres/series.ts'
import { postgresTrail } from './postgres/trail.ts'
import { postgresWindows } from './postgres/windows.ts'

export type { Place as WatchPlace } from '../../databases/postgres/names.ts'
export type {
  Pool as WatchPool,
  Rows as WatchRows,
  Statement as WatchStatement,
} from '../../databases/postgres/pool.ts'
export { migrateWatch, watchSchema } from './postgres/migrate.ts'

/** Settings of the watch store in PostgreSQL. */
export interface PostgresWatchOptions extends Place {
  /** How long a statement may take before it is rejected and its connection given up. Default `'30s'`: nobody's request waits for it. */
  readonly queryTimeout?: Duration
}

/**
 * Keeps audit trail, alerts, windows and charts in PostgreSQL 13 or later, for as many processes on as many machines as you
 * like, through a `Pool` of the package `pg` that you make and that stays yours: closing the store does not end it. Give it
 * another pool than the sessions', so that a flood of entries never keeps a request waiting. {@link migrateWatch} makes the
 * tables.
 *
 * Throws a `UsageError` when the pool would wait for a connection for ever, or the names are unusable. Operations reject
 * with an `Error` that names the fix; the store works again once that is over.
 */
export function postgresWatch(pool: Pool, options: PostgresWatchOptions = {}): WatchStore {
  assertBounded(pool, 'postgresWatch')
  const timeoutMs = durationMs(options.queryTimeout ?? '30s', 'postgresWatch: queryTimeout')
  const settings = { timeoutMs, closed: 'The PostgreSQL watch store is closed.', isOvertaken }
  const database = new Database(pool, namesFor(options), watchTables, settings)
  return {
    name: 'postgres',
    ...postgresTrail(database),
    ...postgresAlerts(database),
    ...postgresWindows(database),
    ...postgresSeries(database),
    // Writes, because a server that is full, read-only or a replica can still be read; and looks at the tables again.
    async ping() {
      database.doubt()
      await database.rows(`UPDATE ${database.names.schema} SET version = version`)
    },
    close: () => database.close(),
  }
}

import { resolve } from 'node:path'
import { UsageError } from '../../errors.ts'
import { type Duration, durationMs } from '../../session/duration.ts'
import type { WatchStore } from '../store.ts'
import { sqliteAlerts } from './sqlite/alerts.ts'
import { Connection } from './sqlite/connection.ts'
import { sqliteSeries } from './sqlite/series.ts'
import { sqliteTrail } from './sqlite/trail.ts'
import { sqliteWindows } from './sqlite/windows.ts'

/** Settings of the watch store in SQLite. */
export interface SqliteWatchOptions {
  /**
   * How long an operation waits while another process holds the database's lock, before it is rejected. Default `'1.5s'`.
   * The event loop is never held up meanwhile.
   */
  readonly lockTimeout?: Duration
}

/**
 * Keeps audit trail, alerts, windows and charts in one SQLite file on a local disk, not the file of the sessions. Several
 * processes of one machine may share it. The file is created with mode 0600, and so are its companions `-wal` and `-shm`;
 * the directory is yours, give it 0700. What was answered survives the death of the process; a power cut may take the last
 * moments, of which the chains tell.
 *
 * Throws a `UsageError` when the file is another program's or a newer format (it is left as it is), or when its directory
 * does not exist. Operations reject with an `Error` that names the file and the fix; the store works again once that is over.
 */
export function sqliteWatch(path: string, options: SqliteWatchOptions = {}): WatchStore {
  if (path === '' || path === ':memory:') {
    throw new UsageError('sqliteWatch: give the path of a file; for a watch in memory use memoryWatch().')
  }
  const connection = new Connection(
    resolve(path),
    durationMs(options.lockTimeout ?? '1.5s', 'sqliteWatch: lockTimeout'),
  )
  return {
    name: 'sqlite',
    ...sqliteTrail(connection),
    ...sqliteAlerts(connection),
    ...sqliteWindows(connection),
    ...sqliteSeries(connection),
    ping: () => connection.ping(),
    close: () => connection.close(),
  }
}

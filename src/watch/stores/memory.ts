import { UsageError } from '../../errors.ts'
import type { WatchStore } from '../store.ts'
import { memoryAlerts } from './memory/alerts.ts'
import { memorySeries } from './memory/series.ts'
import { memoryTrail } from './memory/trail.ts'
import { memoryWindows } from './memory/windows.ts'

/** Settings of the watch store in memory. */
export interface MemoryWatchOptions {
  /**
   * The most entries of the trail it holds, and the most alerts, windows, counters and numbers of charts: for more, the
   * oldest of each give way (entries a tenth later). 1 or more, default `100_000`. An entry takes about one kilobyte.
   */
  readonly maxEntries?: number
}

/**
 * Keeps what the watch knows in this process, for development, tests, and for a single process whose trail goes to a sink.
 * All of it dies with the process. Bounded: entries that gave way are missing from the trail, which its verification tells.
 *
 * Throws a `UsageError` when `maxEntries` is not a whole number of 1 or more.
 */
export function memoryWatch(options: MemoryWatchOptions = {}): WatchStore {
  const most = options.maxEntries ?? 100_000
  if (!Number.isSafeInteger(most) || most < 1) {
    throw new UsageError(`memoryWatch: maxEntries is ${most}: give a whole number of 1 or more, such as 100_000.`)
  }
  return {
    name: 'memory',
    ...memoryTrail(most),
    ...memoryAlerts(most),
    ...memoryWindows(most),
    ...memorySeries(most),
    ping: async () => {},
    close: async () => {},
  }
}

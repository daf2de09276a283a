import { setImmediate as nextTurn } from 'node:timers/promises'
import type { WatchStore, Windows } from './store.ts'

/** What housekeeping works with. */
export interface HousekeepingParts {
  readonly store: WatchStore
  /** Where detectors remember. */
  readonly windows: Windows
  /** How long alerts are kept, ms; `null`: for ever. The trail sees to its own entries. */
  readonly retentionMs: number | null
}

const minuteMs = 60_000
/** How long the numbers of charts are kept: 13 months, so that a year can be compared with the one before. */
const pointsKeptMinutes = 396 * 24 * 60
/** How much is removed in one go: few, so that requests are answered in between. */
const forgetBatch = 500
/** How often in a row. A minute of an attack leaves tens of thousands of windows and counters behind. */
const mostForgettings = 1_000

/** Removes what is over: windows and counters, numbers of charts, alerts. */
export async function keepHouse({ store, windows, retentionMs }: HousekeepingParts, now: number): Promise<void> {
  await forgetAll(() => windows.forgetWindows(now, forgetBatch))
  await forgetAll(() => store.forgetPoints(Math.floor(now / minuteMs) - pointsKeptMinutes, forgetBatch))
  if (retentionMs !== null) await forgetAll(() => store.forgetAlerts(now - retentionMs, forgetBatch))
}

/** Forgets until nothing is left that is over; `forget` resolves to how much it removed. */
async function forgetAll(forget: () => Promise<number>): Promise<void> {
  for (let turn = 0; turn < mostForgettings; turn += 1) {
    if ((await forget()) < forgetBatch) return
    await nextTurn()
  }
}

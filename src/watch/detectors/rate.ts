import type { Count } from '../store.ts'

/** A number of events over the last while. */
export interface Rate {
  /** The two counters to ask; they stand together in the inquiry. */
  readonly tally: readonly Count[]
  /** The one to add to, where nobody asks. */
  readonly add: Count
  /** How many there were in the last `withinMs`, with this one, from the answers to {@link tally}. */
  of(counts: readonly number[]): number
}

/**
 * Counts `by` events (0 only asks) under `key` over the last `withinMs`. Two counters hold it, however many events there are:
 * the one of this stretch of time and the one of the stretch before, of which as much is taken as still lies in the window. That
 * is exact for a burst that begins, which is what an attack is.
 */
export function rate(key: string, by: number, at: number, withinMs: number): Rate {
  const stretch = Math.floor(at / withinMs)
  const left = 1 - (at - stretch * withinMs) / withinMs
  const forgetAfterMs = 2 * withinMs
  const add = { key: `${key}:${stretch}`, by, at, forgetAfterMs }
  return {
    tally: [add, { key: `${key}:${stretch - 1}`, by: 0, at, forgetAfterMs }],
    add,
    of: ([now = 0, before = 0]) => now + by + before * left,
  }
}

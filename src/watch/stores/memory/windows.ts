import type { Seen, Windows } from '../../store.ts'
import { afterAdding, afterSighting, type Counter, countAt, overAt } from '../window.ts'

/** Something that is over by itself some time. */
interface Passing<Value> {
  readonly value: Value
  readonly overAt: number
}

/** Windows and counters. No method awaits anything before it is done, so each is one atomic step. */
export function memoryWindows(most: number): Windows {
  const windows = new Map<string, Passing<readonly Seen[]>>()
  const counters = new Map<string, Passing<Counter>>()

  return {
    async see(sightings) {
      return sightings.map(sighting => {
        const known = windows.get(sighting.key)
        const value = afterSighting(known?.value ?? [], sighting)
        put(windows, sighting.key, { value, overAt: Math.max(known?.overAt ?? 0, overAt(sighting)) }, most)
        return value
      })
    },

    async tally(counts) {
      return counts.map(count => {
        const known = counters.get(count.key)
        const value = afterAdding(known?.value, count)
        const over = Math.max(known?.overAt ?? 0, count.at + count.forgetAfterMs)
        if (count.by > 0) put(counters, count.key, { value, overAt: over }, most)
        return countAt(known?.value, count)
      })
    },

    async forgetWindows(now, limit) {
      const over = [windows, counters].flatMap(map =>
        [...map].flatMap(([key, passing]) => (passing.overAt < now ? [{ map, key }] : [])),
      )
      const forgotten = over.slice(0, limit)
      for (const { map, key } of forgotten) map.delete(key)
      return forgotten.length
    },
  }
}

/** What was not written for the longest time is first in the map, and the first to give way. */
function put<Value>(map: Map<string, Value>, key: string, value: Value, most: number): void {
  map.delete(key)
  const [oldest] = map.keys()
  if (map.size >= most && oldest !== undefined) map.delete(oldest)
  map.set(key, value)
}

import type { Point, Series } from '../../store.ts'

/** Numbers by minute and name, in the order in which their minutes came. */
export function memorySeries(most: number): Series {
  const points = new Map<string, Point>()

  function write(added: readonly Point[], value: (point: Point, known: number) => number): void {
    for (const point of added) {
      const key = `${point.minute} ${point.name}`
      const known = points.get(key)
      const [oldest] = points.keys()
      if (!known && points.size >= most && oldest !== undefined) points.delete(oldest)
      points.set(key, Object.freeze({ ...point, value: value(point, known?.value ?? 0) }))
    }
  }

  return {
    async add(added) {
      write(added, (point, known) => known + point.value)
    },

    async put(replaced) {
      write(replaced, point => point.value)
    },

    async points(names, fromMinute, toMinute) {
      const wanted = new Set(names)
      return [...points.values()]
        .filter(({ name, minute }) => wanted.has(name) && minute >= fromMinute && minute < toMinute)
        .sort((one, other) => (one.name === other.name ? one.minute - other.minute : one.name < other.name ? -1 : 1))
    },

    async forgetPoints(beforeMinute, limit) {
      const old = [...points].filter(([, { minute }]) => minute < beforeMinute).slice(0, limit)
      for (const [key] of old) points.delete(key)
      return old.length
    },
  }
}

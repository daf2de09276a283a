/** Session data as the engine sees it. */
export type PlainData = Record<string, unknown>

/** What a request changed in the session's data: the JSON it was read from and the JSON it became. */
export interface Changes {
  readonly before: string
  readonly after: string
}

/** Reads data from JSON text that this server wrote itself. */
export function parseData(json: string): PlainData {
  return JSON.parse(json)
}

/**
 * Compares the data with the JSON it was read from; `null` when nothing changed. Comparing beats trapping writes: a
 * push into a nested array counts, and reading costs nothing.
 */
export function changesSince(before: string, data: PlainData): Changes | null {
  const after = JSON.stringify(data)
  return after === before ? null : { before, after }
}

/**
 * Puts changes on top of newer data: every top-level key that the request set or removed, and no other, so that two
 * requests that changed different keys both keep their change.
 */
export function merge(newest: string, changes: Changes | null): string {
  if (!changes) return newest
  const { before, after } = changes
  if (newest === before) return after
  const old = parseData(before)
  const own = parseData(after)
  const data = parseData(newest)
  for (const key of Object.keys(old)) if (!Object.hasOwn(own, key)) delete data[key]
  for (const [key, value] of Object.entries(own)) {
    if (Object.hasOwn(old, key) && JSON.stringify(old[key]) === JSON.stringify(value)) continue
    // A plain assignment to `__proto__` would change the prototype instead of the data.
    Object.defineProperty(data, key, { value, enumerable: true, configurable: true, writable: true })
  }
  return JSON.stringify(data)
}

/** What a request changed in the session's data: the top-level keys it set and the ones it removed. */
export interface Changes {
  /** New values by key. */
  readonly set: ReadonlyMap<string, unknown>
  /** Removed keys. */
  readonly removed: readonly string[]
}

/** Session data as the engine sees it. */
export type PlainData = Record<string, unknown>

/** Reads data from JSON text that this server wrote itself. */
export function parseData(json: string): PlainData {
  return JSON.parse(json)
}

/**
 * Compares the data with the JSON it was read from; `null` when nothing changed. Comparing beats trapping writes: a
 * push into a nested array counts, and reading costs nothing.
 */
export function changesSince(json: string, data: PlainData): Changes | null {
  const now = JSON.stringify(data)
  if (now === json) return null
  const before = parseData(json)
  const set = new Map<string, unknown>()
  for (const [key, value] of Object.entries(data)) {
    // `undefined` and functions have no JSON: to assign one is to remove the key.
    const text = JSON.stringify(value)
    if (text !== undefined && (!Object.hasOwn(before, key) || text !== JSON.stringify(before[key]))) set.set(key, value)
  }
  const removed = Object.keys(before).filter(
    key => !Object.hasOwn(data, key) || JSON.stringify(data[key]) === undefined,
  )
  return set.size === 0 && removed.length === 0 ? null : { set, removed }
}

/** Puts changes on top of newer data, so that two requests that changed different keys both keep their change. */
export function merge(json: string, changes: Changes): string {
  const data = parseData(json)
  for (const key of changes.removed) delete data[key]
  for (const [key, value] of changes.set) {
    // A plain assignment to `__proto__` would change the prototype instead of the data.
    Object.defineProperty(data, key, { value, enumerable: true, configurable: true, writable: true })
  }
  return JSON.stringify(data)
}

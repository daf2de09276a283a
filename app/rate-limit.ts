/** How much, and of how many. */
export interface RateLimitRule {
  /** How often in `perMs`. */
  readonly most: number
  readonly perMs: number
  /** Keys that are remembered at once; above that the oldest is forgotten, so that a flood of keys costs no memory. */
  readonly mostKeys: number
  readonly clock: () => number
}

/** Counts one more for this key: 0 when it may go on, otherwise the seconds until it may. */
export type RateLimit = (key: string) => number

/** A limit in memory, of this process alone: for what costs little and opens nothing. Passwords have their own throttle. */
export function createRateLimit({ most, perMs, mostKeys, clock }: RateLimitRule): RateLimit {
  // In the order in which they began, which is the one in which they are forgotten.
  const windows = new Map<string, { readonly beganAt: number; count: number }>()
  return key => {
    const now = clock()
    const window = windows.get(key)
    if (window && now - window.beganAt < perMs) {
      if (window.count >= most) return Math.ceil((window.beganAt + perMs - now) / 1_000)
      window.count += 1
      return 0
    }
    windows.delete(key)
    windows.set(key, { beganAt: now, count: 1 })
    const [oldest] = windows.keys()
    if (windows.size > mostKeys && oldest !== undefined) windows.delete(oldest)
    return 0
  }
}

/**
 * From what the server said to what the page does. Instants are `Date.now()`, never a sum of timers: timers stand still
 * while a laptop sleeps and are slow in a background tab.
 */

/** A deadline that never comes. */
export const never: number = Number.POSITIVE_INFINITY

/** The deadlines of a session, as of one answer of the server. */
export interface Deadlines {
  /** When the server was asked, epoch ms: before the answer came, so that a slow network makes the page early, not late. */
  readonly askedAt: number
  /** Milliseconds from `askedAt` to the end for want of activity; `null` when there is none. */
  readonly idleIn: number | null
  /** Milliseconds from `askedAt` to the end whatever happens; `null` when there is none. */
  readonly endsIn: number | null
  /** How long before either end to warn. */
  readonly warnMs: number
}

/** A stretch of time in which the page does one thing. */
export interface Phase {
  /** `quiet`: nothing to say. `idle`, `end`: warn of the end for want of activity, of the absolute end. `over`: past it. */
  readonly name: 'quiet' | 'idle' | 'end' | 'over'
  /** Since when, epoch ms; for `quiet`, when the server was asked. */
  readonly since: number
  /** Until when, epoch ms; `Infinity` when nothing follows. */
  readonly until: number
}

/** The phase at `now`. */
export function phaseAt(now: number, { askedAt, idleIn, endsIn, warnMs }: Deadlines): Phase {
  const idleAt = askedAt + (idleIn ?? never)
  const endAt = askedAt + (endsIn ?? never)
  // Who has just been told that there is a session asks again a second later at the earliest, even if 0 ms were left.
  const overAt = Math.max(askedAt + 1_000, Math.min(idleAt, endAt))
  const warnAt = overAt - warnMs
  if (now < warnAt) return { name: 'quiet', since: askedAt, until: warnAt }
  if (now < overAt) return { name: endAt > idleAt ? 'idle' : 'end', since: warnAt, until: overAt }
  return { name: 'over', since: overAt, until: never }
}

/** How long to warn: as wished, but not for more than half of the idle time, or the warning would be the normal state. */
export function warningLength(wishedMs: number, idleMs: number): number {
  return Math.min(wishedMs, idleMs / 2)
}

/** How long to wait after so many failures in a row: 2, 4, 8 … seconds, a minute at most. */
export function pauseAfter(failures: number): number {
  return Math.min(2 ** failures, 60) * 1_000
}

import { type Duration, durationMs } from '../session/duration.ts'

/** A clock that moves only when a test says so. */
export interface TestClock {
  /** The instant it shows, epoch ms. Needs no `this`: pass it on as `clock: clock.now`. */
  readonly now: () => number
  /** Lets time pass; throws a `UsageError` unless `length` is a positive length with a unit. */
  advance(length: Duration): void
  /** Jumps to an instant, epoch ms. Backwards too, as real clocks do. */
  set(at: number): void
}

/** Makes a test clock that shows `startAt` (epoch ms; default 2030-01-01T00:00:00Z, so that failures read the same each day). */
export function testClock(startAt: number = Date.UTC(2030, 0, 1)): TestClock {
  let at = startAt
  return {
    now: () => at,
    advance(length) {
      at += durationMs(length, 'advance')
    },
    set(instant) {
      at = instant
    },
  }
}

import { type TestClock, testClock } from 'latchkey/testing'
import type { Timers } from '../../src/watch/timers.ts'

/** Timers of a test: they fire when the test lets time pass, in the order in which they are due. */
export interface ManualTimers extends Timers {
  readonly clock: TestClock
  /** Lets time pass, and after each timer what it set off. */
  pass(lengthMs: number): Promise<void>
  /** Lets go on what waits for nothing but its turn. */
  settle(): Promise<void>
  /** In how many ms each timer that waits will fire. */
  waiting(): number[]
}

export function manualTimers(clock: TestClock = testClock()): ManualTimers {
  const timers = new Set<{ readonly at: number; readonly run: () => void }>()
  // Promises settle between two turns of the event loop; nothing here needs I/O.
  const settle = async () => {
    for (let turns = 0; turns < 5; turns += 1) await new Promise(resolve => setImmediate(resolve))
  }
  return {
    clock,
    settle,
    after(lengthMs, run) {
      const timer = { at: clock.now() + lengthMs, run }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    async pass(lengthMs) {
      const until = clock.now() + lengthMs
      await settle()
      for (;;) {
        const [next] = [...timers].filter(({ at }) => at <= until).sort((one, other) => one.at - other.at)
        if (!next) break
        timers.delete(next)
        clock.set(Math.max(clock.now(), next.at))
        next.run()
        await settle()
      }
      clock.set(until)
    },
    waiting: () => [...timers].map(({ at }) => at - clock.now()).sort((one, other) => one - other),
  }
}

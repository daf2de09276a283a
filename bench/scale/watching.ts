import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setImmediate, setTimeout as wait } from 'node:timers/promises'
import type { SessionStore } from 'latchkey'
import type { Sids } from './filling.ts'

/** How some work felt to everybody else. */
export type Watched = {
  ms: number
  /** The longest time in which this process did nothing but the work. */
  stallMs: number
  /** The longest that a read took which was asked for meanwhile. */
  slowestReadMs: number
}

/** Does the work while sessions are read all the time. */
export async function watch<T>(
  store: SessionStore,
  sids: Sids,
  work: () => Promise<T>,
): Promise<Watched & { result: T }> {
  let isOver = false
  let slowestReadMs = 0
  const read = async () => {
    while (!isOver) {
      const askedAt = performance.now()
      await setImmediate()
      await store.read(sids.random())
      slowestReadMs = Math.max(slowestReadMs, performance.now() - askedAt)
      await wait(1)
    }
  }
  const resolution = 1
  const loop = monitorEventLoopDelay({ resolution })
  const reading = read()
  loop.enable()
  await wait(20) // it measures from one time to the next, so there must have been one
  loop.reset()
  await wait(20)
  slowestReadMs = 0

  const began = performance.now()
  const result = await work()
  const ms = performance.now() - began
  await wait(20) // a stall is noticed when it is over
  loop.disable()
  isOver = true
  await reading
  return { result, ms, stallMs: Math.max(0, loop.max / 1e6 - resolution), slowestReadMs }
}

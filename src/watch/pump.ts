import { setImmediate } from 'node:timers/promises'
import { pauseAfter, type Timers } from './timers.ts'

/** What a pump works with. */
export interface PumpParts {
  readonly timers: Timers
  /** How much waits. */
  readonly waiting: () => number
  /** Takes the first of what waits where it belongs, and resolves to how much less waits now; rejects when it stays where it is. */
  readonly take: () => Promise<number>
  /** Told after every failure. */
  readonly failed: () => void
}

const firstPauseMs = 200
const longestPauseMs = 10_000

/** Takes what waits where it belongs, one batch after the other; after a failure it pauses, longer each time, and tries the same again. */
export class Pump {
  readonly #parts: PumpParts
  #running = false
  #stopped = false
  #failures = 0
  #done = 0
  #endPause: (() => void) | null = null
  #settling: { readonly until: number; readonly resolve: (done: boolean) => void }[] = []

  constructor(parts: PumpParts) {
    this.#parts = parts
  }

  /** Whether the last try failed. */
  get failing(): boolean {
    return this.#failures > 0
  }

  /** Something new waits. */
  kick(): void {
    if (!this.#running && !this.#endPause && !this.#stopped) void this.#run()
  }

  /** Tries at once, and resolves when all that waits now is where it belongs (`true`), or a try failed. */
  settle(): Promise<boolean> {
    if (this.#stopped || this.#parts.waiting() === 0) return Promise.resolve(this.#parts.waiting() === 0)
    return new Promise(resolve => {
      this.#settling.push({ until: this.#done + this.#parts.waiting(), resolve })
      this.#endPause?.()
      this.#endPause = null
      this.kick()
    })
  }

  /** Tries no more. */
  stop(): void {
    this.#stopped = true
    this.#endPause?.()
    this.#settled(() => false)
  }

  async #run(): Promise<void> {
    this.#running = true
    try {
      while (!this.#stopped && this.#parts.waiting() > 0) {
        this.#done += await this.#parts.take()
        this.#failures = 0
        this.#settled(until => (until <= this.#done ? true : null))
        // A store in this process answers at once: without this, no request would have its turn before all of it is written.
        if (this.#parts.waiting() > 0) await setImmediate()
      }
      this.#settled(() => !this.#stopped)
    } catch {
      this.#pause()
    }
    this.#running = false
    if (this.#parts.waiting() > 0) this.kick()
  }

  #pause(): void {
    this.#failures += 1
    if (!this.#stopped) {
      this.#endPause = this.#parts.timers.after(pauseAfter(this.#failures, firstPauseMs, longestPauseMs), () => {
        this.#endPause = null
        this.kick()
      })
    }
    this.#parts.failed()
    this.#settled(() => false)
  }

  /** Answers those who wait: with `true` or `false`, or not yet. */
  #settled(answer: (until: number) => boolean | null): void {
    const waiting = this.#settling
    this.#settling = []
    for (const one of waiting) {
      const done = answer(one.until)
      if (done === null) this.#settling.push(one)
      else one.resolve(done)
    }
  }
}

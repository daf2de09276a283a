import type { Notice, Notifier } from './notifier.ts'
import { pauseAfter, type Timers, within } from './timers.ts'

/** Longest time for one try. */
const patienceMs = 10_000
/** Waiting notices. With the cap on notices per minute that is a few minutes of the worst flood. */
const mostWaiting = 200
const giveUpAfterMs = 15 * 60_000
const firstPauseMs = 1_000
const longestPauseMs = 60_000

/** What a lane works with. */
export interface LaneParts {
  /** Now, epoch ms. */
  readonly clock: () => number
  /** For time-outs and pauses. */
  readonly timers: Timers
  /** Told when a notice is not tried any more. */
  readonly undelivered: (notice: Notice, notifier: string) => void
}

/**
 * The way to one notifier: notices wait in it, are tried one after the other, and nobody waits for it. After a failure
 * the lane pauses, longer each time, because a server that is down is down for all notices; and the notice that failed
 * goes to the end, because it may be the notice that the server cannot take.
 */
export class Lane {
  readonly #notifier: Notifier
  readonly #parts: LaneParts
  #waiting: { readonly notice: Notice; readonly since: number }[] = []
  #failures = 0
  #underWay: { readonly abort: AbortController; readonly over: Promise<void> } | null = null
  #endPause: (() => void) | null = null
  #stopped = false

  constructor(notifier: Notifier, parts: LaneParts) {
    this.#notifier = notifier
    this.#parts = parts
  }

  /** Takes a notice; when too many wait, it counts as undelivered at once. */
  add(notice: Notice): void {
    if (this.#stopped || this.#waiting.length >= mostWaiting) this.#giveUp(notice)
    else this.#waiting.push({ notice, since: this.#parts.clock() })
    this.#goOn()
  }

  /** Lets what waits have one more try each, as far as that is possible in so long; the rest is undelivered. */
  async stop(patienceMs: number): Promise<void> {
    const cancel = this.#parts.timers.after(patienceMs, () => this.#cutOff())
    this.#endPause?.()
    this.#endPause = null
    this.#stopped = true
    this.#goOn()
    while (this.#underWay) await this.#underWay.over
    cancel()
    this.#cutOff()
  }

  #cutOff(): void {
    for (const { notice } of this.#waiting.splice(0)) this.#giveUp(notice)
    this.#underWay?.abort.abort()
  }

  #goOn(): void {
    if (this.#underWay || this.#endPause) return
    const next = this.#waiting.shift()
    if (!next) return
    const abort = new AbortController()
    const over = this.#try(next.notice, abort).then(delivered => {
      this.#underWay = null
      if (delivered) this.#failures = 0
      else this.#failed(next)
      this.#goOn()
    })
    this.#underWay = { abort, over }
  }

  async #try(notice: Notice, abort: AbortController): Promise<boolean> {
    const cutOff = new Promise<never>((_, reject) => {
      abort.signal.addEventListener('abort', () => reject(abort.signal.reason))
    })
    try {
      // A notifier may throw instead of rejecting, and may pay no heed to the signal: then its late answer is ignored.
      const work = (async () => this.#notifier.notify(notice, abort.signal))()
      await within(this.#parts.timers, patienceMs, Promise.race([work, cutOff]))
      return true
    } catch {
      abort.abort()
      return false
    }
  }

  #failed(tried: { readonly notice: Notice; readonly since: number }): void {
    const { clock, timers } = this.#parts
    // Against a clock that was set back: nothing is tried for ever.
    const isOver = this.#stopped || Math.abs(clock() - tried.since) >= giveUpAfterMs
    if (isOver) this.#giveUp(tried.notice)
    else this.#waiting.push(tried)
    this.#failures += 1
    if (this.#stopped) return
    this.#endPause = timers.after(pauseAfter(this.#failures, firstPauseMs, longestPauseMs), () => {
      this.#endPause = null
      this.#goOn()
    })
  }

  #giveUp(notice: Notice): void {
    this.#parts.undelivered(notice, this.#notifier.name)
  }
}

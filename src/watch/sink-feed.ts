import type { AuditEntry } from './entry.ts'
import type { WatchEventDetail } from './events.ts'
import { Pump } from './pump.ts'
import type { Sink } from './sink.ts'
import { type Timers, within } from './timers.ts'

/** What the feed of a sink works with. */
export interface SinkFeedParts {
  readonly maxQueued: number
  readonly timers: Timers
  /** Writes into the trail what is wrong. */
  readonly tell: (detail: WatchEventDetail) => void
  readonly trouble: (sink: string, what: 'dropped' | 'failed') => void
}

const batchSize = 500
const patienceMs = 5_000

/** The way to one sink. It has its own queue and its own patience: a sink that hangs holds nobody up but itself. */
export class SinkFeed {
  readonly #sink: Sink
  readonly #parts: SinkFeedParts
  readonly #pump: Pump
  #waiting: AuditEntry[] = []
  #batch: readonly AuditEntry[] | null = null
  #dropped = 0
  /** Dropped, and not yet written into the trail. */
  #untold = 0
  #isTold = false

  constructor(sink: Sink, parts: SinkFeedParts) {
    this.#sink = sink
    this.#parts = parts
    this.#pump = new Pump({
      timers: parts.timers,
      waiting: () => this.#waiting.length,
      take: () => this.#write(),
      failed: () => this.#failed(),
    })
  }

  /** Takes entries; those that the queue has no room for are dropped and counted. */
  add(entries: readonly AuditEntry[]): void {
    const room = Math.max(0, this.#parts.maxQueued - this.#waiting.length)
    for (const entry of entries.slice(0, room)) this.#waiting.push(entry)
    if (entries.length > room) this.#drop(entries.length - room)
    this.#pump.kick()
  }

  /** Tries at once, and resolves when the sink has all that wait now (`true`), or a try failed. */
  settle(): Promise<boolean> {
    return this.#pump.settle()
  }

  /** Tries no more; what waits is lost. */
  stop(): void {
    this.#pump.stop()
    this.#dropped += this.#waiting.length
    this.#waiting = []
  }

  /** Stops, and lets the sink finish. */
  async close(): Promise<void> {
    this.stop()
    await this.#sink.close?.()
  }

  /** How it is going. */
  stats(): { readonly name: string; readonly queued: number; readonly dropped: number; readonly failing: boolean } {
    const { name } = this.#sink
    return { name, queued: this.#waiting.length, dropped: this.#dropped, failing: this.#pump.failing }
  }

  async #write(): Promise<number> {
    // The same ones again after a failure, so that a sink can know them by their numbers.
    this.#batch ??= this.#waiting.slice(0, batchSize)
    const batch = this.#batch
    const abort = new AbortController()
    try {
      // A sink may throw instead of rejecting, and may pay no heed to the signal: then its late answer is ignored.
      await within(this.#parts.timers, patienceMs, (async () => this.#sink.write(batch, abort.signal))())
    } catch (error) {
      abort.abort()
      throw error
    }
    this.#waiting.splice(0, batch.length)
    this.#batch = null
    this.#works()
    return batch.length
  }

  #works(): void {
    this.#isTold = false
    if (this.#untold === 0) return
    this.#parts.tell({ type: 'trail.dropped', sink: this.#sink.name, count: this.#untold })
    this.#untold = 0
  }

  #failed(): void {
    if (this.#isTold) return
    this.#isTold = true
    this.#parts.tell({ type: 'sink.failed', sink: this.#sink.name })
    this.#parts.trouble(this.#sink.name, 'failed')
  }

  #drop(count: number): void {
    this.#dropped += count
    this.#untold += count
    if (this.#untold === count) this.#parts.trouble(this.#sink.name, 'dropped')
  }
}

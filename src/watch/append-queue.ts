import type { Draft, Linker } from './chain.ts'
import type { AuditEntry } from './entry.ts'
import { Pump } from './pump.ts'
import type { TrailStore } from './store.ts'
import { type Timers, within } from './timers.ts'

/** What the queue before the store works with. */
export interface AppendQueueParts {
  readonly store: TrailStore
  readonly linker: Linker
  readonly timers: Timers
  /** Makes the first entry of a chain. */
  readonly opening: () => Promise<Draft>
  /** Told when entries are in the store. */
  readonly written: (count: number) => void
  /** Told after every failure. */
  readonly failed: () => void
  /** Told of entries that were given another place, because their chain could not go on. */
  readonly moved: (entries: readonly AuditEntry[]) => void
}

/** Entries in one transaction: a bigger one is hardly cheaper for each, and keeps other writers and the event loop waiting. */
const batchSize = 500
/** Longest time for one answer of the store. */
const patienceMs = 5_000

/**
 * Entries on their way into the store, one append at a time. An append that failed may still have been done, and one that took too
 * long may yet be: so what is there is looked at before the same entries are added again.
 */
export class AppendQueue {
  readonly #parts: AppendQueueParts
  readonly #pump: Pump
  #waiting: AuditEntry[] = []
  #batch: readonly AuditEntry[] | null = null
  #inDoubt = false

  constructor(parts: AppendQueueParts) {
    this.#parts = parts
    this.#pump = new Pump({
      timers: parts.timers,
      waiting: () => this.#waiting.length,
      take: () => this.#append(),
      failed: parts.failed,
    })
  }

  /** How many wait. */
  get size(): number {
    return this.#waiting.length
  }

  /** Whether the last append failed. */
  get failing(): boolean {
    return this.#pump.failing
  }

  /** Takes entries that belong behind those that came before. */
  add(entries: readonly AuditEntry[]): void {
    for (const entry of entries) this.#waiting.push(entry)
    this.#pump.kick()
  }

  /** Tries at once, and resolves when all that wait now are written (`true`), or a try failed. */
  settle(): Promise<boolean> {
    return this.#pump.settle()
  }

  /** Tries no more; resolves to how many are lost. */
  stop(): number {
    this.#pump.stop()
    return this.#waiting.length
  }

  async #append(): Promise<number> {
    this.#batch ??= this.#waiting.slice(0, batchSize)
    const batch = this.#batch
    if (this.#inDoubt) {
      const there = await this.#whatIsThere(batch)
      const same = there.findIndex((entry, index) => entry.mac !== batch[index]?.mac || entry.seq !== batch[index]?.seq)
      const done = same < 0 ? there.length : same
      if (done > 0) return this.#done(done)
      if (there.length > 0) return this.#beginAgain()
    }
    this.#inDoubt = true
    await this.#ask(() => this.#parts.store.append(batch))
    this.#inDoubt = false
    return this.#done(batch.length)
  }

  #done(count: number): number {
    this.#waiting.splice(0, count)
    this.#batch = null
    this.#parts.written(count)
    return count
  }

  #whatIsThere([first, ...others]: readonly AuditEntry[]): Promise<readonly AuditEntry[]> {
    if (!first) return Promise.resolve([])
    return this.#ask(() => this.#parts.store.chain(first.chain, first.seq - 1, others.length + 1))
  }

  /** Somebody wrote an entry into our chain. What we have to say goes into a new one; the old one tells of it by its broken link. */
  async #beginAgain(): Promise<number> {
    const opening = await this.#parts.opening()
    this.#parts.linker.begin()
    this.#waiting = [opening, ...this.#waiting].map(entry => this.#parts.linker.link(entry))
    this.#batch = null
    this.#inDoubt = false
    this.#parts.moved(this.#waiting)
    return -1 // one more waits than before
  }

  #ask<T>(question: () => Promise<T>): Promise<T> {
    // A store may throw instead of rejecting.
    return within(this.#parts.timers, patienceMs, (async () => question())())
  }
}

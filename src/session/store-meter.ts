/** Receives measurements of the store, synchronously. It must not block and should be cheap; what it throws is ignored. */
export interface StoreMeter {
  /**
   * The store was asked. `operation` is one of a few names such as `read` or `end-user`, never a user or a sid; `ms` is how
   * long it took until the answer, or until nobody waited for it any more.
   */
  stored(operation: string, ms: number, outcome: StoreOutcome): void
  /** A near cache was asked: a hit spares the store, anything else is a read of the store as well. */
  looked(hit: boolean): void
}

/**
 * How an operation of the store went. `conflict`: it worked, but meanwhile somebody else had changed the session; `failed`: it
 * rejected, was too late, or answered nonsense.
 */
export type StoreOutcome = 'done' | 'conflict' | 'failed'

/** Hands measurements to all meters there are. */
export class StoreMeters {
  #meters: readonly StoreMeter[] = []

  /** Adds a meter; the returned function removes it. */
  add(meter: StoreMeter): () => void {
    // An object of its own, so that of a meter that was added twice only one goes.
    const added: StoreMeter = { stored: (...args) => meter.stored(...args), looked: hit => meter.looked(hit) }
    this.#meters = [...this.#meters, added]
    return () => {
      this.#meters = this.#meters.filter(other => other !== added)
    }
  }

  /** When a measurement begins; `null` while nobody measures, and then no clock is read. */
  start(): number | null {
    return this.#meters.length === 0 ? null : performance.now()
  }

  /** Tells how an operation went whose measurement began at `startedAt`. */
  stored(operation: string, startedAt: number | null, outcome: StoreOutcome): void {
    if (startedAt === null) return
    const ms = performance.now() - startedAt
    for (const meter of this.#meters) harmless(() => meter.stored(operation, ms, outcome))
  }

  /** Tells whether a cache had what was looked for. */
  looked(hit: boolean): void {
    for (const meter of this.#meters) harmless(() => meter.looked(hit))
  }
}

/** A broken meter must not make a failure of what the store did well. */
function harmless(tell: () => void): void {
  try {
    tell()
  } catch {}
}

import type { KeyObject } from 'node:crypto'
import { beginning, isAuthentic } from './chain.ts'
import type { AuditEntry } from './entry.ts'
import type { TrailStore } from './store.ts'

/** Up to where a chain was pruned, and what was removed: all that happened before an instant. */
export interface Cut {
  readonly seq: number
  readonly mac: string
  readonly before: number
}

const pageSize = 1_000
const mostTries = 100

/**
 * The first entry up to the cut of a pruning that is out of order, or `null`. What a pruning that stopped halfway left is in order as
 * one run without a gap that ends where the pruning was to end, with its MAC. A pruning may go on while we read, and what is left
 * gets less: only what stays as it is counts.
 */
export async function falseLeftOver(
  store: TrailStore,
  chain: string,
  key: KeyObject,
  cut: Cut,
): Promise<number | null> {
  let first = 0
  for (let tries = 0; ; tries += 1) {
    const run = new Run(key, cut)
    await readUpTo(store, chain, cut.seq, entry => run.take(entry))
    const found = run.found()
    if (found === null || run.first === first || tries === mostTries) return found
    first = run.first
  }
}

async function readUpTo(
  store: TrailStore,
  chain: string,
  seq: number,
  take: (entry: AuditEntry) => void,
): Promise<void> {
  for (let after = 0; ; ) {
    // What cannot be read, the reading of the chain has told already.
    const page = await store.chain(chain, after, pageSize).catch(() => [])
    for (const entry of page) if (entry.seq <= seq) take(entry)
    const last = page.at(-1)
    if (!last || last.seq >= seq || last.seq <= after || page.length < pageSize) return
    after = last.seq
  }
}

class Run {
  readonly #key: KeyObject
  readonly #cut: Cut
  #last: AuditEntry | null = null
  #wrong: number | null = null
  first = 0

  constructor(key: KeyObject, cut: Cut) {
    this.#key = key
    this.#cut = cut
  }

  take(entry: AuditEntry): void {
    const before = this.#last
    if (!before) this.first = entry.seq
    // Of the first one, the MAC before it is gone: it can have the right MAC, and other fields. It is as old as what was pruned, at least.
    const isGood = before
      ? entry.seq === before.seq + 1 && isAuthentic(this.#key, before.mac, entry)
      : entry.seq === 1
        ? isAuthentic(this.#key, beginning, entry)
        : entry.at < this.#cut.before
    if (!isGood) this.#wrong ??= entry.seq
    this.#last = entry
  }

  found(): number | null {
    if (!this.#last) return null
    const endsRight = this.#last.seq === this.#cut.seq && this.#last.mac === this.#cut.mac
    return this.#wrong ?? (endsRight ? null : this.first)
  }
}

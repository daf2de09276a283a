import { keyIdOf } from './chain.ts'
import { ChainReading } from './chain-reading.ts'
import type { AuditEntry } from './entry.ts'
import { falseLeftOver } from './left-overs.ts'
import { compareListed } from './listing.ts'
import { headsIn, type KeyOf } from './retention.ts'
import type { TrailStore } from './store.ts'
import { Fingerprints } from './tallies.ts'
import type { ChainReport, TrailReport } from './trail-report.ts'

/** An entry that is known from elsewhere, such as a line of a log that was shipped away; more fields may be there. */
export interface Anchor {
  readonly chain: string
  readonly seq: number
  readonly mac: string
  /** When it happened, epoch ms: without it, an anchor that was pruned long ago looks like one that was removed. */
  readonly at?: number
}

/** Options of `verifyTrail`. */
export interface VerifyOptions {
  /** What is known from elsewhere. Every one is compared. */
  readonly anchors?: Iterable<Anchor>
  /** The id of the newest key, to note chains that began later under another one. */
  readonly newestKeyId?: string
  /** Told after every page how many entries were read. */
  readonly onProgress?: (entries: number) => void
}

/**
 * Reads the whole trail and tells of every chain whether it is as it was written and as lists show it, and if not, its first broken
 * link. Entries may be written and pruned meanwhile. Rejects when the store cannot be read.
 */
export async function verifyTrail(store: TrailStore, keyOf: KeyOf, options: VerifyOptions = {}): Promise<TrailReport> {
  const verification = new Verification(store, keyOf, options)
  await verification.read()
  return verification.report()
}

const pageSize = 1_000

class Verification {
  readonly #store: TrailStore
  readonly #keyOf: KeyOf
  readonly #onProgress: (entries: number) => void
  readonly #chains = new Map<string, ChainReading>()
  /** What happened before was removed, and what was said before counts no more. */
  #prunedBefore = Number.NEGATIVE_INFINITY
  #entries = 0
  #unreadable = 0
  readonly #fingerprints = new Fingerprints()
  readonly #newestKeyId: string | undefined

  constructor(store: TrailStore, keyOf: KeyOf, { anchors = [], newestKeyId, onProgress = () => {} }: VerifyOptions) {
    this.#newestKeyId = newestKeyId
    this.#store = store
    this.#keyOf = keyOf
    this.#onProgress = onProgress
    for (const { chain, seq, mac, at = Number.POSITIVE_INFINITY } of anchors)
      this.#chain(chain).anchor({ seq, mac, at })
  }

  async read(): Promise<void> {
    // Others write and prune while we read. A pruning is written down before it is done, so that the second reading finds the
    // reason of every hole that the first one saw.
    await this.#readAll()
    await this.#readAll()
    // And what one chain tells of another may have come after that one was read; but it was there before it was told of.
    await this.#readToKnown()
    await this.#compareListed()
    this.#hearBehindCuts()
    for (const reading of this.#chains.values()) {
      await this.#compareKnown(reading)
      await this.#lookAtLeftOvers(reading)
    }
  }

  async #readToKnown(): Promise<void> {
    while (true) {
      const behind = [...this.#chains.values()].filter(
        ({ known, last, lookedFor }) => known && known.seq > Math.max(last, lookedFor),
      )
      if (behind.length === 0) break
      for (const reading of behind) {
        reading.lookedFor = reading.known?.seq ?? 0
        await this.#readOn(reading)
      }
    }
  }

  report(): TrailReport {
    const chains = [...this.#chains.values()]
      .map(reading => reading.report(this.#prunedBefore))
      .filter(({ entries, broken }) => entries > 0 || broken)
      .sort((one, other) => (one.firstAt ?? 0) - (other.firstAt ?? 0))
    return {
      isWhole: this.#unreadable === 0 && chains.every(({ broken }) => broken === null),
      entries: this.#entries,
      unreadable: this.#unreadable,
      chains: noted(chains, this.#newestKeyId),
    }
  }

  #chain(chain: string): ChainReading {
    const reading = this.#chains.get(chain) ?? new ChainReading(chain, this.#keyOf(keyIdOf(chain)))
    this.#chains.set(chain, reading)
    return reading
  }

  async #readAll(): Promise<void> {
    // A chain must be there up to its head; who prunes it meanwhile has said so before.
    for (const [chain, { seq }] of Object.entries(await this.#store.heads())) this.#chain(chain).reachTo(seq)
    // Chains that we are told of meanwhile have their turn in the same loop.
    for (const reading of this.#chains.values()) await this.#readOn(reading)
  }

  async #readOn(reading: ChainReading): Promise<void> {
    if (reading.last === 0) await this.#lookBelow(reading)
    let limit = pageSize
    while (!reading.isHopeless) {
      const before = reading.last
      const page = await this.#page(reading, limit)
      if (!page) {
        // One of them cannot be read: half as many, until it is known which.
        if (limit === 1) reading.takeUnreadable()
        limit = Math.max(1, Math.floor(limit / 2))
        continue
      }
      for (const entry of page) if (reading.take(entry, this.#fingerprints.of(entry))) this.#hear(entry)
      this.#entries += page.length
      if (page.length > 0) this.#onProgress(this.#entries)
      if (page.length < limit || reading.last === before) return
      limit = Math.min(limit * 2, pageSize)
    }
  }

  /** No number is below 1. */
  async #lookBelow(reading: ChainReading): Promise<void> {
    const [lowest] = await this.#store.chain(reading.chain, Number.MIN_SAFE_INTEGER, 1).catch(() => [null])
    // One that cannot be read, and is not the first of the others, is below them.
    const isAbove = lowest !== null || (await this.#store.chain(reading.chain, 0, 1).catch(() => null)) === null
    if (lowest ? lowest.seq < 1 : !isAbove) reading.change(1)
  }

  /** What people see must be what was proved. */
  async #compareListed(): Promise<void> {
    const { unreadable, strangers } = await compareListed(this.#store, this.#chains, this.#fingerprints)
    this.#unreadable = unreadable
    // Chains that began meanwhile are read as all others; what is in lists and in no chain, nobody can have written.
    for (const [chain, seq] of strangers) {
      const reading = this.#chain(chain)
      await this.#readOn(reading)
      if (reading.last < seq) reading.change(seq)
    }
    await this.#readToKnown()
  }

  async #lookAtLeftOvers(reading: ChainReading): Promise<void> {
    const { leftOver, chain } = reading
    const seq = leftOver && (await falseLeftOver(this.#store, chain, leftOver.key, leftOver.cut))
    if (seq !== null) reading.change(seq)
  }

  /** The next entries; `null` when the store answers, but not to this: somebody made of an entry what it cannot read. */
  async #page({ chain, last }: ChainReading, limit: number): Promise<readonly AuditEntry[] | null> {
    try {
      return await this.#store.chain(chain, last, limit)
    } catch {
      await this.#store.heads()
      return null
    }
  }

  /** What an authentic entry says about chains. */
  #hear(entry: AuditEntry): void {
    const { type, at } = entry
    if (type === 'trail.pruned') {
      const before = typeof entry.detail.before === 'number' ? entry.detail.before : Number.NEGATIVE_INFINITY
      for (const [chain, head] of Object.entries(headsIn(entry))) this.#chain(chain).prune({ ...head, before })
      this.#prunedBefore = Math.max(this.#prunedBefore, before)
    }
    if (type === 'trail.opened' || type === 'trail.checkpoint') {
      for (const [chain, head] of Object.entries(headsIn(entry))) this.#chain(chain).know({ ...head, at })
    }
  }

  /** The first entry of a pruned chain counts when the pruning is known; it may tell of prunings itself. */
  #hearBehindCuts(): void {
    const heard = [...this.#chains.values()].flatMap(reading => reading.behindCut() ?? [])
    for (const entry of heard) this.#hear(entry)
    if (heard.length > 0) this.#hearBehindCuts()
  }

  /** The last entry that others know of a chain is compared: all before it hang on it. */
  async #compareKnown(reading: ChainReading): Promise<void> {
    const { known, chain, last } = reading
    if (!known || known.seq > last) return
    const [entry] = await this.#store.chain(chain, known.seq - 1, 1).catch(() => [])
    if (entry?.seq === known.seq && entry.mac !== known.mac) reading.change(known.seq)
  }
}

/** Notes chains that began under another key than the newest after that was in use. Where a chain was pruned, its beginning is not known. */
function noted(chains: readonly ChainReport[], newestKeyId: string | undefined): ChainReport[] {
  const isNew = ({ chain }: ChainReport) => newestKeyId === undefined || keyIdOf(chain) === newestKeyId
  const inUse = chains
    .filter(report => isNew(report) && !report.broken)
    .map(({ firstAt }) => firstAt ?? Number.POSITIVE_INFINITY)
  const since = inUse.reduce((one, other) => Math.min(one, other), Number.POSITIVE_INFINITY)
  const isLate = (report: ChainReport) => !isNew(report) && report.first === 1 && (report.firstAt ?? 0) > since
  return chains.map(report => (isLate(report) ? { ...report, note: 'old-key' } : report))
}

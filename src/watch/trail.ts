import type { KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { AppendQueue } from './append-queue.ts'
import { Linker } from './chain.ts'
import type { AuditEntry } from './entry.ts'
import { entryOf } from './entry-of.ts'
import type { AuditEvent, WatchEventDetail } from './events.ts'
import type { Privacy } from './privacy.ts'
import { carryOut, type KeyOf, planPruning } from './retention.ts'
import type { Sink } from './sink.ts'
import { SinkFeed } from './sink-feed.ts'
import type { TrailStore } from './store.ts'
import { pause, systemTimers, type Timers, within } from './timers.ts'
import { someOf, ToldHeads } from './told-heads.ts'
import type { WatchStats } from './watch.ts'

/** What a trail is made of. */
export interface TrailParts {
  readonly store: TrailStore
  readonly sinks: readonly Sink[]
  /** Authenticates the entries; the store must not know it. */
  readonly key: KeyObject
  /** Its id, by which verification finds it. */
  readonly keyId: string
  /** Older keys, for what other processes wrote. Default: only this one. */
  readonly keyOf?: KeyOf
  readonly clock: () => number
  readonly random: (size: number) => Buffer
  readonly privacy: Privacy
  /** How long entries are kept, ms; `null`: for ever. */
  readonly retentionMs: number | null
  /** How many entries wait at most for the store, and for each sink. */
  readonly maxQueued: number
  /** Told when entries begin to be lost, or writing begins to fail; `trail` is the store. */
  readonly trouble: (sink: string, what: 'dropped' | 'failed') => void
  /** Default: the real ones. */
  readonly timers?: Timers
}

/** Events are collected for so long, because one append of many costs little more than an append of one. */
const gatherMs = 20
/** Entries that are made in one go, so that the event loop is not held up for long. */
const linkSize = 500
const checkpointMs = 60_000
const firstPruneMs = 120_000
const headsPatienceMs = 5_000
const closingMs = 5_000
const setAside = 1_000

/**
 * The audit trail of one process. Nobody waits for it: `write` puts the event into a bounded queue, and everything else
 * happens later: entries are made and chained, and go to the store and to every sink, each at its own pace.
 */
export class Trail {
  readonly #parts: TrailParts
  readonly #timers: Timers
  readonly #linker: Linker
  readonly #appends: AppendQueue
  readonly #feeds: readonly SinkFeed[]
  readonly #toldHeads = new ToldHeads()
  #incoming: AuditEvent[] = []
  #isOpen = false
  #isGathering = false
  #written = 0
  #dropped = 0
  /** Dropped, and not yet written into the trail. */
  #untold = 0
  #hasNews = false
  #isClosed = false
  #closing: Promise<void> | null = null
  #cancel: (() => void)[] = []

  constructor(parts: TrailParts) {
    const { store, sinks, key, keyId, random, maxQueued, timers = systemTimers } = parts
    this.#parts = parts
    this.#timers = timers
    this.#linker = new Linker(key, keyId, random)
    const tell = (detail: WatchEventDetail) => this.#tell(detail)
    const trouble = (sink: string, what: 'dropped' | 'failed') => this.#trouble(sink, what)
    this.#feeds = sinks.map(sink => new SinkFeed(sink, { maxQueued, timers, tell, trouble }))
    let isTold = false
    this.#appends = new AppendQueue({
      ...{ store, linker: this.#linker, timers },
      opening: async () => entryOf(await this.#opening(), parts.privacy),
      written: count => {
        isTold = false
        this.#stored(count)
      },
      failed: () => {
        if (!isTold) trouble('trail', 'failed')
        isTold = true
      },
      moved: entries => this.#toSinks(entries),
    })
  }

  /** Begins the chain. Resolves when that is in the store, or could not be written yet: it is tried again by itself. */
  async open(): Promise<void> {
    this.#link([await this.#opening()])
    this.#isOpen = true
    this.#every(checkpointMs, checkpointMs, () => this.checkpoint())
    this.#every(firstPruneMs, pruneEveryMs(this.#parts.retentionMs ?? 0), () => this.prune())
    this.#linkAll()
    await this.#appends.settle()
  }

  /** Takes an event to write down. Costs next to nothing, waits for nobody and never throws; what there is no room for is counted. */
  write(event: AuditEvent): void {
    if (this.#isClosed || this.#queued() >= this.#parts.maxQueued) this.#drop()
    else {
      this.#hasNews = true
      this.#incoming.push(event)
      this.#gather()
    }
  }

  /** Resolves when everything that came until now is written and with every sink, or could not be: `stats` tells. */
  async flush(): Promise<void> {
    if (!this.#isOpen) return
    // What is told about it, such as how many were dropped, is written as well.
    for (let round = 0; round < 3; round += 1) {
      this.#linkAll()
      const done = await Promise.all([this.#appends.settle(), ...this.#feeds.map(feed => feed.settle())])
      if (this.#incoming.length === 0 || done.includes(false)) return
    }
  }

  /** Numbers since the trail was opened. */
  stats(): Pick<WatchStats, 'queued' | 'written' | 'dropped' | 'sinks'> {
    return {
      queued: this.#queued(),
      written: this.#written,
      dropped: this.#dropped,
      sinks: this.#feeds.map(feed => feed.stats()),
    }
  }

  /** Says where the chains of others are. Done by itself every minute. */
  async checkpoint(): Promise<void> {
    if (this.#closing || this.#appends.failing) return
    const heads = await this.#ask(() => this.#parts.store.heads())
    const news = this.#toldHeads.news(heads, this.#linker.chain, this.#hasNews)
    this.#hasNews = false
    if (!news) return
    this.#toldHeads.tell(news)
    this.#tell({ type: 'trail.checkpoint', heads: news })
  }

  /** Removes what is older than the retention. Done by itself: what is kept for 90 days, is kept for at most one day longer. */
  async prune(): Promise<void> {
    const { store, retentionMs, clock, key, keyId } = this.#parts
    const { keyOf = id => (id === keyId ? key : null) } = this.#parts
    if (this.#closing || retentionMs === null) return
    const pruning = await this.#ask(() => planPruning(store, clock() - retentionMs, keyOf, clock()))
    if (!pruning) return
    const { before, heads, kept } = pruning
    this.#tell({ type: 'trail.pruned', before, heads: { ...kept, ...heads } })
    this.#linkAll()
    // First it is written that this will be done, so that nobody can take it for a theft, nor a theft for it.
    if (await this.#appends.settle()) await carryOut(store, pruning)
  }

  /** Writes what waits, ends the chain and closes the sinks, in at most about five seconds. Safe to call twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    for (const cancel of this.#cancel) cancel()
    if (!this.#isOpen) return
    if (this.#untold > 0) this.#tellDropped()
    this.#tell({ type: 'trail.closed' })
    this.#linkAll()
    this.#isClosed = true
    const over = new AbortController()
    this.#timers.after(closingMs, () => over.abort())
    // Whoever closes waits for it, so that the process must not end before.
    const alive = setInterval(() => {}, closingMs)
    const tried = async (settle: () => Promise<boolean>, most: number) => {
      for (let n = 1; !over.signal.aborted && !(await settle()) && n < most; n += 1) await pause(this.#timers, 200)
    }
    const feeds = this.#feeds.map(feed => tried(() => feed.settle(), 3).then(() => feed.close()))
    const all = Promise.allSettled([tried(() => this.#appends.settle(), Number.POSITIVE_INFINITY), ...feeds])
    await Promise.race([all, once(over.signal, 'abort')])
    clearInterval(alive)
    for (const feed of this.#feeds) feed.stop()
    const lost = this.#appends.stop()
    this.#dropped += lost
    if (lost > 0) this.#trouble('trail', 'dropped')
  }

  #queued(): number {
    return this.#incoming.length + this.#appends.size
  }

  #gather(): void {
    if (this.#isGathering || !this.#isOpen) return
    this.#isGathering = true
    this.#timers.after(gatherMs, () => {
      this.#isGathering = false
      this.#linkSome()
    })
  }

  #linkSome(): void {
    this.#link(this.#incoming.splice(0, linkSize))
    if (this.#incoming.length > 0) setImmediate(() => this.#linkSome())
  }

  #linkAll(): void {
    this.#link(this.#incoming.splice(0))
  }

  /** Gives events their place in the chain, and sends them on their ways. */
  #link(events: readonly AuditEvent[]): void {
    const entries = events.flatMap(event => this.#entry(event) ?? [])
    if (entries.length === 0) return
    this.#appends.add(entries)
    this.#toSinks(entries)
  }

  #entry(event: AuditEvent): AuditEntry | null {
    // Nobody is there to catch what is thrown here; a detector of somebody else's may have made the event.
    try {
      return this.#linker.link(entryOf(event, this.#parts.privacy))
    } catch {
      this.#drop()
      return null
    }
  }

  #toSinks(entries: readonly AuditEntry[]): void {
    for (const feed of this.#feeds) feed.add(entries)
  }

  #stored(count: number): void {
    this.#written += count
    if (this.#untold > 0) this.#tellDropped()
  }

  #drop(): void {
    this.#dropped += 1
    this.#untold += 1
    if (this.#untold === 1) this.#trouble('trail', 'dropped')
  }

  #tellDropped(): void {
    this.#tell({ type: 'trail.dropped', sink: 'trail', count: this.#untold })
    this.#untold = 0
  }

  /** Writes down what the trail has to tell about itself, for which there is room set aside: it is little. */
  #tell(detail: WatchEventDetail): void {
    if (this.#isClosed) return
    if (this.#queued() >= this.#parts.maxQueued + setAside) this.#drop()
    else {
      this.#incoming.push({ at: this.#parts.clock(), sid: null, userId: null, origin: null, ...detail })
      this.#gather()
    }
  }

  #trouble(sink: string, what: 'dropped' | 'failed'): void {
    // Whoever is told must not bring the trail down.
    try {
      this.#parts.trouble(sink, what)
    } catch {}
  }

  /** The first event of a chain. A store that does not answer is no reason to write nothing: a checkpoint tells the heads later. */
  async #opening(): Promise<AuditEvent> {
    const heads = await this.#ask(() => this.#parts.store.heads()).catch(() => ({}))
    this.#toldHeads.tell(heads)
    const { clock, keyId } = this.#parts
    return { at: clock(), sid: null, userId: null, origin: null, type: 'trail.opened', keyId, heads: someOf(heads) }
  }

  #ask<T>(question: () => Promise<T>): Promise<T> {
    return within(this.#timers, headsPatienceMs, (async () => question())())
  }

  #every(firstMs: number, thenMs: number, work: () => Promise<void>): void {
    let cancel = this.#timers.after(firstMs, () => run())
    const run = () => {
      // What fails is tried again the next time; the trail itself tells when the store is in trouble.
      work().catch(ignore)
      cancel = this.#timers.after(thenMs, run)
    }
    this.#cancel.push(() => cancel())
  }
}

/** A hundredth of the time for which entries are kept, an hour at least and at most a day. */
function pruneEveryMs(retentionMs: number): number {
  return Math.min(Math.max(retentionMs / 100, 3_600_000), 86_400_000)
}

function ignore(): void {}

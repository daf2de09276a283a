import type { KeyObject } from 'node:crypto'
import { beginning, isAuthentic } from './chain.ts'
import type { AuditEntry } from './entry.ts'
import type { Cut } from './left-overs.ts'
import { Tallies } from './tallies.ts'
import type { BrokenLink, ChainReport } from './trail-report.ts'

/** An entry that is known from elsewhere. */
export interface Mark {
  readonly seq: number
  readonly mac: string
  /** When it, or what tells of it, happened, epoch ms. */
  readonly at: number
}

/** More holes than any pruning leaves; a trail that somebody made into a sieve must not fill our memory. */
const mostHoles = 10_000
const mostUnreadable = 100

/** One chain while it is read, and what is found to be wrong with it. */
export class ChainReading {
  readonly chain: string
  /** Number of the last entry that was read. */
  last = 0
  /** Up to which number others know of entries, as far as we had looked for them. */
  lookedFor = 0
  /** What was read. */
  readonly tallies: Tallies = new Tallies()
  readonly #key: KeyObject | null
  readonly #anchors = new Map<number, string>()
  #entries = 0
  #first = 0
  #firstAt: number | null = null
  #lastAt: number | null = null
  #lastMac: string = beginning
  #isClosed = false
  #unreadable = 0
  #changed: number | null = null
  /** Entries before which some are not there, and the number of the last one before them. */
  readonly #holes: { readonly after: number; readonly next: AuditEntry }[] = []
  /** The last entry that others know. */
  #known: Mark | null = null
  /** Up to where the store says that it goes. */
  #headAt = 0
  #heard: AuditEntry | null = null
  /** Up to where it was pruned. */
  #pruned: Cut = { seq: 0, mac: beginning, before: Number.NEGATIVE_INFINITY }

  constructor(chain: string, key: KeyObject | null) {
    this.chain = chain
    this.#key = key
  }

  /** The last entry that others know, or `null`. */
  get known(): Mark | null {
    return this.#known
  }

  /** Under which key it is to be verified, and up to where it was pruned; `null` when nothing is there from before that. */
  get leftOver(): { readonly key: KeyObject; readonly cut: Cut } | null {
    const isThere = this.#entries > 0 && this.#first <= this.#pruned.seq
    return this.#key && isThere ? { key: this.#key, cut: this.#pruned } : null
  }

  /** Takes the next entry and its fingerprint; whether it is authentic, so that what it says counts. */
  take(entry: AuditEntry, fingerprint: number): boolean {
    const { seq, at, mac, type } = entry
    if (!Number.isSafeInteger(seq) || seq <= this.last || entry.chain !== this.chain) {
      this.change(this.last + 1)
      return false
    }
    if (this.#entries === 0) [this.#first, this.#firstAt] = [seq, at]
    const follows = seq === this.last + 1
    const isGood = this.#key !== null && follows && isAuthentic(this.#key, this.#lastMac, entry)
    if (!follows) this.#hole(entry)
    else if (!isGood) this.change(seq)
    this.#compareAnchor(seq, mac)
    this.tallies.add(seq, fingerprint)
    this.#entries += 1
    this.last = seq
    this.#lastAt = at
    this.#lastMac = mac
    this.#isClosed = isGood && type === 'trail.closed'
    return isGood
  }

  /** The next entry is there, but cannot be read. */
  takeUnreadable(): void {
    this.last += 1
    this.#lastMac = beginning
    this.#unreadable += 1
    this.change(this.last)
  }

  /** Whether so much cannot be read that reading on is no use. */
  get isHopeless(): boolean {
    return this.#unreadable >= mostUnreadable
  }

  /** Something else than what was written stands there. */
  change(seq: number): void {
    this.#changed = Math.min(this.#changed ?? seq, seq)
  }

  /** The store says that there are entries up to this one. */
  reachTo(seq: number): void {
    this.#headAt = Math.max(this.#headAt, seq)
  }

  /** Others know an entry. */
  know(mark: Mark): void {
    const newest = this.#known && this.#known.seq > mark.seq ? this.#known : mark
    this.#known = { ...newest, at: Math.max(mark.at, this.#known?.at ?? mark.at) }
  }

  /** An entry is known from outside the trail, so that even who has the key cannot have written another one. */
  anchor(mark: Mark): void {
    this.know(mark)
    this.#anchors.set(mark.seq, mark.mac)
  }

  /** All up to this entry may be gone. */
  prune(cut: Cut): void {
    if (cut.seq > this.#pruned.seq) this.#pruned = cut
  }

  /** The entry behind the cut of a pruning, once, when it turns out to be authentic. */
  behindCut(): AuditEntry | null {
    const hole = this.#holes.find(({ next }) => next.seq === this.#pruned.seq + 1)
    if (!hole || !this.#key || this.#heard === hole.next || !isAuthentic(this.#key, this.#pruned.mac, hole.next))
      return null
    this.#heard = hole.next
    return hole.next
  }

  /** How the chain is, when everything is read. `prunedBefore`: what others said before that does not count any more. */
  report(prunedBefore: number): ChainReport {
    const found = [this.#changeFound(), ...this.#holes.map(hole => this.#holeFound(hole)), this.#endFound(prunedBefore)]
    const links = found.filter(link => link !== null).sort((one, other) => one.seq - other.seq)
    return {
      chain: this.chain,
      entries: this.#entries,
      first: this.#first,
      last: this.last,
      firstAt: this.#firstAt,
      lastAt: this.#lastAt,
      isClosed: this.#isClosed,
      broken: links[0] ?? null,
      note: null,
    }
  }

  #hole(next: AuditEntry): void {
    if (this.#holes.length < mostHoles) this.#holes.push({ after: this.last, next })
    else this.change(next.seq)
  }

  #compareAnchor(seq: number, mac: string): void {
    const known = this.#anchors.get(seq)
    if (known !== undefined && known !== mac) this.change(seq)
  }

  #changeFound(): BrokenLink | null {
    if (this.#key === null && this.#entries > 0) return this.#broken(this.#first, 'unknown-key')
    return this.#changed === null ? null : this.#broken(this.#changed, 'changed')
  }

  #holeFound({ after, next }: { readonly after: number; readonly next: AuditEntry }): BrokenLink | null {
    // What is left of the pruned ones is looked at by itself.
    if (this.#key === null || next.seq <= this.#pruned.seq) return null
    if (next.seq === this.#pruned.seq + 1) {
      return isAuthentic(this.#key, this.#pruned.mac, next) ? null : this.#broken(next.seq, 'changed')
    }
    return this.#broken(Math.max(after, this.#pruned.seq) + 1, after === 0 ? 'cut-at-start' : 'missing')
  }

  #endFound(prunedBefore: number): BrokenLink | null {
    const there = Math.max(this.last, this.#pruned.seq)
    const isShort = this.#headAt > there
    if (!isShort && (this.#known?.seq ?? 0) <= there) return null
    if (this.#entries > 0) return this.#broken(this.last + 1, 'cut-at-end')
    const isForgotten = !isShort && this.#known !== null && this.#known.at < prunedBefore
    return isForgotten ? null : this.#broken(this.#pruned.seq + 1, 'chain-missing')
  }

  #broken(seq: number, what: BrokenLink['what']): BrokenLink {
    return { chain: this.chain, seq, what }
  }
}

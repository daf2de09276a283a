import type { ChainReading } from './chain-reading.ts'
import type { AuditEntry } from './entry.ts'
import type { TrailStore } from './store.ts'
import { blockSize, type Fingerprints, Tallies } from './tallies.ts'

const pageSize = 1_000
/** So many blocks are looked at entry by entry: memory for about that many times 4,096 entries. */
const mostBlocks = 50

/** What lists of the trail hold, while it was compared with the chains. */
export interface Listed {
  /** Rows that lists leave out. */
  readonly unreadable: number
  /** The first listed entry of each chain that was not among those that were read. */
  readonly strangers: ReadonlyMap<string, number>
}

/**
 * Compares what people see, which are pages of `entries()`, with what was proved, which are chains. Both come from the same database,
 * but not by the same way: an entry may be moved to where no list finds it, or be in lists and in no chain. Entries may be written
 * and pruned meanwhile. What differs is told to the reading of its chain.
 */
export async function compareListed(
  store: TrailStore,
  readings: ReadonlyMap<string, ChainReading>,
  fingerprints: Fingerprints,
): Promise<Listed> {
  const listed = new Map<string, Tallies>()
  const strangers = new Map<string, number>()
  const unreadable = await eachListed(store, entry => {
    const { chain, seq } = entry
    const reading = readings.get(chain)
    if (!reading) strangers.set(chain, Math.min(seq, strangers.get(chain) ?? seq))
    // What came after its chain was read is for the next time.
    else if (seq <= reading.last) tallied(listed, chain).add(seq, fingerprints.of(entry))
  })
  const doubtful: Block[] = []
  for (const reading of readings.values()) {
    const [first] = await store.chain(reading.chain, 0, 1).catch(() => [])
    for (const number of reading.tallies.differences(tallied(listed, reading.chain)).filter(n => !isGone(n, first)))
      doubtful.push({ reading, number })
  }
  await lookCloser(store, doubtful, fingerprints)
  return { unreadable, strangers }
}

interface Block {
  readonly reading: ChainReading
  readonly number: number
}

/** Whether a block was pruned meanwhile. A chain that is gone as a whole was not missed by lists either. */
function isGone(block: number, first: AuditEntry | undefined): boolean {
  return !first || first.seq >= (block + 1) * blockSize
}

/**
 * Reads lists once more, and then the chain: what is there afterwards, and was before, must have been listed in between; and what is
 * listed must have been in the chain before, where it was not pruned since.
 */
async function lookCloser(store: TrailStore, blocks: readonly Block[], fingerprints: Fingerprints): Promise<void> {
  const looked = blocks.slice(0, mostBlocks)
  for (const { reading, number } of blocks.slice(mostBlocks)) reading.change(Math.max(1, number * blockSize))
  if (looked.length === 0) return
  const seen = new Map(looked.map(({ reading, number }) => [`${reading.chain} ${number}`, new Map<number, number>()]))
  await eachListed(store, entry => {
    const { chain, seq } = entry
    const block = seen.get(`${chain} ${Math.floor(seq / blockSize)}`)
    if (!block || seq > (looked.find(({ reading }) => reading.chain === chain)?.reading.last ?? 0)) return
    // The same number twice: one of them is not what was proved.
    block.set(seq, block.has(seq) ? Number.NaN : fingerprints.of(entry))
  })
  for (const { reading, number } of looked) {
    const listed = seen.get(`${reading.chain} ${number}`) ?? new Map<number, number>()
    const there = await blockOf(store, reading.chain, number)
    const from = there[0]?.seq ?? Number.POSITIVE_INFINITY
    for (const entry of there) {
      if (entry.seq <= reading.last && listed.get(entry.seq) !== fingerprints.of(entry)) reading.change(entry.seq)
      listed.delete(entry.seq)
    }
    for (const seq of listed.keys()) if (seq >= from) reading.change(seq)
  }
}

/** The entries of a block that can be read; the others are told by the reading of the chain. */
async function blockOf(store: TrailStore, chain: string, number: number): Promise<readonly AuditEntry[]> {
  const entries: AuditEntry[] = []
  const end = (number + 1) * blockSize
  for (let after = Math.max(0, number * blockSize - 1); after < end - 1; ) {
    const page = await store.chain(chain, after, Math.min(pageSize, end - 1 - after)).catch(() => [])
    entries.push(...page.filter(({ seq }) => seq < end))
    const last = page.at(-1)
    if (!last || last.seq <= after) break
    after = last.seq
  }
  return entries
}

/** Reads all pages, and resolves to how many rows were left out. */
async function eachListed(store: TrailStore, take: (entry: AuditEntry) => void): Promise<number> {
  let unreadable = 0
  let cursor: string | undefined
  do {
    const page = await store.entries({ limit: pageSize, cursor })
    for (const entry of page.entries) take(entry)
    unreadable += page.unreadable ?? 0
    cursor = page.next ?? undefined
  } while (cursor !== undefined)
  return unreadable
}

function tallied(all: Map<string, Tallies>, chain: string): Tallies {
  const tallies = all.get(chain) ?? new Tallies()
  all.set(chain, tallies)
  return tallies
}

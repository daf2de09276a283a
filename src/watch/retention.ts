import type { KeyObject } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { beginning, isAuthentic, keyIdOf } from './chain.ts'
import type { AuditEntry } from './entry.ts'
import type { Heads } from './events.ts'
import type { TrailStore } from './store.ts'

/** Entries removed in one step: few, so that nobody else waits long for the store. */
const stepSize = 500
/** Steps in a row; what is left then has its turn an hour later. */
const mostSteps = 2_000
const mostPrunings = 1_000
/** What is further in the future is of a clock that is wrong, or forged, and holds up no pruning. */
const wrongByMs = 86_400_000

type Head = Heads[string]

/** A key by its id, or `null`. */
export type KeyOf = (keyId: string) => KeyObject | null

/** What is to be removed: all that happened before, of each chain up to an entry. `kept` is to be told again. */
export interface Pruning {
  readonly before: number
  readonly heads: Heads
  readonly kept: Heads
}

/** What is older than `before`, or `null` when nothing is. Without `now`, no instant is too late to be true. */
export async function planPruning(
  store: TrailStore,
  before: number,
  keyOf: KeyOf,
  now: number = Number.MAX_SAFE_INTEGER,
): Promise<Pruning | null> {
  const oldest = Object.entries(await store.prunable(before, Math.min(now + wrongByMs, Number.MAX_SAFE_INTEGER)))
  if (oldest.length === 0) return null
  const cuts = await cutsTold(store, keyOf)
  const found: [string, Head][] = []
  for (const [chain, { seq }] of oldest) {
    const head = await mayGo(store, chain, seq, before, keyOf, cuts)
    if (head) found.push([chain, head])
  }
  if (found.length === 0) return null
  const heads = Object.fromEntries(found)
  return { before, heads, kept: stillNeeded(cuts, before, heads, await store.heads()) }
}

/** Removes what was planned, in small steps. Call it when it is written in the trail that this will be done. */
export async function carryOut(store: TrailStore, { heads }: Pruning): Promise<void> {
  for (let step = 0; step < mostSteps; step += 1) {
    if ((await store.prune(heads, stepSize)) < stepSize) return
    await setImmediate()
  }
}

/**
 * The entry up to which a chain may be removed. It must be authentic: otherwise, whoever may write to the store would only have
 * to make entries older, and we would remove them and swear that it was in order.
 */
async function mayGo(
  store: TrailStore,
  chain: string,
  seq: number,
  before: number,
  keyOf: KeyOf,
  cuts: Cuts,
): Promise<Head | null> {
  const around = await store.chain(chain, Math.max(0, seq - 2), 2).catch(() => [])
  const entry = around.find(other => other.seq === seq)
  if (!entry || !(entry.at < before)) return null
  const key = keyOf(keyIdOf(chain))
  // What is of a key that is not known any more can be verified by nobody; but the retention holds for it too.
  // The last that a pruning left is told already: it goes by its MAC, because the one before it is gone.
  const cut = cuts.get(chain)
  const isLeft = around[0] === entry && cut?.seq === seq && cut.mac === entry.mac
  const isGood = isLeft || key === null || isAuthentic(key, macBefore(entry, around[0], cuts), entry)
  return isGood ? { seq, mac: entry.mac } : null
}

/** Where chains were cut, the last cut of each, and when that was told last. */
type Cuts = ReadonlyMap<string, Head & { readonly toldAt: number }>

/**
 * What earlier prunings tell; only of those that are authentic, because we repeat it under our name. Of one whose entry before was
 * pruned, a newer one has to tell; so the newest comes first.
 */
async function cutsTold(store: TrailStore, keyOf: KeyOf): Promise<Cuts> {
  const cuts = new Map<string, Head & { readonly toldAt: number }>()
  const { entries } = await store.entries({ types: ['trail.pruned'], limit: mostPrunings })
  for (const entry of entries) {
    const key = keyOf(keyIdOf(entry.chain))
    const [previous] = await store.chain(entry.chain, Math.max(0, entry.seq - 2), 1).catch(() => [])
    if (!key || !isAuthentic(key, macBefore(entry, previous, cuts), entry)) continue
    for (const [chain, head] of Object.entries(headsIn(entry))) {
      if (head.seq > (cuts.get(chain)?.seq ?? 0)) cuts.set(chain, { ...head, toldAt: entry.at })
    }
  }
  return cuts
}

/** The MAC before an entry: of the one that is there, or was when the chain was cut. No MAC is the empty text, for others than the first. */
function macBefore({ chain, seq }: AuditEntry, previous: AuditEntry | undefined, cuts: Cuts): string {
  if (previous?.seq === seq - 1) return previous.mac
  const cut = cuts.get(chain)
  return cut?.seq === seq - 1 ? cut.mac : beginning
}

/**
 * What has to be told again, because the entries that tell it are removed now: where chains begin that are still there, and of
 * which nothing is removed now.
 */
function stillNeeded(cuts: Cuts, before: number, heads: Heads, there: Heads): Heads {
  const needed = [...cuts].filter(
    ([chain, { toldAt }]) => toldAt < before && Object.hasOwn(there, chain) && !Object.hasOwn(heads, chain),
  )
  return Object.fromEntries(needed.map(([chain, { seq, mac }]) => [chain, { seq, mac }]))
}

/** The heads that an entry names, as far as they are any. */
export function headsIn({ detail }: AuditEntry): Heads {
  const heads = detail.heads
  if (typeof heads !== 'object' || heads === null) return {}
  const sound = Object.entries(heads).filter(
    ([, head]) => Number.isSafeInteger(head?.seq) && head.seq > 0 && typeof head.mac === 'string',
  )
  return Object.fromEntries(sound)
}

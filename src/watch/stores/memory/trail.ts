import type { AuditEntry } from '../../entry.ts'
import type { Heads } from '../../events.ts'
import { atLeast } from '../../severities.ts'
import type { TrailQuery, TrailStore } from '../../store.ts'
import { assertLimit, byPlace, pageOf, type TrailPlace, trailCursor, trailPlaceIn } from '../places.ts'

/** The trail in two orders. No method awaits anything before it is done, so each is one atomic step. */
export function memoryTrail(most: number): TrailStore {
  /** In the order of the trail, oldest first. */
  let entries: AuditEntry[] = []
  /** Every chain that has entries, in the order of their numbers. */
  let chains = new Map<string, AuditEntry[]>()

  /** Keeps the entries that are not among these, and forgets chains that have none any more. */
  function remove(removed: ReadonlySet<AuditEntry>): void {
    entries = entries.filter(entry => !removed.has(entry))
    const left = new Map<string, AuditEntry[]>()
    for (const [chain, ofChain] of chains) {
      const kept = ofChain.filter(entry => !removed.has(entry))
      if (kept.length > 0) left.set(chain, kept)
    }
    chains = left
  }

  return {
    async append(added) {
      const numbers = new Set<string>()
      for (const { chain, seq } of added) {
        const number = `${chain} ${seq}`
        if (numbers.has(number) || isThere(chains.get(chain) ?? [], seq))
          throw new Error(`The trail has entry ${seq} of chain ${chain} already; nothing was added.`)
        numbers.add(number)
      }
      for (const entry of added.map(asStored)) {
        insert(entries, entry, byPlace)
        const ofChain = chains.get(entry.chain) ?? []
        insert(ofChain, entry, bySeq)
        chains.set(entry.chain, ofChain)
      }
      // A tenth of room to spare, because removing a few costs as much as removing many.
      if (entries.length > most * 1.1) remove(new Set(entries.slice(0, entries.length - most)))
    },

    async entries(query) {
      assertLimit(query.limit, 1_000)
      const place = trailPlaceIn(query.cursor)
      const matches = matcher(query)
      const found: AuditEntry[] = []
      const from = place ? placeIn(entries, place, byPlace) : entries.length
      for (let index = from - 1; index >= 0 && found.length <= query.limit; index -= 1) {
        const entry = entries[index]
        if (!entry || entry.at < (query.since ?? Number.NEGATIVE_INFINITY)) break
        if (matches(entry)) found.push(entry)
      }
      const { items, next } = pageOf(found, query.limit, trailCursor)
      return { entries: items, next }
    },

    async heads() {
      return headsOf([...chains.values()].map(ofChain => ofChain.at(-1)))
    },

    async chain(chain, afterSeq, limit) {
      const ofChain = chains.get(chain) ?? []
      const first = ofChain.findIndex(({ seq }) => seq > afterSeq)
      return first < 0 ? [] : ofChain.slice(first, first + limit)
    },

    async prunable(before, wrongFrom = Number.POSITIVE_INFINITY) {
      return headsOf(
        [...chains.values()].map(ofChain => {
          const firstToStay = ofChain.findIndex(({ at }) => at >= before && at < wrongFrom)
          return ofChain.slice(0, firstToStay < 0 ? ofChain.length : firstToStay).findLast(({ at }) => at < before)
        }),
      )
    },

    async prune(upTo, limit) {
      const old = Object.entries(upTo).flatMap(([chain, { seq }]) =>
        (chains.get(chain) ?? []).filter(entry => entry.seq <= seq),
      )
      const removed = new Set(old.slice(0, limit))
      remove(removed)
      return removed.size
    },
  }
}

/** The entry as a database would give it back: nobody's later change of what they passed in changes it. */
function asStored(entry: AuditEntry): AuditEntry {
  return Object.freeze({ ...entry, detail: JSON.parse(JSON.stringify(entry.detail)) })
}

function matcher({ until, sid, userId, address, types, severity }: TrailQuery): (entry: AuditEntry) => boolean {
  const wanted = types && new Set(types)
  const urgent = severity && new Set(atLeast(severity))
  return entry =>
    (until === undefined || entry.at < until) &&
    (sid === undefined || entry.sid === sid) &&
    (userId === undefined || entry.userId === userId) &&
    (address === undefined || entry.address === address) &&
    (!wanted || wanted.has(entry.type)) &&
    (!urgent || urgent.has(entry.severity))
}

function headsOf(entries: readonly (AuditEntry | undefined)[]): Heads {
  return Object.fromEntries(
    entries.flatMap(entry => (entry ? [[entry.chain, { seq: entry.seq, mac: entry.mac }]] : [])),
  )
}

function isThere(ofChain: readonly AuditEntry[], seq: number): boolean {
  return ofChain[placeIn(ofChain, { seq }, bySeq)]?.seq === seq
}

function bySeq(one: { readonly seq: number }, other: { readonly seq: number }): number {
  return one.seq - other.seq
}

/** The index of the first that does not stand before this place. */
function placeIn<Place extends Partial<TrailPlace>>(
  sorted: readonly AuditEntry[],
  place: Place,
  order: (entry: AuditEntry, place: Place) => number,
): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    const entry = sorted[middle]
    if (entry && order(entry, place) < 0) low = middle + 1
    else high = middle
  }
  return low
}

/** Nearly always at the end. */
function insert(sorted: AuditEntry[], entry: AuditEntry, order: (one: AuditEntry, other: AuditEntry) => number): void {
  const last = sorted.at(-1)
  if (!last || order(last, entry) < 0) sorted.push(entry)
  else sorted.splice(placeIn(sorted, entry, order), 0, entry)
}

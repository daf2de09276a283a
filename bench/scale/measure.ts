/** Measures one store in a process of its own: `measure.ts NAME FEW MANY`. Tells its parent the result. */
import { setImmediate, setTimeout as wait } from 'node:timers/promises'
import type { EndMark, SessionStore } from 'latchkey'
import { crowd, expiresEarly, fill, Sids, tenthExpiredAt } from './filling.ts'
import { heapBytes, labels, openPlace, type Place, type PlaceName, type ServerExpiry } from './places.ts'
import { type Reads, timeReads } from './reads.ts'
import { type Watched, watch } from './watching.ts'

/** What was measured of one store. */
export type Measured = {
  place: PlaceName
  version: string
  few: number
  many: number
  createdPerSecond: number
  /** Where the store keeps them. */
  bytesPerSession: number
  /** In this process. */
  heapBytesPerSession: number
  readsOfFew: Reads
  readsOfMany: Reads
  /** The same machine, doing nothing but read: what the other numbers of this kind contain of its noise. */
  calm: Watched
  endUser: Watched & { ended: number }
  sweep: Sweep
  endEverybody: Watched & { ended: number }
}

/** The removal of the expired tenth. */
export type Sweep = Watched & {
  removed: number
  /** `null` where the server does it by itself. */
  longestStepMs: number | null
  /** Keys that such a server removed a second before it was told to hurry. */
  perSecondUnhurried: number | null
}

/** As the engine does it: so many records in a step, so many steps, and then others have their turn. */
const sweepBatch = 500
const sweepSteps = 20

const mark: EndMark = { reason: 'revoked', at: tenthExpiredAt, keepUntil: tenthExpiredAt + 86_400_000 }

const [name, few, many] = process.argv.slice(2)
await measure(name as PlaceName, Number(few), Number(many))
process.exit(0)

async function measure(name: PlaceName, few: number, many: number): Promise<void> {
  const [small, large] = [await openPlace(name, few), await openPlace(name, many)]
  try {
    process.send?.(await measureBoth(name, small, large, [new Sids(few), new Sids(many)]))
  } finally {
    await Promise.all([small.stop(), large.stop()])
  }
}

async function measureBoth(name: PlaceName, small: Place, large: Place, [few, many]: [Sids, Sids]): Promise<Measured> {
  const { store, version } = large
  const tell = (text: string) => console.log(`${labels[name].padEnd(13)} ${text}`)
  const progress = (created: number, perSecond: number) => tell(`${count(created)} sessions, ${count(perSecond)}/s`)
  await fill(small.store, few, { atOnce: small.atOnce, progress: () => {} })
  const [bytesBefore, heapBefore] = [await large.bytes(), await heapBytes()]
  const seconds = await fill(store, many, { atOnce: large.atOnce, progress })
  await Promise.all([small.settle(), large.settle()])
  const [bytesAfter, heapAfter] = [await large.bytes(), await heapBytes()]
  const bytesPerSession = (bytesAfter - bytesBefore) / many.count
  tell(`${Math.round(bytesPerSession)} bytes a session`)

  const [readsOfFew, readsOfMany] = await timeReads([
    { store: small.store, sids: few },
    { store, sids: many },
  ])
  if (!readsOfFew || !readsOfMany) throw new Error('Nothing was read.')
  tell(
    `p99 of a read ${micro(readsOfFew.p99Us)} of ${count(few.count)}, ${micro(readsOfMany.p99Us)} of ${count(many.count)}`,
  )

  const calm = await watch(store, many, () => wait(2_000))
  const endUser = await watch(store, many, async () => (await store.endUser(crowd.userId, mark)).length)
  tell(`${endUser.result} sessions of one user ended in ${milli(endUser.ms)}`)
  const sweep = await sweepTenth(large, many)
  tell(`${count(sweep.removed)} swept in ${milli(sweep.ms)}`)
  const endEverybody = await watch(store, many, () => store.endEverybody(mark))
  tell(`${count(endEverybody.result)} ended in ${milli(endEverybody.ms)}`)
  assertRight(many, endUser.result, sweep, endEverybody.result)
  return {
    place: name,
    version,
    few: few.count,
    many: many.count,
    createdPerSecond: many.count / seconds,
    bytesPerSession,
    heapBytesPerSession: (heapAfter - heapBefore) / many.count,
    readsOfFew,
    readsOfMany,
    calm: asWatched(calm),
    endUser: { ...asWatched(endUser), ended: endUser.result },
    sweep,
    endEverybody: { ...asWatched(endEverybody), ended: endEverybody.result },
  }
}

/** A store that is fast because it forgets something is not measured. */
function assertRight({ count: many }: Sids, endedOfUser: number, swept: Sweep, ended: number): void {
  const expired = earlyOf(many).length
  const removed = swept.longestStepMs === null ? expired : swept.removed
  const expected = [crowd.size, expired, many - crowd.size - expired]
  const found = [endedOfUser, removed, ended]
  if (String(found) !== String(expected)) throw new Error(`ended, swept, ended: ${found}, and not ${expected}`)
}

function earlyOf(many: number): number[] {
  return Array.from({ length: many }, (_, index) => index).filter(expiresEarly)
}

async function sweepTenth({ store, expiry }: Place, sids: Sids): Promise<Sweep> {
  if (expiry) return expireTenth(store, expiry, sids)
  const swept = await watch(store, sids, () => sweepAll(store))
  return { ...asWatched(swept), ...swept.result, perSecondUnhurried: null }
}

/** Where the server does it: first as it would, then as eagerly as it can. */
async function expireTenth(store: SessionStore, expiry: ServerExpiry, sids: Sids): Promise<Sweep> {
  const expiring = earlyOf(sids.count).map(index => sids.at(index))
  const keys = await expiry.keys()
  await expiry.expire(expiring)
  const unhurriedSeconds = 10
  await wait(unhurriedSeconds * 1_000)
  const left = await expiry.keys()
  await expiry.hurry()
  const swept = await watch(store, sids, () => untilNearlyGone(expiry, keys - expiring.length))
  const perSecondUnhurried = (keys - left) / unhurriedSeconds
  return { ...asWatched(swept), removed: left - swept.result, longestStepMs: null, perSecondUnhurried }
}

/** Redis stops to hurry when one key in a hundred is dead. */
async function untilNearlyGone({ keys }: ServerExpiry, alive: number): Promise<number> {
  const giveUpAt = performance.now() + 60_000
  for (;;) {
    const found = await keys()
    if (found <= alive * 1.015 || performance.now() >= giveUpAt) return found
    await wait(50)
  }
}

async function sweepAll(store: SessionStore): Promise<{ removed: number; longestStepMs: number }> {
  let removed = 0
  let longestStepMs = 0
  for (;;) {
    for (let step = 0; step < sweepSteps; step += 1) {
      const began = performance.now()
      const { length } = await store.sweep(tenthExpiredAt, sweepBatch)
      longestStepMs = Math.max(longestStepMs, performance.now() - began)
      removed += length
      if (length < sweepBatch) return { removed, longestStepMs }
    }
    await setImmediate()
  }
}

function asWatched({ ms, stallMs, slowestReadMs }: Watched): Watched {
  return { ms, stallMs, slowestReadMs }
}

function count(number: number): string {
  return Math.round(number).toLocaleString('en-US')
}

function micro(us: number): string {
  return `${us.toFixed(2)} µs`
}

function milli(ms: number): string {
  return `${Math.round(ms)} ms`
}

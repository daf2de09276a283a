import type { SessionStore } from 'latchkey'
import { median } from '../results.ts'
import type { Sids } from './filling.ts'

/** Times of single reads, in µs: medians over the rounds. */
export type Reads = { p50Us: number; p99Us: number }

const rounds = 9
const blocks = 50
const readsInBlock = 100

/**
 * Times single reads of random sessions of several stores, block by block in turn, so that whatever else happens on the
 * machine happens to all of them.
 */
export async function timeReads(filled: readonly { store: SessionStore; sids: Sids }[]): Promise<Reads[]> {
  const samples = filled.map(() => new Float64Array(blocks * readsInBlock))
  const quantiles = filled.map((): { p50: number[]; p99: number[] } => ({ p50: [], p99: [] }))
  // Round 0 warms up.
  for (let round = 0; round <= rounds; round += 1) {
    for (let block = 0; block < blocks; block += 1) {
      for (const [index, { store, sids }] of filled.entries()) {
        await timeBlock(store, sids, samples[index]?.subarray(block * readsInBlock) ?? new Float64Array())
      }
    }
    for (const [index, { p50, p99 }] of quantiles.entries()) {
      const sorted = samples[index]?.toSorted() ?? new Float64Array()
      if (round === 0) continue
      p50.push(sorted[Math.floor(sorted.length * 0.5)] ?? Number.NaN)
      p99.push(sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN)
    }
  }
  return quantiles.map(({ p50, p99 }) => ({ p50Us: median(p50) * 1_000, p99Us: median(p99) * 1_000 }))
}

async function timeBlock(store: SessionStore, sids: Sids, into: Float64Array): Promise<void> {
  for (let i = 0; i < readsInBlock; i += 1) {
    const sid = sids.random()
    const began = performance.now()
    const answer = store.read(sid)
    const record = answer instanceof Promise ? await answer : answer
    into[i] = performance.now() - began
    if (record?.sid !== sid) throw new Error(`${store.name}: the session ${sid} is not there.`)
  }
}

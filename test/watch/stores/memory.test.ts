import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { sampleAlert, sampleEntry } from 'latchkey/testing'
import { memoryWatch } from 'latchkey/watch/stores/memory'

describe('the watch in memory', () => {
  it('is bounded: the oldest entries give way', async () => {
    const store = memoryWatch({ maxEntries: 100 })
    const chain = 'c'.repeat(22)
    for (let seq = 1; seq <= 1_000; seq += 1) await store.append([sampleEntry({ chain, seq, at: seq })])
    const { entries } = await store.entries({ limit: 1_000 })
    assert.ok(entries.length >= 100 && entries.length <= 110, `${entries.length}`)
    assert.equal(entries[0]?.seq, 1_000)
    assert.equal(entries.at(-1)?.seq, 1_001 - entries.length)
    assert.deepEqual(await store.chain(chain, 0, 1_000), entries.toReversed())
  })

  it('is bounded: alerts, windows, counters and numbers give way, too', async () => {
    const store = memoryWatch({ maxEntries: 10 })
    for (let i = 0; i < 50; i += 1) {
      await store.raise(sampleAlert({ fingerprint: `${i}` }), 1_000)
      await store.see([{ key: `${i}`, member: 'a', at: 1_000, windowMs: 500, most: 3 }])
      await store.tally([{ key: `${i}`, by: 1, at: 1_000, forgetAfterMs: 500 }])
      await store.add([{ name: 'alerts', minute: i, value: 1 }])
    }
    assert.equal((await store.countAlerts()).open, 10)
    assert.equal((await store.points(['alerts'], 0, 100)).length, 10)
    assert.equal(await store.forgetWindows(9_999_999, 100), 20)
    assert.deepEqual(await store.tally([{ key: '0', by: 0, at: 1_000, forgetAfterMs: 500 }]), [0])
  })

  it('a window that is used stays, however many others there are', async () => {
    const store = memoryWatch({ maxEntries: 3 })
    const see = (key: string) => store.see([{ key, member: key, at: 1_000, windowMs: 500, most: 3 }])
    for (let i = 0; i < 9; i += 1) {
      await see(`${i}`)
      await store.see([{ key: 'used', member: `${i % 3}`, at: 1_000, windowMs: 500, most: 3 }])
    }
    assert.equal((await see('used'))[0]?.length, 3)
  })

  it('says what is wrong with its size', () => {
    for (const maxEntries of [0, -1, 1.5, Number.NaN]) assert.throws(() => memoryWatch({ maxEntries }), /maxEntries/)
  })
})

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { memoryStore } from 'latchkey/stores/memory'
import { sqliteStore } from 'latchkey/stores/sqlite'
import { sampleRecord } from 'latchkey/testing'
import type { EndMark, SessionStore } from '../../src/session/store.ts'

const directory = mkdtempSync(join(tmpdir(), 'latchkey-agreement-'))
after(() => rmSync(directory, { recursive: true }))

type Call = (store: SessionStore) => Promise<unknown>

// Few values, so that calls meet: four sids, two users and nobody, times within a hundred milliseconds.
const sid = fc.constantFrom('sid-0', 'sid-1', 'sid-2', 'sid-3')
const userId = fc.constantFrom('alice', 'bob')
const time = fc.nat(100)
const mark: fc.Arbitrary<EndMark> = fc.record({
  reason: fc.constantFrom('signed-out', 'revoked'),
  at: time,
  keepUntil: time,
})
const record = fc
  .record({
    sid,
    userId: fc.option(userId),
    version: fc.integer({ min: 1, max: 5 }),
    createdAt: time,
    lastSeenAt: time,
    expiresAt: time,
    body: fc.string(),
  })
  .map(sampleRecord)
const limit = fc.record(
  { max: fc.integer({ min: 1, max: 3 }), evict: fc.oneof(fc.constant('refuse' as const), mark), except: sid },
  { requiredKeys: ['max', 'evict'] },
)

/** One way to call a store, with arbitrary arguments. */
function calling<T extends [unknown, ...unknown[]]>(
  values: { [K in keyof T]: fc.Arbitrary<T[K]> },
  call: (store: SessionStore, ...values: T) => Promise<unknown>,
): fc.Arbitrary<Call> {
  return fc.tuple<T>(...values).map(drawn => store => call(store, ...drawn))
}

const call = fc.oneof(
  calling([record, time], (store, r, now) => store.create({ ...r, version: 1 }, { now })),
  calling([record, time, limit, fc.boolean()], async (store, r, now, limit, isCurrent) => {
    const generation = isCurrent && r.userId ? await store.generation(r.userId) : -1
    return store.create({ ...r, version: 1 }, { now, generation, limit })
  }),
  calling([record], (store, r) => store.save(r, { durable: false })),
  calling([sid, time, time], (store, s, seen, expires) => store.touch(s, seen, expires)),
  calling([sid, mark], (store, s, m) => store.end(s, m)),
  calling([userId, mark, fc.option(sid, { nil: undefined })], (store, u, m, s) => store.endUser(u, m, s)),
  calling([mark], (store, m) => store.endEverybody(m)),
  // All that expired: which of two with the same expiry goes first is the store's own business.
  calling([time], async (store, now) => (await store.sweep(now, 100)).map(r => r.sid).sort()),
)

test('whatever is asked in whatever order, the memory and the SQLite store answer alike', async () => {
  let runs = 0
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 10, maxLength: 40 }), async calls => {
      runs += 1
      const stores = [memoryStore(), sqliteStore(join(directory, `${runs}.db`))] as const
      const both = async (ask: Call) => {
        const [expected, actual] = await Promise.all(stores.map(ask))
        assert.deepEqual(actual, expected)
      }
      for (const ask of calls) {
        await both(ask)
        for (const s of ['sid-0', 'sid-1', 'sid-2', 'sid-3']) await both(async store => store.read(s))
        for (const u of ['alice', 'bob']) await both(store => store.list(u))
        await both(async ({ directory }) => [await directory?.page(null, 10), await directory?.count()])
        await both(async ({ directory }) => (await directory?.sample(10))?.map(r => r.sid).sort())
      }
      for (const store of stores) await store.close()
    }),
    { numRuns: 60 },
  )
})

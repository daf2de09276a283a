import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { memoryStore } from 'latchkey/stores/memory'
import { sampleMark, sampleRecord } from 'latchkey/testing'
import type { SessionStore, StoredRecord } from '../../src/session/store.ts'
import { type Expiring, ExpiryQueue } from '../../src/stores/expiry-queue.ts'
import { Generations } from '../../src/stores/generations.ts'

const { createdAt: now } = sampleRecord()

async function put(store: SessionStore, overrides: Partial<StoredRecord> = {}): Promise<StoredRecord> {
  const record = sampleRecord(overrides)
  assert.equal((await store.create(record, { now })).outcome, 'created')
  return record
}

describe('memory store: records', () => {
  test('are frozen copies: neither the caller of create nor a reader can change them', async () => {
    const store = memoryStore()
    const mine = { ...sampleRecord() }
    await store.create(mine, { now })
    mine.body = 'changed'
    const read = await store.read(mine.sid)
    assert.equal(read?.body, 'opaque')
    assert.ok(Object.isFrozen(read))
    assert.equal(await store.read(mine.sid), read, 'the same object for every reader')
    await store.end(mine.sid, sampleMark())
    assert.ok(Object.isFrozen((await store.read(mine.sid))?.ended))
  })
})

describe('memory store: when it is full', () => {
  test('an expired record goes first, even that of a signed-in user', async () => {
    const store = memoryStore({ maxRecords: 3 })
    const guest = await put(store, { userId: null })
    const expired = await put(store, { expiresAt: now })
    const ended = await put(store)
    await store.end(ended.sid, sampleMark())
    await put(store)
    assert.equal(await store.read(expired.sid), null)
    assert.ok(await store.read(guest.sid))
    assert.ok(await store.read(ended.sid))
  })

  test('then the anonymous record that was used longest ago, and its end is told', async () => {
    const store = memoryStore({ maxRecords: 4 })
    const [touched, unused, saved] = [
      await put(store, { userId: null }),
      await put(store, { userId: null }),
      await put(store, { userId: null }),
    ]
    await put(store)
    await store.touch(touched.sid, now + 1, now + 1)
    await store.save({ ...saved, version: 2 }, { durable: false })
    const result = await store.create(sampleRecord({ userId: null }), { now })
    assert.deepEqual(result, { outcome: 'created', evicted: [unused] })
    await put(store)
    assert.equal(await store.read(touched.sid), null)
    assert.ok(await store.read(saved.sid))
  })

  test('then the tombstone that ended first', async () => {
    const store = memoryStore({ maxRecords: 3 })
    const [late, early] = [await put(store), await put(store)]
    await store.end(early.sid, sampleMark())
    await store.end(late.sid, sampleMark())
    await put(store)
    assert.deepEqual(await store.create(sampleRecord(), { now }), { outcome: 'created', evicted: [] })
    assert.equal(await store.read(early.sid), null)
    assert.ok(await store.read(late.sid))
  })

  test('a flood of visitors never removes a signed-in user', async () => {
    const store = memoryStore({ maxRecords: 20 })
    const users = await Promise.all(Array.from({ length: 10 }, () => put(store)))
    for (let i = 0; i < 200; i += 1) await put(store, { userId: null, lastSeenAt: now + i })
    for (const user of users) assert.deepEqual(await store.read(user.sid), user)
  })

  test('with signed-in users only, it refuses, names the option, and everything stays as it was', async () => {
    const store = memoryStore({ maxRecords: 2 })
    const records = [await put(store), await put(store, { userId: 'bob' })]
    for (const userId of ['carol', null]) {
      const refused = sampleRecord({ userId })
      await assert.rejects(store.create(refused, { now }), /full.*Raise memoryStore\(\{ maxRecords \}\)/)
      assert.equal(await store.read(refused.sid), null)
    }
    for (const record of records) assert.deepEqual(await store.read(record.sid), record)
    await store.end(records[0]?.sid ?? '', sampleMark())
    await put(store, { userId: 'carol' })
  })

  test('a user at the session limit can still sign in: the evicted session makes room', async () => {
    const store = memoryStore({ maxRecords: 2 })
    const mine = await put(store)
    const bobs = await put(store, { userId: 'bob' })
    const limit = { max: 1, evict: sampleMark({ reason: 'evicted' }) }
    assert.deepEqual(await store.create(sampleRecord(), { now, limit }), { outcome: 'created', evicted: [mine] })
    assert.ok(await store.read(bobs.sid))
    assert.equal((await store.list('alice')).length, 1)
  })

  for (const maxRecords of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    test(`maxRecords ${maxRecords} is refused at the start`, () => {
      assert.throws(() => memoryStore({ maxRecords }), { name: 'UsageError', message: /maxRecords/ })
    })
  }
})

test('memory store: expired records really leave', async () => {
  const store = memoryStore({ maxRecords: 1_000 })
  for (let round = 0; round < 5; round += 1) {
    const records = []
    for (let i = 0; i < 1_000; i += 1) records.push(await put(store, { userId: `user ${i}`, expiresAt: now + round }))
    assert.equal(
      (await store.sweep(now + round, 10_000)).length,
      1_000,
      'there was room for all, so the last round had left',
    )
  }
})

test('expiry queue: whatever moves, the first expired entry is the one a full scan would find', () => {
  const step = fc.tuple(fc.constantFrom('add', 'add', 'add', 'move', 'remove', 'take'), fc.nat(60), fc.nat(50))
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 200, size: 'max' }), steps => {
      const queue = new ExpiryQueue<Expiring>()
      const all: Expiring[] = []
      const leave = (entry: Expiring) => {
        all.splice(all.indexOf(entry), 1)
        queue.remove(entry)
      }
      const take = (now: number) => {
        const first = queue.firstExpired(now)
        const earliest = Math.min(...all.map(entry => entry.expiresAt))
        assert.equal(first?.expiresAt ?? null, earliest <= now ? earliest : null)
        if (first) leave(first)
      }
      for (const [action, pick, at] of steps) {
        const entry = all[pick % Math.max(all.length, 1)]
        if (action === 'add') {
          const added = { expiresAt: at, filedAt: 0, place: 0 }
          all.push(added)
          queue.add(added)
        } else if (action === 'move' && entry) {
          entry.expiresAt = at
          queue.refile(entry)
        } else if (action === 'remove' && entry) leave(entry)
        else take(at)
      }
      while (all.length > 0) take(50)
    }),
  )
})

describe('generations in bounded memory', () => {
  test('a generation from before an endUser never becomes current again, however many users follow', () => {
    const generations = new Generations()
    const before = generations.of('alice')
    generations.raise('alice')
    const after = generations.of('alice')
    for (let i = 0; i < 25_000; i += 1) generations.raise(`user ${i}`)
    assert.notEqual(generations.of('alice'), before)
    generations.raise('alice')
    assert.ok(![before, after].includes(generations.of('alice')))
  })

  test('an endUser of a few thousand others overtakes nobody', () => {
    const generations = new Generations()
    const before = generations.of('alice')
    for (let i = 0; i < 10_000; i += 1) generations.raise(`user ${i}`)
    assert.equal(generations.of('alice'), before)
  })

  test('when the older half is forgotten, a user who was ended lately is not among them', () => {
    const generations = new Generations()
    generations.raise('alice')
    for (let i = 0; i < 9_999; i += 1) generations.raise(`user ${i}`)
    generations.raise('alice')
    const before = generations.of('alice')
    for (let i = 0; i < 10; i += 1) generations.raise(`late user ${i}`)
    assert.equal(generations.of('alice'), before)
    assert.notEqual(generations.of('a user never seen'), 0, 'half of them were forgotten')
  })

  test('of everybody changes with endEverybody', () => {
    const generations = new Generations()
    generations.raise('alice')
    const before = ['alice', 'bob'].map(user => generations.of(user))
    generations.raiseEverybody()
    assert.ok(['alice', 'bob'].every((user, i) => generations.of(user) !== before[i]))
  })
})

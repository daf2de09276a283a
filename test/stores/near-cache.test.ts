import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { memoryStore } from 'latchkey/stores/memory'
import { nearCache } from 'latchkey/stores/near-cache'
import { sampleMark, sampleRecord } from 'latchkey/testing'
import { UsageError } from '../../src/errors.ts'
import type { SessionStore, SharedStore, StoredRecord } from '../../src/session/store.ts'
import { Browser } from '../actors/browser.ts'
import { type Server, startServer, told } from '../actors/server.ts'
import { type SharedProcess, sharedMemory } from '../actors/shared-memory.ts'

const turn = () => new Promise(resolve => setImmediate(resolve))
const now = Date.now()

/** A cached process whose cache is on, another process without one, and a live record. */
async function start() {
  const memory = sharedMemory()
  const near: SharedProcess = memory.open()
  const elsewhere = memory.open()
  const cache = nearCache(near)
  const record = sampleRecord({ userId: 'alice' })
  await elsewhere.create(record, { now })
  await warm(cache, near, record)
  return { memory, near, elsewhere, cache, record }
}

/** Reads until the cache answers by itself. */
async function warm(cache: SessionStore, near: SharedProcess, record: StoredRecord): Promise<void> {
  for (let attempt = 0; attempt < 1_000; attempt += 1) {
    const before = near.reads
    await cache.read(record.sid)
    if (near.reads === before) return
    await new Promise(resolve => setTimeout(resolve, 1))
  }
  assert.fail('the cache never came on')
}

const isFromMemory = async (cache: SessionStore, near: SharedProcess, sid: string) => {
  const before = near.reads
  await cache.read(sid)
  return near.reads === before
}

describe('the near cache', () => {
  it('lists what the store has now, and nothing where the store has no directory', async () => {
    const { cache, near, elsewhere, record } = await start()
    const inner = memoryStore()
    await inner.create(record, { now })
    const listing = nearCache(Object.assign(near, { directory: inner.directory }))
    assert.deepEqual((await listing.directory?.page(null, 5))?.records, [record])
    await inner.end(record.sid, sampleMark())
    assert.deepEqual((await listing.directory?.page(null, 5))?.records, [])
    assert.equal(cache.directory, elsewhere.directory)
    await Promise.all([cache.close(), listing.close()])
  })

  it('serves repeated reads from memory, at once', async () => {
    const { cache, near, record } = await start()
    // Where the machine stops the process for longer than the cache may be sure, it is right to ask again.
    for (let attempt = 0; attempt < 50; attempt += 1) {
      await warm(cache, near, record)
      const before = near.reads
      const answers = Array.from({ length: 100 }, () => cache.read(record.sid))
      if (near.reads > before) continue
      for (const answer of answers) assert.deepEqual(answer, record)
      await cache.close()
      return
    }
    assert.fail('it asked the store every time')
  })

  const later: StoredRecord = { ...sampleRecord(), body: 'next' }
  const changes: Record<string, (store: SessionStore, record: StoredRecord) => Promise<unknown>> = {
    save: (store, record) => store.save({ ...record, version: 2, body: later.body }, { durable: false }),
    touch: (store, { sid }) => store.touch(sid, now + 60_000, now + 900_000),
    end: (store, { sid }) => store.end(sid, sampleMark()),
    endUser: store => store.endUser('alice', sampleMark()),
    endEverybody: store => store.endEverybody(sampleMark()),
    'an eviction': store =>
      store.create(sampleRecord({ userId: 'alice' }), { now, limit: { max: 1, evict: sampleMark() } }),
  }
  for (const [name, change] of Object.entries(changes)) {
    for (const where of ['in this process', 'in another process']) {
      it(`forgets a record after ${name} ${where}`, async () => {
        const { cache, elsewhere, record } = await start()
        await change(where === 'in this process' ? cache : elsewhere, record)
        assert.deepEqual(await cache.read(record.sid), await elsewhere.read(record.sid))
        assert.notDeepEqual(await cache.read(record.sid), record)
        await cache.close()
      })
    }
  }

  it('does not remember what was read before a change and answered after it', async () => {
    const { cache, near, elsewhere } = await start()
    const record = sampleRecord({ userId: 'bob' })
    await elsewhere.create(record, { now })
    near.beforeAnswer = async () => {
      near.beforeAnswer = null
      await elsewhere.end(record.sid, sampleMark())
    }
    assert.deepEqual(await cache.read(record.sid), record, 'the answer of the moment when it was read')
    assert.notEqual((await cache.read(record.sid))?.ended, null)
    await cache.close()
  })

  it('T18: a channel that falls silent without breaking turns the cache off within 100 ms', async () => {
    const { cache, near, elsewhere, record } = await start()
    near.channel = 'silent'
    await elsewhere.end(record.sid, sampleMark())
    const endedAt = performance.now()
    let lastStaleAt = endedAt
    while (performance.now() - endedAt < 300) {
      const askedAt = performance.now()
      if ((await cache.read(record.sid))?.ended === null) lastStaleAt = askedAt
      await turn()
    }
    // Compared with the promise, not with a speed: nothing here gets later because the machine is busy.
    assert.ok(lastStaleAt - endedAt <= 100, `${lastStaleAt - endedAt} ms`)
    assert.equal(await isFromMemory(cache, near, record.sid), false)
    await cache.close()
  })

  it('is off while the channel is down, and comes back by itself without anything old', async () => {
    const { cache, near, elsewhere, record } = await start()
    near.channel = 'down'
    await elsewhere.save({ ...record, version: 2, body: 'changed unheard' }, { durable: false })
    while (await isFromMemory(cache, near, record.sid)) await turn()
    near.channel = 'told'
    await warm(cache, near, record)
    assert.equal((await cache.read(record.sid))?.body, 'changed unheard')
    await cache.close()
  })

  it('asks nothing of a store whose sessions nobody reads', async () => {
    const near = sharedMemory().open()
    let confirmed = 0
    const { follow } = near
    near.follow = async (...args) => {
      const following = await follow(...args)
      const confirm = () => {
        confirmed += 1
        return following.confirm()
      }
      return { ...following, confirm }
    }
    const cache = nearCache(near)
    await cache.read('nobody')
    let before = -1
    // Until it stops; that it does is the assertion.
    while (confirmed !== before) {
      before = confirmed
      await new Promise(resolve => setTimeout(resolve, 500))
    }
    assert.ok(confirmed > 0)
    await cache.close()
  })

  it('remembers no more records than it may', async () => {
    const memory = sharedMemory()
    const near = memory.open()
    const cache = nearCache(near, { maxRecords: 10 })
    const records = Array.from({ length: 100 }, () => sampleRecord())
    for (const record of records) await near.create(record, { now })
    const [first] = records
    assert.ok(first)
    await warm(cache, near, first)
    for (const { sid } of records) await cache.read(sid)
    let remembered = 0
    for (const { sid } of records.toReversed()) if (await isFromMemory(cache, near, sid)) remembered += 1
    assert.ok(remembered > 0 && remembered <= 10, String(remembered))
    await cache.close()
  })

  it('is refused where it would be wrong', async () => {
    const { memoryStore } = await import('latchkey/stores/memory')
    assert.throws(() => nearCache(memoryStore() as unknown as SharedStore), UsageError)
    for (const maxRecords of [0, 1, 1.5, Number.NaN])
      assert.throws(() => nearCache(sharedMemory().open(), { maxRecords }), UsageError)
  })
})

describe('sessions behind near caches of several processes', () => {
  const startTwo = async () => {
    const memory = sharedMemory()
    const [nearA, nearB] = [memory.open(), memory.open()]
    const secrets = ['kP4mZ8vXw1Tn6LkYp0sBd5fHj2mCg7aUe9iOxRtWzQyE']
    const a = startServer({ store: nearCache(nearA), secrets })
    const b = startServer({ store: nearCache(nearB), secrets, clock: a.clock })
    const browser = new Browser(a)
    await browser.signIn('alice')
    a.events.length = 0
    return { a, b, nearA, nearB, browser }
  }
  /** The browser at the second process, which remembers its record and hears of no change any more. */
  const seenAndSilenced = async (b: Server, nearB: SharedProcess, browser: Browser) => {
    const onB = new Browser(b, browser.token)
    for (let n = 0; n < 20; n += 1) {
      await onB.see()
      await new Promise(resolve => setTimeout(resolve, 2))
    }
    nearB.channel = 'silent'
    return onB
  }
  const close = (servers: {
    a: { sessions: { close(): Promise<void> } }
    b: { sessions: { close(): Promise<void> } }
  }) => Promise.all([servers.a.sessions.close(), servers.b.sessions.close()])

  it('a token that another process has just issued is no replay, though this process remembers the record before', async () => {
    const servers = await startTwo()
    const { a, b, nearB, browser } = servers
    await seenAndSilenced(b, nearB, browser)
    a.clock.advance('11m')
    await browser.see()
    const rotated = new Browser(b, browser.token)
    assert.equal((await rotated.see()).body?.userId, 'alice')
    assert.deepEqual(told(b, 'token.replayed'), [])
    await close(servers)
  })

  it('use in another process counts: a record out of date ends nobody as idle', async () => {
    const servers = await startTwo()
    const { a, b, nearB, browser } = servers
    const onB = await seenAndSilenced(b, nearB, browser)
    a.clock.advance('9m')
    await browser.see()
    a.clock.advance('9m')
    assert.equal((await onB.see()).body?.userId, 'alice')
    assert.deepEqual(told(b, 'session.ended'), [])
    await close(servers)
  })
})

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { nearCache } from 'latchkey/stores/near-cache'
import { migratePostgres, postgresStore } from 'latchkey/stores/postgres'
import { redisStore } from 'latchkey/stores/redis'
import { sampleMark, sampleRecord } from 'latchkey/testing'
import { createClient } from 'redis'
import type { SessionStore, SharedStore } from '../../src/session/store.ts'
import { describeWithPostgres } from '../servers/postgres.ts'
import { closeAfter, describeWithRedis, startRedis } from '../servers/redis.ts'

const revocations = Number(process.env.TORTURE_REVOCATIONS ?? 60)
const now = Date.now()

/** Reads one session in another process's cache without a pause, ends it here, and sees how long the cache still has it. */
async function longestAfterlifeMs(
  elsewhere: SharedStore,
  cache: SessionStore,
): Promise<{ ms: number; fromMemory: number }> {
  let longest = 0
  let fromMemory = 0
  for (let n = 0; n < revocations; n += 1) {
    const { sid } = await createdOne(elsewhere)
    for (let read = 0; read < 400; read += 1) {
      const answer = cache.read(sid)
      if (!(answer instanceof Promise)) fromMemory += 1
      else await answer
      await new Promise(resolve => setImmediate(resolve))
    }
    await elsewhere.end(sid, sampleMark())
    const endedAt = performance.now()
    for (;;) {
      const askedAt = performance.now()
      if ((await cache.read(sid))?.ended) break
      longest = Math.max(longest, askedAt - endedAt)
      await new Promise(resolve => setImmediate(resolve))
    }
  }
  return { ms: longest, fromMemory }
}

async function createdOne(store: SessionStore) {
  const record = sampleRecord({ userId: 'alice' })
  await store.create(record, { now })
  return record
}

const promise = 'T18: a session that was ended in another process answers nowhere later than 100 ms'

describeWithPostgres('the near cache over PostgreSQL', server => {
  it(promise, async t => {
    const [here, there] = [server.pool(), server.pool()]
    await migratePostgres(here)
    const [elsewhere, cache] = [postgresStore(here), nearCache(postgresStore(there))]
    const { ms, fromMemory } = await longestAfterlifeMs(elsewhere, cache)
    t.diagnostic(`${revocations} revocations: the longest afterlife was ${ms.toFixed(1)} ms`)
    assert.ok(fromMemory > 0, 'the cache was on')
    assert.ok(ms <= 100, `${ms} ms`)
    await Promise.all([elsewhere.close(), cache.close()])
  })
})

describeWithRedis('the near cache over Redis', () => {
  it(promise, async t => {
    const { url } = await startRedis()
    const clients = await Promise.all([createClient({ url }).connect(), createClient({ url }).connect()])
    for (const client of clients) closeAfter(client)
    const [elsewhere, cache] = [redisStore(clients[0]), nearCache(redisStore(clients[1]))]
    const { ms, fromMemory } = await longestAfterlifeMs(elsewhere, cache)
    t.diagnostic(`${revocations} revocations: the longest afterlife was ${ms.toFixed(1)} ms`)
    assert.ok(fromMemory > 0, 'the cache was on')
    assert.ok(ms <= 100, `${ms} ms`)
    await Promise.all([elsewhere.close(), cache.close()])
  })
})

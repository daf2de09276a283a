import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { type RedisClient, redisStore } from 'latchkey/stores/redis'
import { sampleMark, sampleRecord } from 'latchkey/testing'
import type { SharedStore } from '../../../src/session/store.ts'
import { tagOf, tagOfUser } from '../../../src/stores/redis/keys.ts'
import { describeWithRedis, startRedis } from '../../servers/redis.ts'
import { connectTo } from './clients.ts'

const corrupt = { name: 'Error', code: 'corrupt-record' }

describeWithRedis('Redis: what is not ours, or no longer what it was', () => {
  let client: RedisClient
  let store: SharedStore
  before(async () => {
    const server = await startRedis()
    client = await connectTo(server)
    store = redisStore(client)
  })
  const ask = (...args: string[]) => client.sendCommand(args)
  const keyOf = (sid: string) => `latchkey:{${tagOf(sid)}}:r:${sid}`
  const put = async (userId: string) => {
    const record = sampleRecord({ userId, body: 'what it is about' })
    assert.equal((await store.create(record, { now: record.createdAt })).outcome, 'created')
    return record
  }

  const damages: Record<string, (key: string, text: string) => Promise<unknown>> = {
    'a hash of somebody else': async key => [await ask('DEL', key), await ask('HSET', key, 'a', 'b')],
    'a list of somebody else': async key => [await ask('DEL', key), await ask('RPUSH', key, 'a')],
    "express-session's JSON": key => ask('SET', key, '{"cookie":{"originalMaxAge":null}}'),
    'an empty text': key => ask('SET', key, ''),
    'a text cut short': (key, text) => ask('SET', key, text.slice(0, -3)),
    'half a header': (key, text) => ask('SET', key, text.slice(0, 12)),
    'a longer body': key => ask('APPEND', key, 'x'),
    'another version of the format': (key, text) => ask('SET', key, text.replace(/^1/, '9')),
    'a version that is none': (key, text) => ask('SET', key, text.replace(/^1 1/, '1 x')),
  }
  for (const [what, damage] of Object.entries(damages)) {
    it(`${what} is told as a corrupt record by every operation, and never overwritten`, async () => {
      const record = await put(`user with ${what}`)
      const key = keyOf(record.sid)
      await damage(key, String(await ask('GET', key)))
      const found = await ask('DUMP', key)
      const next = { ...record, version: 2 }
      await assert.rejects(async () => store.read(record.sid), corrupt)
      await assert.rejects(store.save(next, { durable: true }), corrupt)
      await assert.rejects(store.touch(record.sid, record.lastSeenAt + 1, record.expiresAt + 1), corrupt)
      await assert.rejects(store.end(record.sid, sampleMark()), corrupt)
      assert.deepEqual(await store.create(record, { now: record.createdAt }), { outcome: 'exists' })
      assert.equal(await ask('DUMP', key), found)
    })

    it(`${what} keeps nobody from listing, limiting and ending the user's other sessions`, async () => {
      const userId = `neighbour of ${what}`
      const [damaged, first, second] = [await put(userId), await put(userId), await put(userId)]
      const key = keyOf(damaged.sid)
      await damage(key, String(await ask('GET', key)))
      const found = await ask('DUMP', key)
      assert.deepEqual(new Set(await store.list(userId)), new Set([first, second]))
      const limit = { max: 2, evict: sampleMark({ reason: 'evicted' }) }
      const third = sampleRecord({ userId, createdAt: first.createdAt + 1 })
      const result = await store.create(third, { now: first.createdAt, limit })
      assert.equal(result.outcome === 'created' && result.evicted.length, 1)
      assert.equal((await store.endUser(userId, sampleMark())).length, 2)
      assert.deepEqual(await store.list(userId), [])
      assert.equal(await ask('DUMP', key), found)
    })
  }

  it("somebody else's key where the user's index belongs is named as such, and left alone", async () => {
    const { sid } = sampleRecord({ userId: 'mallory' })
    const key = `latchkey:{${tagOf(sid)}}:u:mallory`
    await ask('SET', key, 'not an index')
    const record = sampleRecord({ userId: 'mallory' })
    const wrongType = { message: /another type of value.*prefix/s }
    await assert.rejects(store.create(record, { now: record.createdAt }), wrongType)
    await assert.rejects(store.list('mallory'), wrongType)
    await assert.rejects(store.endUser('mallory', sampleMark()), wrongType)
    assert.equal(await store.read(record.sid), null, 'no half of it was written')
    assert.equal(await ask('GET', key), 'not an index')
  })

  it('an index that names the session of somebody else ends nothing of theirs', async () => {
    const bobs = await put('bob')
    let eve = ''
    for (let i = 0; tagOfUser(eve) !== tagOf(bobs.sid); i += 1) eve = `eve${i}`
    await ask('HSET', `latchkey:{${tagOf(bobs.sid)}}:u:${eve}`, bobs.sid, '')
    const evict = sampleMark({ reason: 'evicted' })
    const record = sampleRecord({ userId: eve })
    assert.deepEqual(await store.create(record, { now: bobs.createdAt, limit: { max: 1, evict } }), {
      outcome: 'created',
      evicted: [],
    })
    assert.deepEqual(await store.list(eve), [record])
    assert.deepEqual(await store.endUser(eve, sampleMark()), [record])
    assert.deepEqual(await store.read(bobs.sid), bobs)
  })

  describe('what expires', () => {
    it('a record is removed by the server five minutes after nobody needs it, and the index some time later', async () => {
      const record = await put('zoe')
      const ttl = Number(await ask('PTTL', keyOf(record.sid)))
      assert.ok(ttl > 3_600_000 + 290_000 && ttl <= 3_600_000 + 300_000, `${ttl}`)
      const index = `latchkey:{${tagOf(record.sid)}}:u:zoe`
      assert.ok(Number(await ask('PTTL', index)) >= ttl, 'the index outlives the record')
      await store.touch(record.sid, record.lastSeenAt, record.expiresAt + 36_000_000)
      const touched = Number(await ask('PTTL', keyOf(record.sid)))
      assert.ok(touched > ttl + 35_990_000, 'a touch extends it')
      assert.ok(Number(await ask('PTTL', index)) >= touched)
      const later = { ...record, version: 2, expiresAt: record.expiresAt + 360_000_000 }
      await store.save(later, { durable: false })
      const saved = Number(await ask('PTTL', keyOf(record.sid)))
      assert.ok(saved > touched + 300_000_000 && Number(await ask('PTTL', index)) >= saved, 'and so does a save')
      await store.end(record.sid, sampleMark({ at: 0, keepUntil: 1000 }))
      const tombstone = Number(await ask('PTTL', keyOf(record.sid)))
      assert.ok(tombstone > 0 && tombstone <= 301_000, 'a tombstone is kept as long as it is to be kept')
    })

    it('a clock of another year, on either side, signs nobody out', async () => {
      for (const year of [1971, 2525]) {
        const now = Date.UTC(year, 0, 1)
        const times = { createdAt: now, lastSeenAt: now, expiresAt: now + 3_600_000 }
        const record = sampleRecord({ userId: `traveller ${year}`, ...times })
        await store.create(record, { now })
        assert.deepEqual(await store.read(record.sid), record)
        await store.touch(record.sid, now + 1000, now + 3_601_000)
        const next = { ...record, version: 2, lastSeenAt: now + 2000, expiresAt: now + 3_602_000 }
        assert.equal(await store.save(next, { durable: true }), 'saved')
        assert.deepEqual(await store.list(`traveller ${year}`), [next])
      }
    })

    it('expired records leave the indexes as new ones come, and no more than half of an index is such', async () => {
      const tag = tagOf(sampleRecord({ userId: 'yann' }).sid)
      const index = `latchkey:{${tag}}:u:yann`
      for (let round = 0; round < 200; round += 1) {
        const record = await put('yann')
        if (round < 190) await ask('DEL', keyOf(record.sid)) // as the server does when it expires
      }
      const left = Number(await ask('HLEN', index))
      assert.ok(left <= 60, `${left} entries for 10 sessions`)
      assert.equal((await store.list('yann')).length, 10)
      await store.endUser('yann', sampleMark())
      assert.deepEqual(await ask('HKEYS', index), ['g'])
    })
  })
})

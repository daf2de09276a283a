import assert from 'node:assert/strict'
import { before, it } from 'node:test'
import { type RedisClient, redisStore } from 'latchkey/stores/redis'
import { sampleMark, sampleRecord } from 'latchkey/testing'
import type { SessionDirectory, SessionStore, StoredRecord } from '../../../src/session/store.ts'
import { tagOf, tagOfUser } from '../../../src/stores/redis/keys.ts'
import { slotOf } from '../../../src/stores/redis/slots.ts'
import { describeWithRedis, startRedis, startRedisCluster } from '../../servers/redis.ts'
import { connectTo, connectToCluster } from './clients.ts'

const { createdAt: now } = sampleRecord()

function directoryOf(store: SessionStore): SessionDirectory {
  assert.ok(store.directory)
  return store.directory
}

async function everything(directory: SessionDirectory, limit: number): Promise<StoredRecord[]> {
  const found: StoredRecord[] = []
  let cursor: string | null = null
  do {
    const page = await directory.page(cursor, limit)
    found.push(...page.records)
    cursor = page.next
  } while (cursor !== null)
  return found
}

const sids = (records: readonly StoredRecord[]) => records.map(({ sid }) => sid).sort()

describeWithRedis('redis store: directory', () => {
  let client: RedisClient
  let opened = 0
  before(async () => {
    client = await connectTo(await startRedis())
  })

  function openNew() {
    opened += 1
    const prefix = `listing-${opened}:`
    const store = redisStore(client, { prefix })
    const keyOf = (sid: string) => `${prefix}{${tagOf(sid)}}:r:${sid}`
    return { store, directory: directoryOf(store), prefix, keyOf }
  }

  async function fill(store: SessionStore, count: number, userOf = (i: number): string | null => `user ${i}`) {
    const records = Array.from({ length: count }, (_, i) => sampleRecord({ userId: userOf(i) }))
    for (let from = 0; from < count; from += 500) {
      await Promise.all(records.slice(from, from + 500).map(record => store.create(record, { now })))
    }
    return records
  }

  it('who expired is passed over, although the index still names them', async () => {
    const { store, directory, keyOf } = openNew()
    const records = await fill(store, 60)
    const [expired, alive] = [records.slice(0, 40), records.slice(40)]
    for (const { sid } of expired) await client.sendCommand(['DEL', keyOf(sid)])
    assert.deepEqual(sids(await everything(directory, 7)), sids(alive))
    assert.equal(await directory.count(), 20)
    assert.deepEqual(sids(await directory.sample(30)), sids(alive))
    assert.equal((await directory.sample(10)).length, 10)
  })

  it('a damaged record, a foreign one and a tombstone that an index still names are left out', async () => {
    const { store, directory, keyOf, prefix } = openNew()
    const records = await fill(store, 8)
    const [cut, foreign, ended, ...sound] = records
    assert.ok(cut && foreign && ended)
    await client.sendCommand(['SETRANGE', keyOf(cut.sid), '0', 'XXXX'])
    await client.sendCommand(['DEL', keyOf(foreign.sid)])
    await client.sendCommand(['HSET', keyOf(foreign.sid), 'a', 'b'])
    await store.end(ended.sid, sampleMark())
    await client.sendCommand(['HSET', `${prefix}{${tagOf(ended.sid)}}:t`, ended.sid, '', 'not a sid', ''])
    assert.deepEqual(sids(await everything(directory, 3)), sids(sound))
    assert.deepEqual(sids(await directory.sample(100)), sids(sound))
  })

  it('a user with thousands of sessions, all in one tag, is on many pages and on each once', async () => {
    const { store, directory } = openNew()
    const records = [...(await fill(store, 3_000, () => 'robot')), ...(await fill(store, 20))]
    const found = sids(await everything(directory, 499))
    assert.deepEqual(found, sids(records))
    assert.equal(await directory.count(), 3_020)
    const sample = await directory.sample(500)
    assert.deepEqual([sample.length, new Set(sids(sample)).size], [500, 500])
  })

  it('of more than 50,000 entries the living are estimated: those who expired do not count', async () => {
    const { store, directory, prefix } = openNew()
    const records = await fill(store, 40_000, i => (i % 4 === 0 ? null : `user ${i}`))
    assert.equal(await directory.count(), 40_000, 'counted one by one')
    const script = `for i = 2, #ARGV do redis.call('HSET', ARGV[1] .. '{' .. string.sub(ARGV[i], 1, 2) .. '}:t', ARGV[i], '') end`
    const dead = Array.from({ length: 20_000 }, () => sampleRecord({ userId: null }).sid)
    for (let from = 0; from < dead.length; from += 5_000) {
      await client.sendCommand(['EVAL', script, '0', prefix, ...dead.slice(from, from + 5_000)])
    }
    const count = await directory.count()
    assert.ok(Math.abs(count - 40_000) < 3_000, `${count} of 40,000`)
    const sample = await directory.sample(2_000)
    assert.ok(sample.length > 1_000 && sample.length <= 2_000, `${sample.length} of about 2,000`)
    const known = new Set(sids(records))
    assert.ok(sample.every(({ sid }) => known.has(sid)))
    const guests = sample.filter(({ userId }) => userId === null).length / sample.length
    assert.ok(guests > 0.18 && guests < 0.32, `${guests} of the sample are guests`)
    for (let from = 0; from < records.length; from += 5_000) {
      const keys = records.slice(from, from + 5_000).map(({ sid }) => `${prefix}{${tagOf(sid)}}:r:${sid}`)
      await client.sendCommand(['DEL', ...keys.slice(from === 0 ? 10 : 0)])
    }
    assert.equal(await directory.count(), 10, 'where nearly all expired it is no guess')
  })

  it('few sessions in 4,096 tags are found in a few pages', async () => {
    const { store, directory } = openNew()
    const records = await fill(store, 3)
    let pages = 0
    let cursor: string | null = null
    const found: StoredRecord[] = []
    do {
      const page = await directory.page(cursor, 50)
      found.push(...page.records)
      cursor = page.next
      pages += 1
    } while (cursor !== null)
    assert.deepEqual(sids(found), sids(records))
    assert.ok(pages <= 5, `${pages} pages`)
  })

  it('a server that is down is an error that says so, not an empty page', async () => {
    const server = await startRedis()
    const store = redisStore(await connectTo(server))
    await fill(store, 5)
    await server.signal('SIGKILL')
    const directory = directoryOf(store)
    for (const ask of [() => directory.page(null, 5), () => directory.count(), () => directory.sample(5)]) {
      await assert.rejects(ask, /not connected|Redis failed/)
    }
    await server.stop()
  })

  it('in a cluster a slot that has moved to another node is found there', async () => {
    const cluster = await startRedisCluster()
    const [source, target] = cluster.nodes
    assert.ok(source && target)
    const store = redisStore(await connectToCluster(cluster))
    const directory = directoryOf(store)
    const records = await fill(store, 200)
    assert.deepEqual(sids(await everything(directory, 33)), sids(records))
    assert.equal(await directory.count(), 200)
    assert.deepEqual(sids(await directory.sample(500)), sids(records))

    const userId = records.map(({ userId }) => userId ?? '').find(user => slotOf(tagOfUser(user)) <= 5460) ?? ''
    const slot = String(slotOf(tagOfUser(userId)))
    const ids = (await Promise.all([source, target].map(node => node.cli('cluster', 'myid')))).map(id => id.trim())
    await target.cli('cluster', 'setslot', slot, 'importing', ids[0] ?? '')
    await source.cli('cluster', 'setslot', slot, 'migrating', ids[1] ?? '')
    const keys = (await source.cli('cluster', 'getkeysinslot', slot, '100')).trim().split('\n')
    await source.cli('migrate', '127.0.0.1', String(target.port), '', '0', '5000', 'keys', ...keys)
    assert.deepEqual(sids(await everything(directory, 33)), sids(records), 'while it moves')
    for (const node of [target, source]) await node.cli('cluster', 'setslot', slot, 'node', ids[1] ?? '')
    assert.deepEqual(sids(await everything(directory, 33)), sids(records), 'when it has moved')
    assert.equal(await directory.count(), 200)
    await store.close()
    await cluster.stop()
  })
})

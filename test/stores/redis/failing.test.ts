import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { UsageError } from 'latchkey'
import { type RedisClient, redisStore } from 'latchkey/stores/redis'
import { sampleMark, sampleRecord } from 'latchkey/testing'
import { createClient, createClientPool, createSentinel } from 'redis'
import type { StoredRecord } from '../../../src/session/store.ts'
import { describeWithRedis, type RedisServer, startRedis, succeeds, until } from '../../servers/redis.ts'
import { startRelay } from '../../servers/relay.ts'
import { connectTo } from './clients.ts'

const create = (record: StoredRecord) => [record, { now: record.createdAt }] as const

describe('Redis: options that cannot be used', () => {
  const client = createClient()
  // biome-ignore lint/suspicious/noExplicitAny: people without TypeScript pass anything
  const wrong: Record<string, () => any> = {
    'no client': () => redisStore(undefined as never),
    'a pool': () => redisStore(createClientPool() as never),
    Sentinel: () =>
      redisStore(createSentinel({ name: 'a', sentinelRootNodes: [{ host: '127.0.0.1', port: 1 }] }) as never),
    'an empty prefix': () => redisStore(client, { prefix: '' }),
    'a prefix with braces': () => redisStore(client, { prefix: '{shop}:' }),
    'no replicas': () => redisStore(client, { waitForReplicas: { replicas: 0, timeout: '1s' } }),
    'half a replica': () => redisStore(client, { waitForReplicas: { replicas: 1.5, timeout: '1s' } }),
    'a time without a unit': () => redisStore(client, { waitForReplicas: { replicas: 1, timeout: 500 as never } }),
  }
  for (const [what, make] of Object.entries(wrong)) {
    it(`${what} is a UsageError that begins with redisStore`, () => {
      assert.throws(make, error => error instanceof UsageError && error.message.startsWith('redisStore: '))
    })
  }
})

describeWithRedis('Redis: a server in trouble', () => {
  let server: RedisServer
  let client: RedisClient
  before(async () => {
    server = await startRedis()
    client = await connectTo(server)
  })

  it('SCRIPT FLUSH in the middle of the work is not noticed', async () => {
    const store = redisStore(client, { prefix: 'flushed:' })
    let flushing = true
    const flushes = (async () => {
      for (; flushing; await wait(1)) await server.cli('script', 'flush')
    })()
    const work = async (userId: string) => {
      for (let round = 0; round < 100; round += 1) {
        const record = sampleRecord({ userId })
        assert.equal((await store.create(...create(record))).outcome, 'created')
        assert.equal(await store.save({ ...record, version: 2 }, { durable: false }), 'saved')
        assert.equal((await store.end(record.sid, sampleMark()))?.version, 2)
      }
      assert.deepEqual(await store.list(userId), [])
    }
    await Promise.all(['alice', 'bob', 'carol', 'dave'].map(work))
    flushing = false
    await flushes
  })

  it('without memory nothing new is written, and sessions can still be read, touched and ended', async () => {
    const full = await startRedis(['--maxmemory-policy', 'noeviction'])
    const store = redisStore(await connectTo(full))
    try {
      const [first, second] = [sampleRecord(), sampleRecord()]
      await store.create(...create(first))
      await store.create(...create(second))
      await full.cli('config', 'set', 'maxmemory', '1')
      const isFull = { message: /maxmemory/ }
      await assert.rejects(store.create(...create(sampleRecord())), isFull)
      await assert.rejects(store.save({ ...first, version: 2 }, { durable: false }), isFull)
      await assert.rejects(store.ping(), isFull)
      await store.touch(first.sid, first.lastSeenAt + 1, first.expiresAt + 1)
      assert.equal((await store.read(first.sid))?.lastSeenAt, first.lastSeenAt + 1)
      assert.equal((await store.list('alice')).length, 2)
      assert.deepEqual(await store.end(second.sid, sampleMark()), second)
      assert.equal((await store.endUser('alice', sampleMark())).length, 1)
      await full.cli('config', 'set', 'maxmemory', '0')
      await store.ping()
    } finally {
      await full.signal('SIGKILL')
    }
  })

  it('a read-only replica is refused with the advice to connect to the master', async () => {
    const replica = await startRedis(['--replicaof', '127.0.0.1', String(server.port)])
    try {
      await until('it follows', async () =>
        (await replica.cli('info', 'replication')).includes('master_link_status:up'),
      )
      const store = redisStore(await connectTo(replica))
      const readOnly = { message: /read-only replica.*master/ }
      await assert.rejects(store.ping(), readOnly)
      await assert.rejects(store.create(...create(sampleRecord())), readOnly)
      await assert.rejects(store.endUser('alice', sampleMark()), readOnly)
      await assert.rejects(store.endEverybody(sampleMark()), readOnly)
    } finally {
      await replica.signal('SIGKILL')
    }
  })

  it('a wrong password, and none, are named', async () => {
    const locked = await startRedis(['--requirepass', 'right'])
    try {
      for (const [password, message] of [
        ['wrong', /refuses.*password/],
        ['', /asks for a password/],
      ] as const) {
        const shut = createClient({ url: locked.url, ...(password && { password }) })
        const store = redisStore(shut)
        shut.connect().catch(() => {})
        await until('the client was refused', () =>
          store.ping().then(
            () => assert.fail('it was let in'),
            error => message.test(error.message),
          ),
        )
        await assert.rejects(async () => store.read(sampleRecord().sid), message)
        shut.destroy()
      }
      const open = await connectTo({ url: locked.url.replace('//', '//:right@') })
      await redisStore(open).ping()
    } finally {
      await locked.signal('SIGKILL')
    }
  })

  it('a client of one server that talks to a node of a cluster is told to use createCluster', async () => {
    const node = await startRedis(['--cluster-enabled', 'yes'])
    try {
      const store = redisStore(await connectTo(node))
      await assert.rejects(store.create(...create(sampleRecord())), /Cluster/)
    } finally {
      await node.signal('SIGKILL')
    }
  })

  it('while there is no connection everything is refused at once, nothing is done later, and it works again by itself', async () => {
    const dying = await startRedis(['--appendonly', 'yes', '--appendfsync', 'always'])
    const store = redisStore(await connectTo(dying))
    const record = sampleRecord()
    await store.create(...create(record))
    await dying.signal('SIGKILL')
    const down = { message: /not connected/ }
    await until('the client knows', () =>
      store.ping().then(
        () => false,
        error => /not connected/.test(error.message),
      ),
    )
    await assert.rejects(async () => store.read(record.sid), down)
    const late = sampleRecord()
    await assert.rejects(store.create(...create(late)), down)
    await assert.rejects(store.save({ ...record, version: 2 }, { durable: true }), down)
    await assert.rejects(store.end(record.sid, sampleMark()), down)
    await assert.rejects(store.endUser('alice', sampleMark()), down)
    await assert.rejects(store.endEverybody(sampleMark()), down)
    await assert.rejects(store.ping(), down)
    await dying.restart()
    await until('it works again', () => succeeds(store.ping()))
    assert.deepEqual(await store.list('alice'), [record])
    assert.equal(await store.read(late.sid), null)
    await dying.signal('SIGKILL')
  })

  it('killed in the middle of the work and started again, it has everything that was acknowledged', async () => {
    const dying = await startRedis(['--appendonly', 'yes', '--appendfsync', 'always'])
    const store = redisStore(await connectTo(dying))
    /** What was acknowledged of each session: its version, or that it ended. */
    const acknowledged = new Map<string, number | 'ended'>()
    let dead = false
    const work = async (userId: string) => {
      while (!dead) {
        const record = sampleRecord({ userId })
        await store.create(...create(record))
        acknowledged.set(record.sid, 1)
        await store.save({ ...record, version: 2 }, { durable: true })
        acknowledged.set(record.sid, 2)
        if (acknowledged.size % 2 === 0) continue
        await store.end(record.sid, sampleMark())
        acknowledged.set(record.sid, 'ended')
      }
    }
    const works = Array.from({ length: 8 }, (_, index) => work(`user ${index}`).catch(() => {}))
    await until('some work is done', () => acknowledged.size > 500)
    await dying.signal('SIGKILL')
    dead = true
    await Promise.all(works)
    await dying.restart()
    await until('it works again', () => succeeds(store.ping()))
    const lost: string[] = []
    for (const [sid, what] of acknowledged) {
      const record = await store.read(sid)
      const kept = what === 'ended' ? record?.ended : record && record.version >= what
      if (!kept) lost.push(`${sid} ${what}`)
    }
    assert.deepEqual(lost, [])
    await dying.signal('SIGKILL')
  })

  it('cut off in the middle of an answer, a read fails; no part of a record is ever taken for one', async () => {
    const relay = await startRelay(server.port)
    const store = redisStore(await connectTo({ url: `redis://127.0.0.1:${relay.port}` }), { prefix: 'cut:' })
    const records = Array.from({ length: 20 }, (_, index) =>
      sampleRecord({ userId: `reader ${index}`, body: String(index % 10).repeat(20_000) }),
    )
    for (const record of records) assert.equal((await store.create(...create(record))).outcome, 'created')
    let failures = 0
    for (let round = 0; round < 20; round += 1) {
      await until('there is a connection', () => succeeds(store.ping()))
      relay.cutAfter(1 + round * 17_001)
      const reads = records.map(async record => {
        const answer = await Promise.resolve(store.read(record.sid)).catch(() => 'failed')
        if (answer === 'failed') failures += 1
        else assert.deepEqual(answer, record)
      })
      await Promise.all(reads)
    }
    assert.ok(failures > 20, `${failures} reads were cut off`)
    relay.close()
  })
})

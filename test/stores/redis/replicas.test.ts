import assert from 'node:assert/strict'
import { it } from 'node:test'
import { redisStore } from 'latchkey/stores/redis'
import { sampleMark, sampleRecord } from 'latchkey/testing'
import type { StoredRecord } from '../../../src/session/store.ts'
import { closeAfter, describeWithRedis, startRedis, startRedisCluster, succeeds, until } from '../../servers/redis.ts'
import { connectTo, connectToCluster } from './clients.ts'

const waitForReplicas = { replicas: 1, timeout: '1s' } as const
const create = (record: StoredRecord) => [record, { now: record.createdAt }] as const

describeWithRedis('Redis: ends that a replica confirms', () => {
  it('an end is on the replica when it resolves; without a replica it rejects and says that it holds on the master', async () => {
    const master = await startRedis()
    const follower = ['--replicaof', '127.0.0.1', String(master.port)]
    const replica = await startRedis(follower)
    try {
      await until('it follows', async () => (await master.cli('info', 'replication')).includes('state=online'))
      const store = redisStore(await connectTo(master), { waitForReplicas })
      closeAfter({ destroy: () => void store.close() })
      const copy = redisStore(await connectTo(replica))
      for (let round = 0; round < 50; round += 1) {
        const record = sampleRecord()
        await store.create(...create(record))
        assert.equal(await store.save({ ...record, version: 2 }, { durable: true }), 'saved')
        assert.equal((await copy.read(record.sid))?.version, 2)
        await store.end(record.sid, sampleMark())
        assert.notEqual((await copy.read(record.sid))?.ended ?? null, null)
      }
      const records = [sampleRecord(), sampleRecord(), sampleRecord()] as const
      for (const record of records) await store.create(...create(record))
      await replica.signal('SIGSTOP')
      const unconfirmed = { code: 'unconfirmed', confirmed: 0, message: /on the master, but 0 of 1 replicas/ }
      await assert.rejects(store.end(records[0].sid, sampleMark()), unconfirmed)
      assert.notEqual((await store.read(records[0].sid))?.ended, null)
      await assert.rejects(store.save({ ...records[1], version: 2 }, { durable: true }), unconfirmed)
      assert.equal(await store.save({ ...records[1], version: 3 }, { durable: false }), 'saved', 'it was done')
      await assert.rejects(store.endUser('alice', sampleMark()), unconfirmed)
      assert.deepEqual(await store.list('alice'), [])
      await replica.signal('SIGCONT')
      await until('it is confirmed', () => succeeds(store.endUser('alice', sampleMark())))
      await store.close()
    } finally {
      await Promise.all([master.signal('SIGKILL'), replica.signal('SIGKILL')])
    }
  })

  it('a master dies under load: no revocation that was acknowledged is undone, and it goes on without a restart', async () => {
    const cluster = await startRedisCluster()
    try {
      const client = await connectToCluster(cluster)
      const store = redisStore(client, { waitForReplicas: { replicas: 1, timeout: '200ms' } })
      /** Sessions by what was acknowledged of them. */
      const created = new Set<string>()
      const ended = new Set<string>()
      const errors = new Map<string, number>()
      let working = true
      const work = async (userId: string) => {
        while (working) {
          try {
            const records = [sampleRecord({ userId }), sampleRecord({ userId })] as const
            for (const record of records) {
              await store.create(...create(record))
              created.add(record.sid)
            }
            if (Math.random() < 0.5) await store.end(records[0].sid, sampleMark())
            else await store.endUser(userId, sampleMark()).then(() => ended.add(records[1].sid))
            ended.add(records[0].sid)
          } catch (error) {
            const { message } = error as Error
            errors.set(message, (errors.get(message) ?? 0) + 1)
            await new Promise(resume => setTimeout(resume, 5))
          }
        }
      }
      const works = Array.from({ length: 48 }, (_, index) => work(`user ${index}`))
      await until('some work is done', () => ended.size > 1000)
      const before = ended.size
      await cluster.nodes[0]?.signal('SIGKILL')
      await until('its replica took over', async () => {
        const replica = await cluster.nodes[3]?.cli('info', 'replication')
        return replica?.includes('role:master') ?? false
      })
      const atFailover = ended.size
      // The lost master's replica is a master without a replica now: what it has is done and not confirmed.
      await until('the other masters, and it, do work', async () => {
        const tries = Array.from({ length: 48 }, (_, index) => store.generation(`user ${index}`))
        return (await Promise.allSettled(tries)).every(({ status }) => status === 'fulfilled')
      })
      await until('more work is done', () => ended.size > atFailover + 500)
      working = false
      await Promise.all(works)
      const survivors: string[] = []
      const live = new Set<string>()
      for (const sid of ended) if ((await store.read(sid))?.ended === null) survivors.push(sid)
      for (let index = 0; index < 48; index += 1) {
        for (const { sid } of await store.list(`user ${index}`)) live.add(sid)
      }
      assert.deepEqual(survivors, [], `of ${ended.size} (${before} before), ${[...errors].join('; ')}`)
      assert.ok([...ended].every(sid => !live.has(sid)))
      await store.close()
    } finally {
      await Promise.all(cluster.nodes.map(node => node.signal('SIGKILL')))
    }
  })
})

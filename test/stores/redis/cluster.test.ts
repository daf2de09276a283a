import assert from 'node:assert/strict'
import { it } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { redisStore } from 'latchkey/stores/redis'
import { sampleMark, sampleRecord } from 'latchkey/testing'
import type { SessionStore } from '../../../src/session/store.ts'
import { tagOfUser } from '../../../src/stores/redis/keys.ts'
import { slotOf } from '../../../src/stores/redis/slots.ts'
import { describeWithRedis, startRedisCluster, until } from '../../servers/redis.ts'
import { connectToCluster, moveSlots } from './clients.ts'

/** Users whose sessions are in the first slots, which are moved. */
function usersBelow(slot: number, count: number): string[] {
  const users: string[] = []
  for (let i = 0; users.length < count; i += 1) {
    if (slotOf(tagOfUser(`user ${i}`)) < slot) users.push(`user ${i}`)
  }
  return users
}

/** Read-modify-write until it took; how often it was refused with an error that says so. */
async function increment(store: SessionStore, sid: string, refusals: Set<string>): Promise<void> {
  for (;;) {
    try {
      const record = await store.read(sid)
      assert.ok(record && !record.ended, 'a session of its own is not lost')
      const next = { ...record, version: record.version + 1, body: String(Number(record.body) + 1) }
      if ((await store.save(next, { durable: false })) === 'saved') return
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error
      refusals.add((error as Error).message)
      await wait(5)
    }
  }
}

describeWithRedis('Redis Cluster: moving slots', () => {
  it('while slots move to another node and back, no increment is lost, no session survives its end', async () => {
    const cluster = await startRedisCluster()
    try {
      const store = redisStore(await connectToCluster(cluster))
      const users = usersBelow(400, 24)
      const refusals = new Set<string>()
      let working = true
      let rounds = 0
      const survivors: string[] = []
      const work = async (userId: string) => {
        const counter = sampleRecord({ userId: null, sid: sampleRecord({ userId }).sid, body: '0' })
        await store.create(counter, { now: counter.createdAt })
        let count = 0
        while (working) {
          await increment(store, counter.sid, refusals)
          count += 1
          const record = sampleRecord({ userId })
          try {
            const generation = await store.generation(userId)
            const result = await store.create(record, { now: record.createdAt, generation })
            assert.equal(result.outcome, 'created')
            if (count % 2 === 0) await store.end(record.sid, sampleMark())
            else await store.endUser(userId, sampleMark())
            if ((await store.read(record.sid))?.ended === null) survivors.push(record.sid)
            rounds += 1
          } catch (error) {
            if (error instanceof assert.AssertionError) throw error
            refusals.add((error as Error).message)
          }
        }
        assert.equal((await store.read(counter.sid))?.body, String(count), `increments of ${userId}`)
      }
      const works = users.map(work)
      const failed = Promise.all(works)
      failed.catch(() => {
        working = false
      })
      await until('work began', () => rounds > 100)
      await moveSlots(cluster, 0, 1, 400)
      const between = rounds
      await until('work goes on', () => rounds > between + 100)
      await moveSlots(cluster, 1, 0, 400)
      const after = rounds
      await until('work goes on', () => rounds > after + 100)
      working = false
      await failed
      assert.deepEqual(survivors, [])
      // What was refused while a slot moved says why, and nothing else went wrong.
      for (const refusal of refusals) assert.match(refusal, /moved to another node|not connected/)
      await store.close()
    } finally {
      await Promise.all(cluster.nodes.map(node => node.signal('SIGKILL')))
    }
  })

  it("while a user's index is on the new node already and the sessions are not, ending them all is refused or done, never half forgotten", async () => {
    const cluster = await startRedisCluster()
    const [source, target] = cluster.nodes
    assert.ok(source && target)
    const store = redisStore(await connectToCluster(cluster))
    const [userId = ''] = usersBelow(5000, 1)
    const records = [sampleRecord({ userId }), sampleRecord({ userId })]
    for (const record of records) await store.create(record, { now: record.createdAt })
    const slot = String(slotOf(tagOfUser(userId)))
    const [from = '', to = ''] = (await Promise.all([source, target].map(node => node.cli('cluster', 'myid')))).map(
      id => id.trim(),
    )
    const move = async (keys: string[]) => {
      await source.cli('migrate', '127.0.0.1', String(target.port), '', '0', '5000', 'keys', ...keys)
    }
    await target.cli('cluster', 'setslot', slot, 'importing', from)
    await source.cli('cluster', 'setslot', slot, 'migrating', to)
    const keys = (await source.cli('cluster', 'getkeysinslot', slot, '100')).trim().split('\n')
    assert.equal(keys.length, 4)
    const isRecord = (key: string) => key.includes(':r:')
    await move(keys.filter(key => !isRecord(key)))

    const isMoving = { message: /being moved to another node/ }
    await assert.rejects(store.endUser(userId, sampleMark()), isMoving)
    await assert.rejects(store.endEverybody(sampleMark()), isMoving)
    await assert.rejects(store.create(sampleRecord({ userId }), { now: 0 }), isMoving)
    for (const record of records) assert.deepEqual(await store.read(record.sid), record, 'reading goes on')
    await move(keys.filter(isRecord))
    for (const record of records) assert.deepEqual(await store.read(record.sid), record)
    assert.deepEqual(new Set(await store.endUser(userId, sampleMark())), new Set(records))
    for (const node of [target, source]) await node.cli('cluster', 'setslot', slot, 'node', to)
    for (const { sid } of records) assert.notEqual((await store.read(sid))?.ended ?? null, null)
    assert.deepEqual(await store.list(userId), [])
    await store.close()
  })
})

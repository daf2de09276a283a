import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { type RedisClient, type RedisCluster, redisStore } from 'latchkey/stores/redis'
import { sampleMark, sampleRecord } from 'latchkey/testing'
import type { Following } from '../../../src/session/store.ts'
import * as servers from '../../servers/redis.ts'
import { connectTo, connectToCluster, moveSlots } from './clients.ts'

const { describeWithRedis, startRedis, startRedisCluster, until } = servers

/** Follows, and keeps what was told. */
async function follow(client: RedisClient | RedisCluster, options = {}): Promise<Followed> {
  const told: (string | null)[] = []
  const lost: unknown[] = []
  const following = await redisStore(client, options).follow(
    sid => told.push(sid),
    cause => lost.push(cause),
  )
  let before = 0
  const heard = async () => {
    await following.confirm()
    const news = told.slice(before)
    before = told.length
    return news
  }
  return { told, heard, lost, following }
}

interface Followed {
  readonly told: readonly (string | null)[]
  /** Everything told since it was asked last, once it is confirmed that this is all. */
  readonly heard: () => Promise<(string | null)[]>
  readonly lost: unknown[]
  readonly following: Following
}

/** Ends sessions from one client and looks whether the other was told of each; how many it was not told of. */
async function raceEnds(count: number, there: RedisClient | RedisCluster, followed: Followed): Promise<number> {
  const { told, following } = followed
  const store = redisStore(there)
  let missed = 0
  const race = async (_: unknown, index: number) => {
    const record = sampleRecord({ userId: `user ${index}` })
    await store.create(record, { now: record.createdAt })
    await following.confirm()
    const before = told.length
    await store.end(record.sid, sampleMark())
    await following.confirm()
    if (!told.slice(before).includes(record.sid)) missed += 1
  }
  await Promise.all(Array.from({ length: count }, race))
  return missed
}

function suite(clients: () => { here: RedisClient | RedisCluster; there: RedisClient | RedisCluster }): void {
  it('every change by another process is told before `confirm` resolves, and nothing else', async () => {
    const { here, there } = clients()
    const { heard, following, lost } = await follow(here)
    const store = redisStore(there)
    const [first, second] = [sampleRecord(), sampleRecord({ createdAt: sampleRecord().createdAt + 1 })]
    await store.create(first, { now: first.createdAt })
    assert.deepEqual(new Set(await heard()), new Set([first.sid]))
    assert.equal(await store.save({ ...first, version: 2 }, { durable: false }), 'saved')
    assert.ok((await heard()).includes(first.sid), 'save')
    await store.touch(first.sid, first.lastSeenAt + 1, first.expiresAt)
    assert.ok((await heard()).includes(first.sid), 'touch')
    await store.create(second, { now: first.createdAt, limit: { max: 1, evict: sampleMark({ reason: 'evicted' }) } })
    const told = await heard()
    assert.ok(told.includes(first.sid) && told.includes(second.sid), 'eviction and creation')
    await store.end(second.sid, sampleMark())
    assert.ok((await heard()).includes(second.sid), 'end')
    const third = sampleRecord()
    await store.create(third, { now: first.createdAt })
    await heard()
    await store.endUser('alice', sampleMark())
    assert.ok((await heard()).includes(third.sid), 'endUser')
    const fourth = sampleRecord({ userId: null })
    await store.create(fourth, { now: first.createdAt })
    await store.endEverybody(sampleMark())
    assert.ok((await heard()).includes(null), 'endEverybody')
    await following.stop()
    assert.deepEqual(lost, [], 'stopping is no loss')
  })

  it('what changes nothing is not told', async () => {
    const { here, there } = clients()
    const store = redisStore(there, { prefix: 'quiet:' })
    const record = sampleRecord()
    await store.create(record, { now: record.createdAt })
    const { heard, following } = await follow(here, { prefix: 'quiet:' })
    await store.read(record.sid)
    await store.list('alice')
    await store.generation('alice')
    await store.touch(record.sid, record.lastSeenAt, record.expiresAt)
    assert.equal(await store.save({ ...record, version: 9 }, { durable: false }), 'conflict')
    assert.equal(await store.end(sampleRecord().sid, sampleMark()), null)
    const other = sampleRecord()
    await redisStore(there, { prefix: 'loud:' }).create(other, { now: other.createdAt })
    assert.deepEqual(await heard(), [])
    await following.stop()
  })

  it('of 300 ends at once each is told when a confirmation that was asked after it resolves', async () => {
    const { here, there } = clients()
    const followed = await follow(here)
    assert.equal(await raceEnds(300, there, followed), 0)
    await followed.following.stop()
    assert.deepEqual(followed.lost, [])
  })
}

describeWithRedis('Redis: following the changes', () => {
  describe('on one server', () => {
    let here: RedisClient
    let there: RedisClient
    before(async () => {
      const server = await startRedis()
      here = await connectTo(server)
      there = await connectTo(server)
    })
    suite(() => ({ here, there }))

    it('a lost connection is told once, and then nothing is confirmed any more', async () => {
      const { lost, following } = await follow(here)
      await here.sendCommand(['CLIENT', 'KILL', 'TYPE', 'pubsub'])
      await until('the loss is told', () => lost.length > 0)
      await assert.rejects(following.confirm())
      assert.equal(lost.length, 1)
      assert.ok(lost[0] instanceof Error)
      await following.stop()
      const again = await follow(here)
      assert.deepEqual(await again.heard(), [])
      await again.following.stop()
    })

    it('over RESP2 as well', async () => {
      const server = await startRedis()
      const client = await connectTo(server, { RESP: 2 })
      const followed = await follow(client)
      assert.equal(await raceEnds(50, client, followed), 0)
      await followed.following.stop()
      await server.signal('SIGKILL')
    })

    it('when the server cannot be reached, following fails with the reason', async () => {
      const gone = await startRedis()
      const client = await connectTo(gone)
      await gone.signal('SIGKILL')
      const never = () => assert.fail('it never began')
      await assert.rejects(redisStore(client).follow(never, never), /ECONNREFUSED|closed/)
    })
  })

  describe('in a cluster', () => {
    let cluster: servers.RedisCluster
    let here: RedisCluster
    let there: RedisCluster
    before(async () => {
      cluster = await startRedisCluster()
      here = await connectToCluster(cluster)
      there = await connectToCluster(cluster)
    })
    suite(() => ({ here, there }))

    it('nothing is missed while slots move', async () => {
      const followed = await follow(here)
      let moving = true
      const moves = moveSlots(cluster, 0, 1, 300)
        .then(() => moveSlots(cluster, 1, 0, 300))
        .finally(() => {
          moving = false
        })
      let missed = 0
      while (moving) {
        // Ends of users whose slot is on its way may be refused; what is done is told.
        missed += await raceEnds(20, there, followed).catch(() => 0)
      }
      await moves
      assert.equal(missed, 0)
      assert.deepEqual(followed.lost, [])
      await followed.following.stop()
    })

    it('after a failover it is told that following ended, and it works again with the nodes that are left', async () => {
      const { lost, following } = await follow(here)
      await cluster.nodes[0]?.signal('SIGKILL')
      await until('the loss is told', () => lost.length > 0)
      await assert.rejects(following.confirm())
      let again: Followed | null = null
      await until('it can be followed again', async () => {
        again = await follow(here).catch(() => null)
        return (
          again !== null &&
          (await (again as Followed).heard().then(
            () => true,
            () => false,
          ))
        )
      })
      const followed = again as Followed | null
      assert.ok(followed)
      await until('there knows the new master', async () => {
        const ping = redisStore(there).ping()
        return ping.then(
          () => true,
          () => false,
        )
      })
      assert.equal(await raceEnds(50, there, followed), 0)
      await cluster.nodes[0]?.restart()
      await until('its return is noticed', () =>
        followed.heard().then(
          () => false,
          () => true,
        ),
      )
      assert.equal(followed.lost.length, 1)
    })
  })
})

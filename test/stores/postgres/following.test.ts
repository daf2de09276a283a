import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { migratePostgres, postgresStore } from 'latchkey/stores/postgres'
import { sampleMark, sampleRecord } from 'latchkey/testing'
import type { SharedStore } from '../../../src/session/store.ts'
import { describeWithPostgres } from '../../servers/postgres.ts'

const { createdAt: now } = sampleRecord()

describeWithPostgres('postgres store: following', server => {
  before(async () => {
    await migratePostgres(server.pool())
  })

  const open = (options: { max?: number } = {}): SharedStore => postgresStore(server.pool(options))

  /** Follows a store; `since` answers with what was told since it was asked the last time, once that is everything. */
  async function listen(store: SharedStore) {
    const told: (string | null)[] = []
    const lost: unknown[] = []
    const following = await store.follow(
      sid => told.push(sid),
      cause => lost.push(cause),
    )
    const since = async () => {
      await following.confirm()
      return told.splice(0)
    }
    return { following, lost, since }
  }

  test('after a confirmation every change by any process was told, in order, and reads were not', async () => {
    const [mine, other] = [open(), open()]
    const { following, since } = await listen(mine)
    const [first, second, third] = [sampleRecord(), sampleRecord(), sampleRecord()]
    const hostile = sampleRecord({ sid: "nul\0 \\ quote'\ud800", userId: null })
    const evict = sampleMark({ reason: 'evicted' })
    const steps: readonly (readonly [what: string, work: () => unknown, told: (string | null)[]])[] = [
      ['create', () => other.create(first, { now }), [first.sid]],
      ['save', () => other.save({ ...first, version: 2 }, { durable: false }), [first.sid]],
      ['a save that is late', () => other.save({ ...first, version: 2 }, { durable: false }), []],
      ['touch', () => other.touch(first.sid, now + 1, now + 1), [first.sid]],
      ['read', () => other.read(first.sid), []],
      ['list', () => other.list('alice'), []],
      ['evict', () => other.create(second, { now: 0, limit: { max: 1, evict } }), [first.sid, second.sid]],
      ['end', () => other.end(second.sid, sampleMark()), [second.sid]],
      ['a second end', () => other.end(second.sid, sampleMark()), []],
      ['create again', () => mine.create(third, { now }), [third.sid]],
      ['endUser', () => other.endUser('alice', sampleMark()), [third.sid]],
      ['a hostile sid', () => other.create(hostile, { now }), [hostile.sid]],
      ['endEverybody', () => other.endEverybody(sampleMark()), [null]],
    ]
    for (const [what, work, expected] of steps) {
      await work()
      assert.deepEqual(await since(), expected, what)
    }
    await following.stop()
    await Promise.all([mine.close(), other.close()])
  })

  test('nobody is notified where nobody follows, and everybody once somebody does', async () => {
    const store = open()
    const { following } = await listen(store)
    await following.stop()
    assert.deepEqual(await server.sql('SELECT * FROM latchkey_followers'), [])
    const { following: again, since } = await listen(store)
    const record = sampleRecord()
    await store.create(record, { now })
    assert.deepEqual(await since(), [record.sid])
    await again.stop()
    await store.close()
  })

  test('to begin waits for the changes whose authors did not see the follower', async () => {
    const store = open()
    const record = sampleRecord()
    await store.create(record, { now })
    const writer = await server.pool().connect()
    await writer.query(`BEGIN; SELECT latchkey_save('{${record.sid}}', '{2}', '{1}', '{1}', '{1}', '{x}', 'as set')`)
    let isFollowing = false
    const listening = listen(store).then(listener => {
      isFollowing = true
      return listener
    })
    await server.waitForLocks(1)
    assert.equal(isFollowing, false)
    await writer.query('COMMIT')
    const { since } = await listening
    assert.deepEqual(await since(), [])
    await writer.query(`SELECT latchkey_save('{${record.sid}}', '{3}', '{1}', '{1}', '{1}', '{x}', 'as set')`)
    assert.deepEqual(await since(), [record.sid])
    writer.release()
    await store.close()
  })

  test('whoever begins to follow while others write misses nothing that ends after it', async () => {
    const [store, writer] = [open(), open()]
    const record = sampleRecord()
    await writer.create(record, { now })
    for (let round = 0; round < 30; round += 1) {
      let beganAt = Number.POSITIVE_INFINITY
      let isOver = false
      /** Of each acknowledged save: whether it was asked for after the following had begun. */
      const after: boolean[] = []
      let version = (await writer.read(record.sid))?.version ?? 0
      const writing = (async () => {
        while (!isOver) {
          const askedAt = performance.now()
          version += 1
          await writer.save({ ...record, version }, { durable: false })
          after.push(askedAt > beganAt)
        }
      })()
      const { following, since } = await listen(store)
      beganAt = performance.now()
      for (let i = 0; i < 3; i += 1) await following.confirm()
      isOver = true
      await writing
      const told = (await since()).length
      assert.ok(told >= after.filter(Boolean).length, `${told} told`)
      await following.stop()
    }
    await Promise.all([store.close(), writer.close()])
  })

  test('a follower whose connection is cut is told once, its row is swept, and it can follow again', async () => {
    const store = open()
    const { following, lost } = await listen(store)
    await server.sql(`SELECT pg_terminate_backend(pid) FROM latchkey_followers`)
    await assert.rejects(following.confirm())
    await following.stop()
    assert.equal(lost.length, 1)
    assert.equal((await server.sql('SELECT * FROM latchkey_followers')).length, 1, 'nobody could delete it')
    await store.sweep(0, 1)
    assert.deepEqual(await server.sql('SELECT * FROM latchkey_followers'), [])
    const { following: again } = await listen(store)
    await store.sweep(0, 1)
    await again.confirm()
    await store.close()
  })

  test('who is no longer notified cannot confirm', async () => {
    const store = open()
    const { following, lost } = await listen(store)
    await server.sql('DELETE FROM latchkey_followers')
    await assert.rejects(following.confirm(), /deleted our row/)
    assert.equal(lost.length, 1)
    await store.close()
  })

  test('closing the store ends what it follows and gives the connection up', async () => {
    const pool = server.pool()
    const store = postgresStore(pool)
    await listen(store)
    await store.close()
    assert.deepEqual(await server.sql('SELECT * FROM latchkey_followers'), [])
    assert.equal(pool.totalCount - pool.idleCount, 0)
  })

  test('a pool of one connection is refused: following would take it', async () => {
    const store = open({ max: 1 })
    await assert.rejects(
      store.follow(
        () => {},
        () => {},
      ),
      /max of 2 or more/,
    )
    await store.close()
  })
})

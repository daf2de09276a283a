import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { nearCache } from 'latchkey/stores/near-cache'
import { migratePostgres, postgresStore } from 'latchkey/stores/postgres'
import { sampleMark, sampleRecord } from 'latchkey/testing'
import { describeWithPostgres } from '../../servers/postgres.ts'

const { createdAt: now } = sampleRecord()
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index)

describeWithPostgres('postgres store: several nodes', server => {
  before(async () => {
    await migratePostgres(server.pool())
  })

  test('of sweepers that run at once none waits for another, and each record is removed by one', async () => {
    const stores = numbers(4).map(() => postgresStore(server.pool()))
    const records = numbers(400).map(i => sampleRecord({ userId: `user ${i}`, expiresAt: now + i }))
    await Promise.all(records.map((record, i) => stores[i % 4]?.create(record, { now })))
    const kept = sampleRecord({ expiresAt: now + 1_000 })
    await stores[0]?.create(kept, { now })
    // One that somebody is writing is left for the next time.
    const writer = await server.pool().connect()
    await writer.query(`BEGIN; SELECT FROM latchkey_records WHERE sid = '${records[0]?.sid}' FOR UPDATE`)
    const sweepAll = async () => (await Promise.all(stores.map(store => store.sweep(now + 400, 30)))).flat()
    const removed = []
    for (let swept = await sweepAll(); swept.length > 0; swept = await sweepAll()) removed.push(...swept)
    assert.deepEqual(
      removed.map(({ sid }) => sid).sort(),
      records
        .slice(1)
        .map(({ sid }) => sid)
        .sort(),
    )
    await writer.query('COMMIT')
    writer.release()
    assert.deepEqual(await sweepAll(), records.slice(0, 1))
    assert.deepEqual(await stores[0]?.read(kept.sid), kept)
    for (const store of stores) await store.close()
  })

  test('behind a near cache a session that another node ended answers nowhere 100 ms later', async () => {
    const [mine, other] = [nearCache(postgresStore(server.pool())), nearCache(postgresStore(server.pool()))]
    for (const round of numbers(10)) {
      const record = sampleRecord({ userId: `cached ${round}` })
      await other.create(record, { now })
      for (let reads = 0; mine.read(record.sid) instanceof Promise; reads += 1) {
        assert.ok(reads < 500, 'it is never served from memory')
        await new Promise(resume => setTimeout(resume, 5))
      }
      if (round % 2 === 0) await other.end(record.sid, sampleMark())
      else await other.endUser(`cached ${round}`, sampleMark())
      await new Promise(resume => setTimeout(resume, 100))
      assert.equal((await mine.read(record.sid))?.ended?.reason, 'signed-out')
    }
    await Promise.all([mine.close(), other.close()])
  })
})

import assert from 'node:assert/strict'
import { describe } from 'node:test'
import type { SessionStore } from '../../session/store.ts'
import { sampleMark, sampleRecord } from '../sample-record.ts'
import { type Check, next, put, tally, tombstone } from './check.ts'

const fifty = Array.from({ length: 50 }, (_, i) => i)

/** Calls that run at the same time. Each race runs in several orders, because which one a store loses is its secret. */
export function races(check: Check): void {
  describe('races', () => {
    check('create collision: of 50 creates of one sid one wins', async store => {
      const record = sampleRecord()
      const results = await Promise.all(
        fifty.map(i => store.create({ ...record, body: `body ${i}` }, { now: record.createdAt })),
      )
      assert.deepEqual(tally(results.map(result => result.outcome)), { created: 1, exists: 49 })
      const winner = results.findIndex(result => result.outcome === 'created')
      assert.equal((await store.read(record.sid))?.body, `body ${winner}`)
      assert.equal((await store.list('alice')).length, 1)
    })

    check('two saves: one is saved, the other is a conflict', async store => {
      for (const durable of [true, false]) {
        const record = await put(store)
        const answers = await Promise.all([
          store.save(next(record, { body: 'left' }), { durable }),
          store.save(next(record, { body: 'right' }), { durable: !durable }),
        ])
        assert.deepEqual(tally(answers), { saved: 1, conflict: 1 })
        const expected = next(record, { body: answers[0] === 'saved' ? 'left' : 'right' })
        assert.deepEqual(await store.read(record.sid), expected)
      }
    })

    check('50 saves of one version: one is saved', async store => {
      const record = await put(store)
      const answers = await Promise.all(
        fifty.map(i => store.save(next(record, { body: `body ${i}` }), { durable: false })),
      )
      assert.deepEqual(tally(answers), { saved: 1, conflict: 49 })
      assert.equal((await store.read(record.sid))?.body, `body ${answers.indexOf('saved')}`)
    })

    check('lost update: 8 writers with 25 increments each count to 200', async store => {
      const { sid } = await put(store, { body: '0' })
      await Promise.all(fifty.slice(0, 8).map(() => incrementTimes(store, sid, 25)))
      const record = await store.read(sid)
      assert.deepEqual([record?.body, record?.version], ['200', 201])
    })

    check('50 ends of one record: one caller gets the record, 49 get null', async store => {
      const record = await put(store)
      const marks = fifty.map(i => sampleMark({ at: record.createdAt + i }))
      const answers = await Promise.all(marks.map(mark => store.end(record.sid, mark)))
      const winner = answers.findIndex(answer => answer !== null)
      assert.deepEqual(
        answers.filter(answer => answer !== null),
        [record],
      )
      assert.deepEqual(await store.read(record.sid), tombstone(record, marks[winner] ?? sampleMark()))
    })

    check('end, endUser and endEverybody at once: each record is told to one caller', async store => {
      for (const round of fifty.slice(0, 6)) {
        const records = await Promise.all(fifty.slice(0, 10).map(() => put(store)))
        const calls = [
          () =>
            Promise.all(records.map(({ sid }) => store.end(sid, sampleMark()))).then(
              ended => ended.filter(record => record !== null).length,
            ),
          () => store.endUser('alice', sampleMark({ reason: 'revoked' })).then(ended => ended.length),
          () => store.endEverybody(sampleMark({ reason: 'revoked' })),
        ]
        const counts = await Promise.all(rotated(calls, round).map(call => call()))
        assert.equal(
          counts.reduce((sum, count) => sum + count),
          records.length,
          `they told of ${counts}`,
        )
        assert.deepEqual(await store.list('alice'), [])
      }
    })

    check('delete during save: the session is over, whoever was first', async store => {
      for (const round of fifty) {
        const record = await put(store)
        const calls = [
          () => store.save(next(record, { body: 'late' }), { durable: round % 2 === 0 }),
          () => store.end(record.sid, sampleMark()).then(ended => (ended ? 'ended' : 'missed')),
          () => store.touch(record.sid, record.lastSeenAt + 5, record.expiresAt + 5).then(() => 'touched'),
        ]
        const answers = await Promise.all(rotated(calls, round).map(call => call()))
        assert.ok(answers.includes('ended') && answers.includes('touched'), 'one of them ended it')
        assert.ok(
          answers.includes('saved') || answers.includes('gone'),
          `a save into an end is saved or gone: ${answers}`,
        )
        const left = await store.read(record.sid)
        assert.deepEqual([left?.ended, left?.body, left?.expiresAt], [sampleMark(), '', sampleMark().keepUntil])
      }
      assert.deepEqual(await store.list('alice'), [])
    })

    check('end-all-of-a-user during create: none that carries the old generation survives', async store => {
      for (const round of fifty.slice(0, 20)) {
        const userId = `user ${round}`
        const generation = await store.generation(userId)
        const records = fifty.slice(0, 20).map(() => sampleRecord({ userId }))
        const creates = records.map(record => () => store.create(record, { now: record.createdAt, generation }))
        const calls: (() => Promise<unknown>)[] = [...creates]
        calls.splice(round, 0, () => store.endUser(userId, sampleMark()))
        await Promise.all(calls.map(call => call()))
        assert.deepEqual(await store.list(userId), [], `endUser was call ${round} of ${calls.length}`)
        for (const { sid } of records) assert.notEqual((await store.read(sid))?.ended, null, 'ended or never there')
      }
    })

    check('endEverybody during create: none that carries the old generation survives', async store => {
      for (const round of [0, 3, 7, 10]) {
        const generation = await store.generation('alice')
        const calls: (() => Promise<unknown>)[] = fifty
          .slice(0, 10)
          .map(() => () => store.create(sampleRecord(), { now: sampleRecord().createdAt, generation }))
        calls.splice(round, 0, () => store.endEverybody(sampleMark()))
        await Promise.all(calls.map(call => call()))
        assert.deepEqual(await store.list('alice'), [])
      }
    })

    for (const evict of ['refuse', sampleMark({ reason: 'evicted' })] as const) {
      check(
        `20 sign-ins at once with a limit of 3 leave 3 (${evict === 'refuse' ? 'refuse' : 'evict'})`,
        async store => {
          const records = fifty.slice(0, 20).map(i => sampleRecord({ createdAt: sampleRecord().createdAt + i }))
          const now = sampleRecord().createdAt
          const results = await Promise.all(
            records.map(record => store.create(record, { now, limit: { max: 3, evict } })),
          )
          assert.equal((await store.list('alice')).length, 3)
          const evicted = results.flatMap(result => (result.outcome === 'created' ? result.evicted : []))
          assert.equal(evicted.length, evict === 'refuse' ? 0 : 17, 'each evicted record is told to one caller')
          assert.equal(new Set(evicted.map(record => record.sid)).size, evicted.length)
        },
      )
    }
  })
}

/** Read-modify-write until it took, as the engine does. */
async function incrementTimes(store: SessionStore, sid: string, times: number): Promise<void> {
  for (let done = 0; done < times; ) {
    const record = await store.read(sid)
    assert.ok(record)
    const answer = await store.save(next(record, { body: String(Number(record.body) + 1) }), { durable: false })
    if (answer === 'saved') done += 1
  }
}

function rotated<T>(items: readonly T[], by: number): T[] {
  const start = by % items.length
  return [...items.slice(start), ...items.slice(0, start)]
}

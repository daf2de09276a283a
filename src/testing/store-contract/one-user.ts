import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { sampleMark, sampleRecord } from '../sample-record.ts'
import { type Check, next, put, sids, tombstone } from './check.ts'

/** What concerns all records of a user at once: the limit, ending them, the generation, the list. */
export function oneUser(check: Check): void {
  const { createdAt: now } = sampleRecord()
  const evict = sampleMark({ reason: 'evicted' })

  describe('create with a limit', () => {
    check('refuse: the one too many is not written', async store => {
      const limit = { max: 2, evict: 'refuse' } as const
      const [first, second, third] = [sampleRecord(), sampleRecord(), sampleRecord()]
      assert.equal((await store.create(first, { now, limit })).outcome, 'created')
      assert.equal((await store.create(second, { now, limit })).outcome, 'created')
      assert.deepEqual(await store.create(third, { now, limit }), { outcome: 'limit' })
      assert.equal(await store.read(third.sid), null)
      assert.deepEqual(sids(await store.list('alice')), sids([first, second]))
    })

    check('evict: the records with the smallest createdAt end, whatever the order they came in', async store => {
      const young = await put(store, { createdAt: now - 1 })
      const oldest = await put(store, { createdAt: now - 3, lastSeenAt: now })
      const old = await put(store, { createdAt: now - 2 })
      const fresh = sampleRecord()
      const result = await store.create(fresh, { now, limit: { max: 2, evict } })
      assert.equal(result.outcome, 'created')
      assert.deepEqual(
        result.outcome === 'created' && sids(result.evicted),
        sids([oldest, old]),
        'until max - 1 are left',
      )
      assert.ok(
        result.outcome === 'created' &&
          result.evicted.every(record => record.ended === null && record.body === 'opaque'),
      )
      assert.deepEqual(await store.read(oldest.sid), tombstone(oldest, evict))
      assert.deepEqual(await store.read(old.sid), tombstone(old, evict))
      assert.deepEqual(await store.list('alice'), [fresh, young])
    })

    check('evict with a limit of one leaves only the new record', async store => {
      const before = await put(store)
      const fresh = sampleRecord()
      assert.deepEqual(await store.create(fresh, { now, limit: { max: 1, evict } }), {
        outcome: 'created',
        evicted: [before],
      })
      assert.deepEqual(await store.list('alice'), [fresh])
    })

    check('the record `except` is neither counted nor evicted, however old', async store => {
      const replaced = await put(store, { createdAt: now - 2000 })
      const other = await put(store, { createdAt: now - 1000 })
      const limit = { max: 1, evict, except: replaced.sid }
      const fresh = sampleRecord()
      assert.deepEqual(await store.create(fresh, { now, limit }), { outcome: 'created', evicted: [other] })
      assert.deepEqual(await store.list('alice'), [fresh, replaced])
      const refuse = { max: 2, evict: 'refuse', except: fresh.sid } as const
      assert.equal((await store.create(sampleRecord(), { now, limit: refuse })).outcome, 'created')
    })

    check('ended records, expired records, other users and anonymous records do not count', async store => {
      const ended = await put(store)
      await store.end(ended.sid, sampleMark())
      await put(store, { expiresAt: now + 30_000 })
      const expired = await put(store, { expiresAt: now + 60_000 })
      await put(store, { userId: 'bob' })
      await put(store, { userId: null })
      const limit = { max: 1, evict: 'refuse' } as const
      const tooMany = await store.create(sampleRecord(), { now: now + 59_999, limit })
      assert.deepEqual(tooMany, { outcome: 'limit' }, 'one millisecond before it expires it counts')
      const result = await store.create(sampleRecord(), { now: now + 60_000, limit })
      assert.deepEqual(result, { outcome: 'created', evicted: [] }, 'expiresAt itself is too late')
      assert.equal((await store.read(expired.sid))?.ended ?? null, null, 'nor is an expired one evicted')
    })
  })

  describe('create with a generation', () => {
    const old = 'carrying a generation from before'
    check('the current generation creates, and reading it changes nothing', async store => {
      const generation = await store.generation('alice')
      assert.equal(await store.generation('alice'), generation)
      assert.equal((await store.create(sampleRecord(), { now, generation })).outcome, 'created')
      assert.equal((await store.create(sampleRecord(), { now, generation })).outcome, 'created')
    })

    check(`${old} endUser it is overtaken and nothing is written, nothing evicted`, async store => {
      const generation = await store.generation('alice')
      await store.endUser('alice', sampleMark())
      const kept = await put(store)
      const late = sampleRecord()
      assert.deepEqual(await store.create(late, { now, generation, limit: { max: 1, evict } }), {
        outcome: 'overtaken',
      })
      assert.equal(await store.read(late.sid), null)
      assert.deepEqual(await store.list('alice'), [kept])
    })

    check(`${old} endEverybody it is overtaken, also for a user never seen`, async store => {
      const generations = [await store.generation('alice'), await store.generation('nobody yet')]
      await store.endEverybody(sampleMark())
      for (const [i, userId] of ['alice', 'nobody yet'].entries()) {
        const generation = generations[i] ?? Number.NaN
        assert.deepEqual(await store.create(sampleRecord({ userId }), { now, generation }), { outcome: 'overtaken' })
      }
    })

    check('a taken sid is told first, and without a generation nothing is overtaken', async store => {
      const generation = await store.generation('alice')
      await store.endUser('alice', sampleMark())
      const record = await put(store)
      assert.deepEqual(await store.create(record, { now, generation }), { outcome: 'exists' })
    })
  })

  describe('endUser', () => {
    check('ends every live record of the user, expired ones too, and of nobody else', async store => {
      const mine = [
        await put(store),
        await put(store),
        await put(store, { createdAt: now - 10, expiresAt: now + 60_000 }),
      ]
      const others = [await put(store, { userId: 'bob' }), await put(store, { userId: null })]
      assert.deepEqual(sids(await store.endUser('alice', sampleMark())), sids(mine))
      for (const record of mine) assert.deepEqual(await store.read(record.sid), tombstone(record, sampleMark()))
      for (const record of others) assert.deepEqual(await store.read(record.sid), record)
      assert.deepEqual(await store.list('alice'), [])
      assert.deepEqual(await store.list('bob'), others.slice(0, 1))
    })

    check('answers with the records as they were, and passes over those that had ended', async store => {
      const ended = await put(store)
      await store.end(ended.sid, sampleMark())
      const live = await put(store)
      assert.deepEqual(await store.endUser('alice', sampleMark({ reason: 'revoked' })), [live])
      assert.deepEqual(await store.read(ended.sid), tombstone(ended, sampleMark()))
      assert.deepEqual(await store.endUser('alice', sampleMark()), [])
    })

    check('spares the one record named by except', async store => {
      const [spared, first, second] = [await put(store), await put(store), await put(store)]
      assert.deepEqual(sids(await store.endUser('alice', sampleMark(), spared.sid)), sids([first, second]))
      assert.deepEqual(await store.list('alice'), [spared])
      assert.equal(await store.save(next(spared), { durable: true }), 'saved')
    })

    check('spares nothing when except is unknown or belongs to somebody else', async store => {
      const bobs = await put(store, { userId: 'bob' })
      for (const except of [bobs.sid, sampleRecord().sid]) {
        const mine = await put(store)
        assert.deepEqual(await store.endUser('alice', sampleMark(), except), [mine])
        assert.equal((await store.read(mine.sid))?.ended?.reason, 'signed-out')
      }
      assert.deepEqual(await store.read(bobs.sid), bobs)
    })
  })

  describe('endEverybody', () => {
    check('ends every live record, anonymous ones too, and counts them', async store => {
      const live = [await put(store), await put(store, { userId: 'bob' }), await put(store, { userId: null })]
      const ended = await put(store)
      await store.end(ended.sid, sampleMark())
      assert.equal(await store.endEverybody(sampleMark({ reason: 'revoked' })), 3)
      for (const record of live) {
        assert.deepEqual(await store.read(record.sid), tombstone(record, sampleMark({ reason: 'revoked' })))
      }
      assert.deepEqual(await store.read(ended.sid), tombstone(ended, sampleMark()))
      assert.deepEqual([...(await store.list('alice')), ...(await store.list('bob'))], [])
      assert.equal(await store.endEverybody(sampleMark()), 0)
    })
  })

  describe('generation', () => {
    check('changes with every endUser and endEverybody to a number it never was', async store => {
      const seen = [await store.generation('alice')]
      const steps = [
        () => store.endUser('alice', sampleMark()),
        () => store.endEverybody(sampleMark()),
        () => store.endUser('alice', sampleMark(), sampleRecord().sid),
        () => store.endUser('alice', sampleMark()),
        () => store.endEverybody(sampleMark()),
      ]
      for (const step of steps) {
        await step()
        seen.push(await store.generation('alice'))
      }
      assert.equal(new Set(seen).size, seen.length, `it was ${seen.join(', ')}`)
    })

    check('stays through everything that ends one session or belongs to another user', async store => {
      const generation = await store.generation('alice')
      const record = await put(store)
      await store.save(next(record), { durable: false })
      await store.touch(record.sid, now + 1, now + 1)
      await store.end(record.sid, sampleMark())
      await put(store, { userId: 'bob' })
      await store.endUser('bob', sampleMark())
      assert.equal(await store.generation('alice'), generation)
    })
  })

  describe('list', () => {
    check('holds the live records of one user, newest createdAt first, whole', async store => {
      const second = await put(store, { createdAt: now - 2 })
      const first = await put(store, { createdAt: now - 1, body: 'é\n"' })
      const third = await put(store, { createdAt: now - 3 })
      const ended = await put(store)
      await store.end(ended.sid, sampleMark())
      await put(store, { userId: 'bob' })
      await put(store, { userId: null })
      assert.deepEqual(await store.list('alice'), [first, second, third])
      assert.deepEqual(await store.list('carol'), [])
    })

    check('follows saves and touches', async store => {
      const record = await put(store)
      const saved = next(record, { body: 'saved' })
      await store.save(saved, { durable: false })
      await store.touch(record.sid, now + 7, record.expiresAt + 7)
      assert.deepEqual(await store.list('alice'), [{ ...saved, lastSeenAt: now + 7, expiresAt: record.expiresAt + 7 }])
    })
  })
}

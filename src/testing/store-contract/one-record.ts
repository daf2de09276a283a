import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { sampleMark, sampleRecord } from '../sample-record.ts'
import { type Check, next, put, sids, tombstone } from './check.ts'

/** The life of one record: read, create, save, touch, end. */
export function oneRecord(check: Check): void {
  describe('read', () => {
    check('an unknown sid is null', async store => {
      assert.equal(await store.read(sampleRecord().sid), null)
    })

    check('a record comes back as it was created, anonymous or not', async store => {
      for (const userId of ['alice', null]) {
        const record = await put(store, { userId, version: 1, lastSeenAt: sampleRecord().createdAt + 5 })
        assert.deepEqual(await store.read(record.sid), record)
        assert.deepEqual(await store.read(record.sid), record, 'a second time')
      }
    })
  })

  describe('create', () => {
    check('a sid that is taken by a live record is refused and the record stays', async store => {
      const record = await put(store)
      const intruder = sampleRecord({ sid: record.sid, userId: 'mallory', body: 'other' })
      assert.deepEqual(await store.create(intruder, { now: record.createdAt }), { outcome: 'exists' })
      assert.deepEqual(await store.read(record.sid), record)
      assert.deepEqual(await store.list('mallory'), [])
    })

    check('a sid that is taken by an ended record is refused and the record stays ended', async store => {
      const record = await put(store)
      await store.end(record.sid, sampleMark())
      assert.deepEqual(await store.create(record, { now: record.createdAt }), { outcome: 'exists' })
      assert.deepEqual(await store.read(record.sid), tombstone(record, sampleMark()))
      assert.deepEqual(await store.list('alice'), [])
    })
  })

  describe('save', () => {
    for (const durable of [true, false]) {
      check(`replaces the record at the version that was read (durable: ${durable})`, async store => {
        const record = await put(store)
        const { createdAt } = record
        const second = next(record, { body: 'second', lastSeenAt: createdAt + 10, expiresAt: createdAt + 20 })
        assert.equal(await store.save(second, { durable }), 'saved')
        assert.deepEqual(await store.read(record.sid), second)
        const third = next(second, { body: 'third', lastSeenAt: createdAt + 5, expiresAt: createdAt + 15 })
        assert.equal(await store.save(third, { durable }), 'saved', 'earlier times are replaced too')
        assert.deepEqual(await store.read(record.sid), third)
      })
    }

    for (const version of [1, 2, 3, 5]) {
      check(`is a conflict for version ${version} while 3 is stored, and writes nothing`, async store => {
        const first = await put(store)
        const third = next(next(first), { body: 'third' })
        assert.equal(await store.save(next(first), { durable: false }), 'saved')
        assert.equal(await store.save(third, { durable: false }), 'saved')
        assert.equal(await store.save({ ...third, version, body: 'late' }, { durable: false }), 'conflict')
        assert.deepEqual(await store.read(first.sid), third)
      })
    }

    check('of a record that is not there is gone, and creates nothing', async store => {
      const record = sampleRecord()
      assert.equal(await store.save(next(record), { durable: false }), 'gone')
      assert.equal(await store.read(record.sid), null)
      assert.deepEqual(await store.list('alice'), [])
    })

    check('after the end is gone at every version: a late write never resurrects', async store => {
      const record = await put(store)
      await store.end(record.sid, sampleMark())
      for (const version of [1, 2, 3, 4]) {
        assert.equal(await store.save({ ...record, version }, { durable: true }), 'gone')
      }
      assert.deepEqual(await store.read(record.sid), tombstone(record, sampleMark()))
      assert.deepEqual(await store.list('alice'), [])
    })

    check('never moves a record to another user', async store => {
      const record = await put(store)
      await store.save(next(record, { userId: 'mallory' }), { durable: false }).catch(() => 'refused')
      assert.equal((await store.read(record.sid))?.userId, 'alice')
      assert.deepEqual(sids(await store.list('alice')), [record.sid])
      assert.deepEqual(await store.list('mallory'), [])
    })
  })

  describe('touch', () => {
    check('moves lastSeenAt and expiresAt forward without a new version', async store => {
      const record = await put(store)
      const later = { lastSeenAt: record.lastSeenAt + 60, expiresAt: record.expiresAt + 60 }
      await store.touch(record.sid, later.lastSeenAt, later.expiresAt)
      assert.deepEqual(await store.read(record.sid), { ...record, ...later })
      assert.deepEqual(await store.list('alice'), [{ ...record, ...later }])
      assert.equal(
        await store.save(next(record, later), { durable: false }),
        'saved',
        'no conflict for whoever read before',
      )
    })

    check('never moves either of them back', async store => {
      const record = await put(store)
      const { sid, lastSeenAt, expiresAt } = record
      await store.touch(sid, lastSeenAt - 1, expiresAt - 1)
      assert.deepEqual(await store.read(sid), record)
      await store.touch(sid, lastSeenAt + 5, expiresAt - 5)
      await store.touch(sid, lastSeenAt + 3, expiresAt + 3)
      assert.deepEqual(await store.read(sid), { ...record, lastSeenAt: lastSeenAt + 5, expiresAt: expiresAt + 3 })
    })

    check('never resurrects: nothing for an unknown sid, nothing for an ended record', async store => {
      const unknown = sampleRecord()
      await store.touch(unknown.sid, unknown.lastSeenAt + 1, unknown.expiresAt + 1)
      assert.equal(await store.read(unknown.sid), null)
      const record = await put(store)
      const mark = sampleMark({ keepUntil: record.expiresAt - 1 })
      await store.end(record.sid, mark)
      await store.touch(record.sid, record.lastSeenAt + 99, record.expiresAt + 99)
      assert.deepEqual(await store.read(record.sid), tombstone(record, mark))
      assert.deepEqual(await store.list('alice'), [])
    })
  })

  describe('end', () => {
    const marks = [sampleMark(), sampleMark({ reason: 'superseded', successor: sampleRecord().sid })]
    for (const mark of marks) {
      check(`${mark.reason}: wipes the body, keeps a tombstone, answers with the record as it was`, async store => {
        for (const userId of ['alice', null]) {
          const record = await put(store, { userId })
          assert.deepEqual(await store.end(record.sid, mark), record)
          assert.deepEqual(await store.read(record.sid), tombstone(record, mark))
          assert.deepEqual(await store.list('alice'), [])
        }
      })
    }

    check('happens once: the second caller gets null and changes nothing', async store => {
      const record = await put(store)
      await store.end(record.sid, sampleMark())
      assert.equal(await store.end(record.sid, sampleMark({ reason: 'revoked', keepUntil: 1 })), null)
      assert.deepEqual(await store.read(record.sid), tombstone(record, sampleMark()))
    })

    check('of an unknown sid is null and leaves no tombstone', async store => {
      const { sid } = sampleRecord()
      assert.equal(await store.end(sid, sampleMark()), null)
      assert.equal(await store.read(sid), null)
    })

    check('ends an expired record too, and no other', async store => {
      const { createdAt } = sampleRecord()
      const expired = await put(store, { createdAt: createdAt - 10, expiresAt: createdAt + 60_000 })
      const other = await put(store)
      assert.deepEqual(await store.end(expired.sid, sampleMark()), expired)
      assert.deepEqual(await store.list('alice'), [other])
    })
  })
}

import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { type FactorCheck, next, put, sampleFactor } from './check.ts'

/** What holds for records when nobody else is there. */
export function records(check: FactorCheck): void {
  describe('records', () => {
    check('a factor comes back as it was created, alone and in the list', async store => {
      for (const kind of ['totp', 'passkey', 'recovery'] as const) {
        const record = await put(store, { kind, userId: kind, lastUsedAt: kind === 'totp' ? null : 5 })
        assert.deepEqual(await store.find(record.id), record)
        assert.deepEqual(await store.list(kind), [record])
      }
    })

    check('what is not there is null, an empty list, and not removed', async store => {
      await put(store)
      assert.equal(await store.find(sampleFactor().id), null)
      assert.deepEqual(await store.list('bob'), [])
      assert.equal(await store.remove(sampleFactor().id), false)
      assert.equal(await store.removeUser('bob'), 0)
      assert.equal((await store.list('alice')).length, 1)
    })

    check('an id that exists is not created again, whoever asks, and the first one stays', async store => {
      const record = await put(store)
      for (const other of [record, { ...record, userId: 'mallory', body: 'mine' }, { ...record, version: 7 }])
        assert.equal(await store.create(other), 'exists')
      assert.deepEqual(await store.find(record.id), record)
      assert.deepEqual(await store.list('mallory'), [])
    })

    check('a list is the oldest first; those of the same millisecond by id', async store => {
      const { createdAt } = sampleFactor()
      const ids = ['b', 'B', 'a', '_', '-', '9', 'aa']
      const young = await put(store, { createdAt: createdAt + 1, id: '0' })
      for (const id of ids) await put(store, { id, createdAt })
      const old = await put(store, { createdAt: createdAt - 1, id: 'z' })
      const listed = (await store.list('alice')).map(({ id }) => id)
      assert.deepEqual(listed, [old.id, ...ids.toSorted(), young.id])
    })

    check('save replaces label, use and body of exactly the version before', async store => {
      const record = await put(store)
      const second = next(record, { label: 'Old phone', lastUsedAt: 5, body: 'other' })
      assert.equal(await store.save(second), 'saved')
      assert.deepEqual(await store.find(record.id), second)
      const third = next(second, { lastUsedAt: null })
      assert.equal(await store.save(third), 'saved')
      assert.deepEqual(await store.list('alice'), [third])
    })

    check('any other version is a conflict and changes nothing', async store => {
      const record = await put(store)
      const stored = next(record)
      assert.equal(await store.save(stored), 'saved')
      for (const version of [-1, 0, 1, 2, 4, 100])
        assert.equal(await store.save({ ...record, version, body: 'wrong' }), 'conflict', `version ${version}`)
      assert.deepEqual(await store.find(record.id), stored)
    })

    check('save never changes whose a factor is, its kind, or when it was created', async store => {
      const record = await put(store)
      const forged = next(record, { userId: 'mallory', kind: 'recovery', createdAt: 1, body: 'other' })
      await store.save(forged).catch(() => {})
      const { userId, kind, createdAt } = (await store.find(record.id)) ?? sampleFactor({ userId: 'nobody' })
      assert.deepEqual({ userId, kind, createdAt }, { userId: 'alice', kind: 'totp', createdAt: record.createdAt })
      assert.deepEqual(await store.list('mallory'), [])
    })

    check('a factor that was removed is gone: it is not saved, not removed again, and may be created', async store => {
      const record = await put(store)
      const other = await put(store)
      assert.equal(await store.remove(record.id), true)
      assert.equal(await store.remove(record.id), false)
      assert.equal(await store.save(next(record)), 'gone')
      assert.equal(await store.find(record.id), null)
      assert.deepEqual(await store.list('alice'), [other])
      assert.equal(await store.create(record), 'created')
    })

    check('removeUser removes all factors of this user and of nobody else', async store => {
      for (let i = 0; i < 7; i += 1) await put(store)
      const [lower, prefix] = [await put(store, { userId: 'ALICE' }), await put(store, { userId: 'alice2' })]
      assert.equal(await store.removeUser('alice'), 7)
      assert.deepEqual(await store.list('alice'), [])
      assert.deepEqual([...(await store.list('ALICE')), ...(await store.list('alice2'))], [lower, prefix])
      assert.equal(await store.removeUser('alice'), 0)
    })

    check('the longest of everything fits', async store => {
      const long = { id: 'x'.repeat(64), userId: '😀'.repeat(128), label: '😀'.repeat(32), body: '😀'.repeat(4_096) }
      const record = await put(store, long)
      assert.deepEqual(await store.find(record.id), record)
      assert.deepEqual(await store.list(record.userId), [record])
    })
  })
}

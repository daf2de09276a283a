import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { type FactorCheck, put, sampleFailures } from './check.ts'

/** What holds for failure counts when nobody else is there. */
export function counts(check: FactorCheck): void {
  describe('failure counts', () => {
    check('a count comes back as it was written, under its key only', async store => {
      const first = sampleFailures()
      assert.equal(await store.failures('alice'), null)
      assert.equal(await store.saveFailures(first), 'saved')
      assert.deepEqual(await store.failures('alice'), first)
      for (const key of ['Alice', 'alice ', 'alic', 'alice2', ''])
        assert.equal(await store.failures(key), null, JSON.stringify(key))
    })

    check('it changes from exactly the version before', async store => {
      const first = sampleFailures()
      const second = { ...first, version: 2, failures: 9, failedAt: first.failedAt + 5 }
      assert.equal(await store.saveFailures(second), 'conflict', 'there is no first one')
      assert.equal(await store.failures('alice'), null)
      assert.equal(await store.saveFailures(first), 'saved')
      assert.equal(await store.saveFailures(first), 'conflict', 'there is a first one')
      assert.equal(await store.saveFailures({ ...second, version: 3 }), 'conflict')
      assert.deepEqual(await store.failures('alice'), first)
      assert.equal(await store.saveFailures(second), 'saved')
      assert.equal(await store.saveFailures(second), 'conflict')
      assert.deepEqual(await store.failures('alice'), second)
    })

    check('clearing removes the counts under these keys, whatever their version, and begins anew', async store => {
      for (const key of ['a', 'b', 'c']) await store.saveFailures(sampleFailures({ key }))
      await store.saveFailures(sampleFailures({ key: 'b', version: 2 }))
      await store.clearFailures(['a', 'b', 'never there'])
      await store.clearFailures([])
      assert.deepEqual([await store.failures('a'), await store.failures('b')], [null, null])
      assert.deepEqual(await store.failures('c'), sampleFailures({ key: 'c' }))
      assert.equal(await store.saveFailures(sampleFailures({ key: 'b', version: 3 })), 'conflict')
      assert.equal(await store.saveFailures(sampleFailures({ key: 'b' })), 'saved')
    })

    check('forgetting removes old counts, at most so many, and tells how many', async store => {
      for (let i = 0; i < 10; i += 1) await store.saveFailures(sampleFailures({ key: `k${i}`, failedAt: 1_000 + i }))
      assert.equal(await store.forgetFailures(1_000, 100), 0, 'before means before')
      assert.equal(await store.forgetFailures(1_006, 4), 4)
      assert.equal(await store.forgetFailures(1_006, 4), 2)
      assert.equal(await store.forgetFailures(1_006, 4), 0)
      const left = await Promise.all(Array.from({ length: 10 }, (_, i) => store.failures(`k${i}`)))
      assert.deepEqual(
        left.map(count => count !== null),
        [false, false, false, false, false, false, true, true, true, true],
      )
    })

    check('counts and factors do not touch each other', async store => {
      const record = await put(store, { id: 'alice' })
      await store.saveFailures(sampleFailures())
      await store.clearFailures(['alice'])
      assert.deepEqual(await store.find('alice'), record)
      await store.saveFailures(sampleFailures())
      assert.equal(await store.removeUser('alice'), 1)
      assert.deepEqual(await store.failures('alice'), sampleFailures())
    })
  })
}

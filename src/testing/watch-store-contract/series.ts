import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { fifty, type WatchCheck } from './check.ts'

/** What holds for numbers over time. */
export function series(check: WatchCheck): void {
  describe('series', () => {
    const point = (name: string, minute: number, value: number) => ({ name, minute, value })

    check('numbers add up, each under its name and minute, also in one call', async store => {
      await store.add([point('b', 10, 1), point('a', 11, 2), point('b', 10, 3)])
      await store.add([point('a', 11, 0.5), point('a', 10, 7)])
      await store.add([])
      assert.deepEqual(await store.points(['b', 'a', 'b', 'nothing'], 0, 100), [
        point('a', 10, 7),
        point('a', 11, 2.5),
        point('b', 10, 4),
      ])
      assert.deepEqual(await store.points(['a'], 10, 11), [point('a', 10, 7)])
      assert.deepEqual(await store.points(['a'], 12, 99), [])
      assert.deepEqual(await store.points([], 0, 99), [])
    })

    check('a measured number replaces the one before, and the last of one call counts', async store => {
      await store.put([point('a', 1, 5), point('a', 1, 6), point('b', 1, 1)])
      await store.put([point('a', 2, 1), point('b', 1, 0)])
      assert.deepEqual(await store.points(['a', 'b'], 0, 9), [point('a', 1, 6), point('a', 2, 1), point('b', 1, 0)])
    })

    check('of 50 that add at once each one counts', async store => {
      const names = ['a', 'b', 'c']
      await Promise.all(fifty.map(i => store.add((i % 2 ? names : names.toReversed()).map(name => point(name, 1, 1)))))
      assert.deepEqual(
        await store.points(names, 0, 9),
        names.map(name => point(name, 1, 50)),
      )
    })

    check('forgetting removes minutes that are old, at most about so many, and tells how many', async store => {
      await store.add(fifty.map(minute => point(minute % 2 ? 'a' : 'b', minute, 1)))
      assert.equal(await store.forgetPoints(0, 100), 0)
      assert.equal(await store.forgetPoints(20, 15), 15)
      assert.equal(await store.forgetPoints(20, 15), 5)
      assert.equal(await store.forgetPoints(20, 15), 0)
      assert.equal((await store.points(['a', 'b'], 0, 100)).length, 30)
    })
  })
}

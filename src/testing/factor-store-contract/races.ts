import assert from 'node:assert/strict'
import { describe } from 'node:test'
import type { FactorStore } from '../../mfa/store.ts'
import { type FactorCheck, next, put, sampleFactor, sampleFailures, tally } from './check.ts'

const fifty = Array.from({ length: 50 }, (_, i) => i)

/** Calls that run at the same time: what makes a code work once. */
export function races(check: FactorCheck): void {
  describe('races', () => {
    check('of 50 creates of one id one wins', async store => {
      const record = sampleFactor()
      const answers = await Promise.all(fifty.map(i => store.create({ ...record, userId: `user ${i}` })))
      assert.deepEqual(tally(answers), { created: 1, exists: 49 })
      const owner = `user ${answers.indexOf('created')}`
      assert.equal((await store.find(record.id))?.userId, owner)
      assert.deepEqual(tally(await Promise.all(fifty.map(async i => (await store.list(`user ${i}`)).length))), {
        0: 49,
        1: 1,
      })
    })

    check('of 50 saves of one version one is saved', async store => {
      const record = await put(store)
      const answers = await Promise.all(fifty.map(i => store.save(next(record, { body: `body ${i}` }))))
      assert.deepEqual(tally(answers), { saved: 1, conflict: 49 })
      const stored = await store.find(record.id)
      assert.deepEqual([stored?.version, stored?.body], [2, `body ${answers.indexOf('saved')}`])
    })

    check('8 writers with 25 increments each count to 200', async store => {
      const { id } = await put(store, { body: '0' })
      await Promise.all(fifty.slice(0, 8).map(() => incrementTimes(store, id, 25)))
      const record = await store.find(id)
      assert.deepEqual([record?.body, record?.version], ['200', 201])
    })

    check('of 50 removals of one factor one finds it', async store => {
      const { id } = await put(store)
      assert.deepEqual(tally(await Promise.all(fifty.map(() => store.remove(id)))), { true: 1, false: 49 })
    })

    check('a save into a removal does not bring the factor back', async store => {
      for (const round of fifty) {
        const record = await put(store)
        const calls = [() => store.save(next(record)), () => store.remove(record.id)]
        const answers = await Promise.all((round % 2 ? calls : calls.toReversed()).map(call => call()))
        assert.ok(answers.includes(true), 'it was removed')
        assert.equal(await store.find(record.id), null)
      }
    })

    check('of 50 first failures one is saved, and so of 50 second ones', async store => {
      for (const version of [1, 2]) {
        const answers = await Promise.all(
          fifty.map(i => store.saveFailures(sampleFailures({ version, failures: 100 + i }))),
        )
        assert.deepEqual(tally(answers), { saved: 1, conflict: 49 }, `version ${version}`)
        const stored = await store.failures('alice')
        assert.deepEqual([stored?.version, stored?.failures], [version, 100 + answers.indexOf('saved')])
      }
    })

    check(
      'failures that are counted while they are cleared are counted or cleared, and nothing breaks',
      async store => {
        for (const round of fifty.slice(0, 20)) {
          const keys = [`known ${round}`, `unknown ${round}`]
          const counting = keys.map(key => store.saveFailures(sampleFailures({ key })))
          const clearing = [store.clearFailures(keys), store.clearFailures(keys.toReversed())]
          await Promise.all([...counting, ...clearing, store.forgetFailures(0, 10)])
          for (const key of keys) assert.ok([null, 1].includes((await store.failures(key))?.version ?? null))
        }
      },
    )
  })
}

async function incrementTimes(store: FactorStore, id: string, times: number): Promise<void> {
  for (let done = 0; done < times; ) {
    const record = await store.find(id)
    assert.ok(record)
    if ((await store.save(next(record, { body: String(Number(record.body) + 1) }))) === 'saved') done += 1
  }
}

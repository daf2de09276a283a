import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { FactorStore } from '../mfa/store.ts'
import { type FactorCheck, next, put, sampleFactor, sampleFailures } from './factor-store-contract/check.ts'
import { counts } from './factor-store-contract/counts.ts'
import { hostile } from './factor-store-contract/hostile.ts'
import { races } from './factor-store-contract/races.ts'
import { records } from './factor-store-contract/records.ts'

export { sampleFactor, sampleFailures } from './factor-store-contract/check.ts'

/** What the suite has to know about a store besides how to open it. */
export interface FactorStoreContractOptions {
  /** Opens again what a closed store of `open` kept its factors in. Left out for a store that forgets everything. */
  readonly reopen?: (closed: FactorStore) => FactorStore | Promise<FactorStore>
}

/**
 * Registers the tests of `node:test` that a store of second factors must pass, sentence by sentence of the contract in
 * `FactorStore`: one store per test, opened by `open` (fresh and empty each time) and closed by the suite.
 *
 * ```ts
 * import { factorStoreContract } from 'latchkey/testing'
 * factorStoreContract('my store', () => myFactors(freshDirectory()), { reopen: closed => myFactors(directoryOf(closed)) })
 * ```
 */
export function factorStoreContract(
  name: string,
  open: () => FactorStore | Promise<FactorStore>,
  options: FactorStoreContractOptions = {},
): void {
  const check: FactorCheck = (sentence, run) => {
    test(sentence, async () => {
      const store = await open()
      try {
        await run(store)
      } finally {
        await store.close()
      }
    })
  }

  describe(`factor store contract: ${name}`, () => {
    records(check)
    counts(check)
    races(check)
    hostile(check)
    if (options.reopen) reopening(open, options.reopen)

    check('says who it is, answers a ping, and closes twice', async store => {
      assert.match(store.name, /^\S+$/)
      const record = await put(store)
      assert.equal(await store.ping(), undefined)
      assert.deepEqual(await store.find(record.id), record, 'a ping changes nothing')
      await store.close()
      await store.close()
    })
  })
}

function reopening(
  open: () => FactorStore | Promise<FactorStore>,
  reopen: Required<FactorStoreContractOptions>['reopen'],
): void {
  test('what was answered is there after the store was closed and opened again', async () => {
    const store = await open()
    const [kept, removed] = [await put(store), await put(store)]
    const used = next(kept, { lastUsedAt: 5, body: 'step 7' })
    assert.equal(await store.save(used), 'saved')
    assert.equal(await store.remove(removed.id), true)
    const count = sampleFailures({ failures: 50 })
    await store.saveFailures(count)
    await store.saveFailures(sampleFailures({ key: 'forgiven' }))
    await store.clearFailures(['forgiven'])
    await store.close()

    const again = await reopen(store)
    try {
      assert.deepEqual(await again.list('alice'), [used])
      assert.equal(await again.save(used), 'conflict', 'a code that was accepted stays used')
      assert.deepEqual([await again.failures('alice'), await again.failures('forgiven')], [count, null])
      assert.equal(await again.create(sampleFactor({ id: removed.id })), 'created')
    } finally {
      await again.close()
    }
  })
}

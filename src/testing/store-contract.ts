import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { SessionStore } from '../session/store.ts'
import type { Check } from './store-contract/check.ts'
import { put } from './store-contract/check.ts'
import { listing } from './store-contract/directory.ts'
import { hostile } from './store-contract/hostile.ts'
import { expiringByItself, reopening, sweeping } from './store-contract/lasting.ts'
import { oneRecord } from './store-contract/one-record.ts'
import { oneUser } from './store-contract/one-user.ts'
import { races } from './store-contract/races.ts'

export { sampleMark, sampleRecord } from './sample-record.ts'

/** What the suite has to know about a store besides how to open it. */
export interface StoreContractOptions {
  /**
   * Opens again what a closed store of `open` kept its records in. Required for a store that says `persistent: true`,
   * left out for others.
   */
  readonly reopen?: (closed: SessionStore) => SessionStore | Promise<SessionStore>
  /** Who removes expired records: the store's `sweep` (default), or its `server` by itself, as Redis does. */
  readonly expiry?: 'sweep' | 'server'
  /** Whether the store must have a `directory`. Default `false`: it is tested where there is one. */
  readonly directory?: boolean
}

/**
 * Registers the tests of `node:test` that a session store must pass, sentence by sentence of the contract in
 * `SessionStore`: one store per test, opened by `open` (fresh and empty each time) and closed by the suite.
 *
 * ```ts
 * import { storeContract } from 'latchkey/testing'
 * storeContract('my store', () => myStore(freshDirectory()), { reopen: closed => myStore(directoryOf(closed)) })
 * ```
 */
export function storeContract(
  name: string,
  open: () => SessionStore | Promise<SessionStore>,
  options: StoreContractOptions = {},
): void {
  const check: Check = (sentence, run) => {
    test(sentence, async () => {
      const store = await open()
      try {
        await run(store)
      } finally {
        await store.close()
      }
    })
  }

  describe(`store contract: ${name}`, () => {
    oneRecord(check)
    oneUser(check)
    races(check)
    hostile(check)
    if (options.expiry === 'server') expiringByItself(check)
    else sweeping(check)
    if (options.reopen) reopening(open, options.reopen)
    listing(check, options.directory === true)

    check('says who it is, answers a ping, and closes twice', async store => {
      assert.match(store.name, /^\S+$/)
      assert.equal(store.persistent, options.reopen !== undefined, 'a persistent store must be tested with `reopen`')
      await put(store)
      assert.equal(await store.ping(), undefined)
      await store.close()
      await store.close()
    })
  })
}

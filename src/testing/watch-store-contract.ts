import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { AuditEntry } from '../watch/entry.ts'
import type { WatchStore, Windows } from '../watch/store.ts'
import { alerts } from './watch-store-contract/alerts.ts'
import { sampleAlert, sampleChain, type WatchCheck, type WindowsCheck } from './watch-store-contract/check.ts'
import { damaged } from './watch-store-contract/damaged.ts'
import { hostile } from './watch-store-contract/hostile.ts'
import { pruning } from './watch-store-contract/pruning.ts'
import { queries } from './watch-store-contract/queries.ts'
import { series } from './watch-store-contract/series.ts'
import { trail } from './watch-store-contract/trail.ts'
import { windows } from './watch-store-contract/windows.ts'

export { sampleAlert, sampleEntry } from './watch-store-contract/check.ts'

/** What the suite has to know about a watch store besides how to open it. */
export interface WatchStoreContractOptions {
  /** Opens again what a closed store of `open` kept things in. Left out for a store that forgets everything. */
  readonly reopen?: (closed: WatchStore) => WatchStore | Promise<WatchStore>
  /**
   * Makes of an entry that is there what nobody can have written so, as somebody would who can write to the database. Left out for a
   * store to which nobody else can write.
   */
  readonly damage?: (store: WatchStore, entry: AuditEntry) => Promise<void>
}

/**
 * Registers the tests of `node:test` that a watch store must pass, sentence by sentence of the contract in `WatchStore`: one
 * store per test, opened by `open` (fresh and empty each time) and closed by the suite.
 *
 * ```ts
 * import { watchStoreContract } from 'latchkey/testing'
 * watchStoreContract('my store', () => myWatch(freshDirectory()), { reopen: closed => myWatch(directoryOf(closed)) })
 * ```
 */
export function watchStoreContract(
  name: string,
  open: () => WatchStore | Promise<WatchStore>,
  options: WatchStoreContractOptions = {},
): void {
  const check: WatchCheck = (sentence, run) => {
    test(sentence, async () => {
      const store = await open()
      try {
        await run(store)
      } finally {
        await store.close()
      }
    })
  }

  describe(`watch store contract: ${name}`, () => {
    trail(check)
    queries(check)
    pruning(check)
    alerts(check)
    windows(check)
    forgetting(check)
    series(check)
    hostile(check)
    if (options.reopen) reopening(open, options.reopen)
    if (options.damage) damaged(check, options.damage)

    check('says who it is, answers a ping, and closes twice', async store => {
      assert.match(store.name, /^\S+$/)
      const entries = sampleChain(2)
      await store.append(entries)
      assert.equal(await store.ping(), undefined)
      assert.deepEqual((await store.entries({ limit: 10 })).entries, entries.toReversed(), 'a ping changes nothing')
      await store.close()
      await store.close()
    })
  })
}

/**
 * The part of {@link watchStoreContract} that is about windows and counters, for what only keeps these. `open` gives fresh and
 * empty ones for each test; `forgets` is `'by itself'` when `forgetWindows` has nothing to do.
 */
export function windowsContract(
  name: string,
  open: () => Windows | Promise<Windows>,
  { forgets }: { readonly forgets: 'when asked' | 'by itself' },
): void {
  const check: WindowsCheck = (sentence, run) => {
    test(sentence, async () => run(await open()))
  }
  describe(`windows contract: ${name}`, () => {
    windows(check)
    if (forgets === 'when asked') forgetting(check)
    else
      check('it forgets by itself, and not because somebody asks for it', async store => {
        assert.equal(await store.forgetWindows(Number.MAX_SAFE_INTEGER, 100), 0)
      })
  })
}

function forgetting(check: WindowsCheck): void {
  check(
    'forgetting removes windows and counters that are over, at most about so many, and tells how many',
    async store => {
      const [hour, day] = [3_600_000, 86_400_000]
      for (let i = 0; i < 5; i += 1) {
        await store.see([{ key: `w${i}`, member: 'a', at: i * day, windowMs: hour, most: 5 }])
        await store.tally([{ key: `c${i}`, by: 7, at: i * day, forgetAfterMs: hour }])
      }
      assert.equal(await store.forgetWindows(0, 100), 0)
      assert.equal(await store.forgetWindows(3 * day, 4), 4)
      assert.equal(await store.forgetWindows(3 * day, 4), 2)
      assert.equal(await store.forgetWindows(3 * day, 4), 0)
      assert.deepEqual(await store.tally([{ key: 'c3', by: 0, at: 3 * day + 1, forgetAfterMs: hour }]), [7])
      assert.equal((await store.see([{ key: 'w4', member: 'b', at: 4 * day, windowMs: hour, most: 5 }]))[0]?.length, 2)
    },
  )
}

function reopening(
  open: () => WatchStore | Promise<WatchStore>,
  reopen: Required<WatchStoreContractOptions>['reopen'],
): void {
  test('what was answered is there after the store was closed and opened again', async () => {
    const store = await open()
    const entries = sampleChain(3)
    await store.append(entries)
    const { alert } = await store.raise(sampleAlert(), 1_000)
    await store.see([{ key: 'window', member: 'a', at: 1_000, windowMs: 500, most: 5 }])
    await store.tally([{ key: 'counter', by: 3, at: 1_000, forgetAfterMs: 500 }])
    await store.add([{ name: 'alerts', minute: 5, value: 2 }])
    await store.close()

    const again = await reopen(store)
    try {
      assert.deepEqual((await again.entries({ limit: 10 })).entries, entries.toReversed())
      assert.deepEqual(await again.alert(alert.id), alert)
      const [window] = await again.see([{ key: 'window', member: 'b', at: 1_200, windowMs: 500, most: 5 }])
      assert.deepEqual(
        window?.map(({ member }) => member),
        ['a', 'b'],
      )
      assert.deepEqual(await again.tally([{ key: 'counter', by: 0, at: 1_200, forgetAfterMs: 500 }]), [3])
      assert.deepEqual(await again.points(['alerts'], 0, 10), [{ name: 'alerts', minute: 5, value: 2 }])
      const [first] = entries
      await assert.rejects(again.append(first ? [first] : []), 'an entry is not written over')
    } finally {
      await again.close()
    }
  })
}

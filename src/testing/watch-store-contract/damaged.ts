import assert from 'node:assert/strict'
import { describe } from 'node:test'
import type { AuditEntry } from '../../watch/entry.ts'
import type { WatchStore } from '../../watch/store.ts'
import { sampleChain, type WatchCheck } from './check.ts'

/** What holds for what somebody wrote into the database that no entry can be read from. */
export function damaged(check: WatchCheck, damage: (store: WatchStore, entry: AuditEntry) => Promise<void>): void {
  describe('ASVS 16.4.2 rows that cannot be read', () => {
    check('lists leave them out and count them, on pages of any size, and show all others', async store => {
      const entries = sampleChain(30)
      await store.append(entries)
      const bad = entries.filter(({ seq }) => seq % 4 === 0 || (seq > 12 && seq < 24))
      for (const entry of bad) await damage(store, entry)
      const good = entries.filter(entry => !bad.includes(entry)).toReversed()
      for (const limit of [1, 3, 7, good.length, 1_000]) {
        const found: AuditEntry[] = []
        let [unreadable, cursor] = [0, undefined as string | undefined]
        do {
          const page = await store.entries({ limit, cursor })
          assert.ok(page.entries.length === limit || page.next === null, 'pages are full')
          found.push(...page.entries)
          unreadable += page.unreadable ?? 0
          cursor = page.next ?? undefined
        } while (cursor !== undefined)
        assert.deepEqual(found, good)
        assert.ok(unreadable >= bad.length, `${unreadable}`)
      }
    })

    check('who reads their chain is told, and the chains of others are as they were', async store => {
      const [one, other] = [sampleChain(5), sampleChain(5)]
      await store.append([...one, ...other])
      for (const entry of [one[2], other[4]]) if (entry) await damage(store, entry)
      const [oneName = '', otherName = ''] = [one[0]?.chain, other[0]?.chain]
      await assert.rejects(store.chain(oneName, 0, 10))
      assert.deepEqual(await store.chain(oneName, 0, 2), one.slice(0, 2))
      assert.deepEqual(await store.chain(oneName, 3, 10), one.slice(3))
      await assert.rejects(store.chain(otherName, 4, 10))
      assert.equal((await store.heads())[oneName]?.seq, 5)
      assert.equal((await store.prunable(Number.MAX_SAFE_INTEGER))[oneName]?.seq, 5)
      assert.equal(await store.prune({ [oneName]: { seq: 5, mac: '' } }, 10), 5)
    })
  })
}

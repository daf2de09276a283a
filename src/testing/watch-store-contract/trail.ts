import assert from 'node:assert/strict'
import { describe } from 'node:test'
import type { AuditEntry } from '../../watch/entry.ts'
import { fifty, sampleChain, sampleEntry, type WatchCheck } from './check.ts'

/** What holds for entries that are added: MACs are over every field, and so every field comes back as it was. */
export function trail(check: WatchCheck): void {
  describe('the audit trail', () => {
    check('entries come back as they were added, by their chain in its order', async store => {
      const [one, other] = [sampleChain(5), sampleChain(2)]
      await store.append(one.slice(0, 3))
      await store.append([...other, ...one.slice(3)])
      const chain = one[0]?.chain ?? ''
      assert.deepEqual(await store.chain(chain, 0, 100), one)
      assert.deepEqual(await store.chain(chain, Number.MIN_SAFE_INTEGER, 100), one)
      assert.deepEqual(await store.chain(chain, 2, 2), one.slice(2, 4))
      assert.deepEqual(await store.chain(chain, 5, 100), [])
      assert.deepEqual(await store.chain(other[0]?.chain ?? '', 0, 100), other)
      for (const stranger of ['', chain.slice(1), `${chain} `]) assert.deepEqual(await store.chain(stranger, 0, 10), [])
    })

    check('what does not apply is null, and stays null', async store => {
      const entry = sampleEntry({ sid: null, userId: null, address: null, userAgent: null })
      await store.append([entry])
      assert.deepEqual((await store.entries({ limit: 1 })).entries, [entry])
    })

    check('a detail comes back with all its members in their order', async store => {
      const details: AuditEntry['detail'][] = [
        { zebra: 1, apple: [1, 'two', null, true], nested: { b: 1, a: { z: [], y: {} } }, none: null },
        { large: Number.MAX_SAFE_INTEGER, small: -0.1, tiny: 5e-324, huge: 1e21, text: 'é \u2028 " \\ \0 \ud800 😀' },
        JSON.parse('{"__proto__":{"a":1},"constructor":2,"":3,"10":4,"a":5}'),
      ]
      const entries = details.map((detail, i) => sampleEntry({ detail, at: 1_000 - i }))
      await store.append(entries)
      const found = (await store.entries({ limit: 10 })).entries
      assert.deepEqual(found, entries)
      assert.deepEqual(
        found.map(({ detail }) => JSON.stringify(detail)),
        details.map(detail => JSON.stringify(detail)),
      )
    })

    check('what the caller does to an entry afterwards does not change the trail', async store => {
      const detail = { amr: ['pwd'] }
      await store.append([sampleEntry({ detail })])
      detail.amr.push('otp')
      assert.deepEqual((await store.entries({ limit: 1 })).entries[0]?.detail, { amr: ['pwd'] })
    })

    check(
      'all are added or none: an entry whose chain and number is there already is refused, and those with it',
      async store => {
        const [first, second, third] = sampleChain(3)
        assert.ok(first && second && third)
        await store.append([first])
        await assert.rejects(store.append([second, third, { ...first, mac: 'forged' }]))
        await assert.rejects(store.append([second, second]))
        assert.deepEqual((await store.entries({ limit: 10 })).entries, [first])
        await store.append([])
        await store.append([second, third])
        assert.deepEqual(await store.chain(first.chain, 0, 10), [first, second, third])
      },
    )

    check('of 50 that add the same entry one does, and 50 chains do not get in each other’s way', async store => {
      const entry = sampleEntry()
      const answers = await Promise.allSettled(fifty.map(i => store.append([{ ...entry, mac: `${i}` }])))
      assert.equal(answers.filter(({ status }) => status === 'fulfilled').length, 1)
      const winner = answers.findIndex(({ status }) => status === 'fulfilled')
      assert.deepEqual(await store.chain(entry.chain, 0, 10), [{ ...entry, mac: `${winner}` }])
      const chains = fifty.map(() => sampleChain(20))
      await Promise.all(chains.map(chain => store.append(chain)))
      for (const chain of chains) assert.deepEqual(await store.chain(chain[0]?.chain ?? '', 0, 100), chain)
    })

    check('the heads are the last entries of all chains', async store => {
      assert.deepEqual(await store.heads(), {})
      const chains = [sampleChain(1), sampleChain(4), sampleChain(12)]
      for (const chain of chains) await store.append(chain)
      const last = chains.map(chain => chain.at(-1) ?? sampleEntry())
      assert.deepEqual(
        await store.heads(),
        Object.fromEntries(last.map(({ chain, seq, mac }) => [chain, { seq, mac }])),
      )
    })
  })
}

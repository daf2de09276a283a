import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { sampleChain, sampleEntry, type WatchCheck } from './check.ts'

/** What holds for the removal of entries: a chain never gets a gap. */
export function pruning(check: WatchCheck): void {
  describe('removing what is old', () => {
    check('prunable are, of each chain, the entries before the first one that is not old', async store => {
      const young = sampleChain(3)
      const old = sampleChain(3).map(entry => ({ ...entry, at: entry.seq }))
      const both = sampleChain(5).map(entry => ({ ...entry, at: [1, 2, 900, 3, 901][entry.seq - 1] ?? 0 }))
      const youngFirst = sampleChain(2).map(entry => ({ ...entry, at: [900, 1][entry.seq - 1] ?? 0 }))
      await store.append([...young, ...old, ...both, ...youngFirst])
      const [lastOld, lastOfBoth] = [old[2] ?? sampleEntry(), both[1] ?? sampleEntry()]
      assert.deepEqual(await store.prunable(500), {
        [lastOld.chain]: { seq: 3, mac: lastOld.mac },
        [lastOfBoth.chain]: { seq: 2, mac: lastOfBoth.mac },
      })
      assert.deepEqual(await store.prunable(1), {}, 'older means older')
      assert.deepEqual(await store.prunable(0), {})
    })

    check('entries of a clock that is wrong hold up no others, and stay where they are the last', async store => {
      const times = (ats: readonly number[]) =>
        sampleChain(ats.length).map((entry, i) => ({ ...entry, at: ats[i] ?? 0 }))
      const [between, last, only, young] = [
        times([1, 5_000, 2, 900]),
        times([1, 2, 5_000]),
        times([5_000]),
        times([1, 1_999, 2]),
      ]
      await store.append([...between, ...last, ...only, ...young])
      const cuts = await store.prunable(500, 2_000)
      const seqs = [between, last, only, young].map(([first]) => cuts[first?.chain ?? '']?.seq)
      assert.deepEqual(seqs, [3, 2, undefined, 1])
    })

    check('pruning removes in steps, and after each one every chain goes on without a gap', async store => {
      const chains = [sampleChain(7), sampleChain(5)]
      for (const chain of chains) await store.append(chain)
      const heads = Object.fromEntries(chains.map(chain => [chain[0]?.chain ?? '', { seq: 4, mac: 'any' }]))
      const removed: number[] = []
      for (;;) {
        const count = await store.prune(heads, 3)
        removed.push(count)
        for (const chain of chains) {
          const left = await store.chain(chain[0]?.chain ?? '', 0, 100)
          assert.deepEqual(left, chain.slice(chain.length - left.length))
          assert.ok(left.length >= chain.length - 4, 'not beyond the number')
        }
        if (count === 0) break
      }
      assert.deepEqual(removed, [3, 3, 2, 0])
      assert.equal((await store.entries({ limit: 100 })).entries.length, 4)
      assert.deepEqual(await store.prunable(0), {})
    })

    check('a chain that is gone has no head, and others are left alone', async store => {
      const [gone, kept] = [sampleChain(3), sampleChain(2)]
      await store.append([...gone, ...kept])
      assert.equal(
        await store.prune({ [gone[0]?.chain ?? '']: { seq: 99, mac: '' }, nobody: { seq: 9, mac: '' } }, 1_000),
        3,
      )
      assert.deepEqual(Object.keys(await store.heads()), [kept[0]?.chain])
      assert.deepEqual((await store.entries({ limit: 100 })).entries, kept.toReversed())
      assert.deepEqual((await store.entries({ limit: 100, userId: 'alice' })).entries, kept.toReversed())
      await store.append(gone)
      assert.deepEqual(await store.chain(gone[0]?.chain ?? '', 0, 10), gone, 'the store itself does not judge')
      assert.equal(await store.prune({}, 10), 0)
    })

    check('entries that are added while others are removed are all there', async store => {
      const old = sampleChain(60)
      await store.append(old)
      const chains = Array.from({ length: 10 }, () => sampleChain(10))
      const heads = { [old[0]?.chain ?? '']: { seq: 60, mac: '' } }
      const counts = await Promise.all([
        ...chains.map(chain => store.append(chain).then(() => 0)),
        ...chains.map(() => store.prune(heads, 25)),
      ])
      assert.equal(
        counts.reduce((sum, count) => sum + count),
        60,
        'each one was removed once',
      )
      for (const chain of chains) assert.deepEqual(await store.chain(chain[0]?.chain ?? '', 0, 100), chain)
    })
  })
}

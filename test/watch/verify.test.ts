import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { describe, it } from 'node:test'
import { macOf } from '../../src/watch/chain.ts'
import type { AuditEntry } from '../../src/watch/entry.ts'
import type { Heads } from '../../src/watch/events.ts'
import type { TrailStore } from '../../src/watch/store.ts'
import { verifyTrail } from '../../src/watch/verify.ts'
import {
  everything,
  key,
  keyId,
  keyOf,
  olderKey,
  olderKeyId,
  openTrail,
  storeOf,
  type TroubledStore,
  troubledStore,
} from '../actors/trail.ts'

/** Two processes, one after the other: the first wrote nine events, the second five, and both stopped in order. */
async function twoChains(): Promise<{ store: TroubledStore; first: AuditEntry[]; second: AuditEntry[] }> {
  const store = troubledStore()
  for (const events of [9, 5]) {
    const { trail, write } = await openTrail({ store })
    write(events)
    await trail.close()
  }
  const [first = [], second = []] = chainsOf(await everything(store))
  return { store, first, second }
}

function chainsOf(entries: readonly AuditEntry[]): AuditEntry[][] {
  return [...Map.groupBy(entries, ({ chain }) => chain).values()].sort((one, other) => other.length - one.length)
}

/** What is wrong, as `what seq`, for each broken chain. */
async function broken(entries: readonly AuditEntry[], anchors: AuditEntry[] = []): Promise<string[]> {
  return brokenIn(await storeOf(entries), anchors)
}

async function brokenIn(store: TrailStore, anchors: AuditEntry[] = []): Promise<string[]> {
  const { chains, isWhole } = await verifyTrail(store, keyOf, { anchors })
  const links = chains.flatMap(({ broken }) => broken ?? [])
  assert.equal(isWhole, links.length === 0)
  return links.map(({ what, seq }) => `${what} ${seq}`)
}

describe('a trail that nobody touched', () => {
  it('is whole, and the report says what there is', async () => {
    const { store, first, second } = await twoChains()
    const pages: number[] = []
    const report = await verifyTrail(store, keyOf, { onProgress: entries => pages.push(entries) })
    assert.equal(report.isWhole, true)
    assert.equal(report.entries, 18)
    assert.deepEqual(pages, [11, 18])
    assert.deepEqual(
      report.chains.map(({ chain, entries, first, last, isClosed }) => [chain, entries, first, last, isClosed]),
      [
        [first[0]?.chain, 11, 1, 11, true],
        [second[0]?.chain, 7, 1, 7, true],
      ],
    )
  })

  it('is whole when it is empty', async () => {
    assert.deepEqual(await verifyTrail(troubledStore(), keyOf), {
      isWhole: true,
      entries: 0,
      unreadable: 0,
      chains: [],
    })
  })

  it('is whole while its process runs, and the report says that the chain is not closed', async () => {
    const { store, trail, write } = await openTrail()
    write(3)
    await trail.flush()
    const { isWhole, chains } = await verifyTrail(store, keyOf)
    assert.deepEqual([isWhole, chains[0]?.isClosed], [true, false])
  })

  it('is whole with chains of older keys', async () => {
    const { store, trail } = await openTrail({ key: olderKey, keyId: olderKeyId })
    await trail.close()
    await (await openTrail({ store })).trail.close()
    assert.deepEqual(await brokenIn(store), [])
  })

  it('rejects when the store cannot be read', async () => {
    const store = troubledStore()
    store.reads = 'rejects'
    await assert.rejects(verifyTrail(store, keyOf), /disk is full/)
  })
})

describe('tampering', () => {
  const changes: Record<keyof AuditEntry, (entry: AuditEntry, other: AuditEntry) => Partial<AuditEntry>> = {
    chain: (_, other) => ({ chain: other.chain, seq: 100 }),
    seq: () => ({ seq: 100 }),
    at: ({ at }) => ({ at: at + 1 }),
    type: () => ({ type: 'session.rotated' }),
    severity: () => ({ severity: 'alert' }),
    sid: () => ({ sid: 'B'.repeat(22) }),
    userId: () => ({ userId: 'mallory' }),
    address: () => ({ address: '192.0.2.2' }),
    userAgent: () => ({ userAgent: null }),
    detail: ({ detail }) => ({ detail: { ...detail, aal: 2 } }),
    mac: ({ mac }) => ({ mac: mac.startsWith('A') ? `B${mac.slice(1)}` : `A${mac.slice(1)}` }),
  }
  const found: Partial<Record<keyof AuditEntry, string[]>> = {
    chain: ['missing 5', 'missing 8'],
    seq: ['missing 5'],
  }
  for (const [column, change] of Object.entries(changes)) {
    it(`ASVS 16.4.2: a changed ${column} is found, and where`, async () => {
      const { first, second } = await twoChains()
      const [victim, other] = [first[4], second[0]]
      assert.ok(victim && other)
      const tampered = first.map(entry => (entry === victim ? { ...entry, ...change(entry, other) } : entry))
      assert.deepEqual(await broken([...tampered, ...second]), found[column as keyof AuditEntry] ?? ['changed 5'])
    })
  }

  it('ASVS 16.4.2: nonsense in a column is a change, and no error', async () => {
    const { first, second } = await twoChains()
    for (const nonsense of [{ at: Number.NaN }, { detail: { n: Number.POSITIVE_INFINITY } }, { userId: undefined }]) {
      const tampered = first.map(entry => (entry.seq === 5 ? Object.assign({ ...entry }, nonsense) : entry))
      const entries = async () => ({ entries: tampered, next: null })
      const store = { ...troubledStore(), entries, heads: async () => headsOf(tampered), chain: async () => tampered }
      assert.deepEqual(await brokenIn(store), ['changed 5'])
    }
    assert.ok(second.length > 0)
  })

  it('ASVS 16.4.2: an entry that the store cannot read any more is a change, and what stands behind it is read', async () => {
    const { first, second } = await twoChains()
    const whole = await storeOf([...first, ...second])
    const unreadable = (seqs: readonly number[]): TrailStore => ({
      ...whole,
      chain: async (chain, afterSeq, limit) => {
        const page = await whole.chain(chain, afterSeq, limit)
        if (page.some(entry => entry.chain === first[0]?.chain && seqs.includes(entry.seq))) throw new Error('Damaged.')
        return page
      },
    })
    for (const seqs of [[5], [1], [11], [5, 6, 9]]) {
      const { chains, entries } = await verifyTrail(unreadable(seqs), keyOf)
      assert.deepEqual(
        [chains[0]?.broken?.what, chains[0]?.broken?.seq, entries],
        ['changed', seqs[0], 18 - seqs.length],
      )
    }
    const dead = { ...unreadable([5]), heads: () => whole.heads() }
    whole.reads = 'rejects'
    await assert.rejects(verifyTrail(dead, keyOf), /disk is full/)
  })

  it('ASVS 16.4.2: a removed entry is found, and where', async () => {
    const { first, second } = await twoChains()
    assert.deepEqual(await broken([...first.filter(({ seq }) => seq !== 5), ...second]), ['missing 5'])
    assert.deepEqual(await broken([...first.filter(({ seq }) => seq < 3 || seq > 8), ...second]), ['missing 3'])
  })

  it('ASVS 16.4.2: entries that changed places are found', async () => {
    const { first, second } = await twoChains()
    const swapped = first.map(entry => ({ ...entry, seq: { 4: 6, 6: 4 }[entry.seq] ?? entry.seq }))
    assert.deepEqual(await broken([...swapped, ...second]), ['changed 4'])
  })

  it('ASVS 16.4.2: an entry put between is found, even when all behind it are moved on', async () => {
    const { first, second } = await twoChains()
    const forged = first.flatMap(entry => {
      const moved = entry.seq < 5 ? entry : { ...entry, seq: entry.seq + 1 }
      return entry.seq === 5 ? [{ ...entry, userId: 'mallory' }, moved] : [moved]
    })
    assert.deepEqual(await broken([...forged, ...second]), ['changed 5'])
  })

  it('ASVS 16.4.2: an entry put behind the last is found', async () => {
    const { first, second } = await twoChains()
    const last = first.at(-1)
    assert.ok(last)
    const forged: AuditEntry = { ...last, seq: last.seq + 1, type: 'session.rotated' }
    assert.deepEqual(await broken([...first, forged, ...second]), ['changed 12'])
  })

  it('ASVS 16.4.2: an entry that was copied from another chain is found', async () => {
    const { first, second } = await twoChains()
    const [donor] = second.filter(({ seq }) => seq === 5)
    assert.ok(donor)
    const grafted = first.map(entry => (entry.seq === 5 ? { ...donor, chain: entry.chain } : entry))
    assert.deepEqual(await broken([...grafted, ...second]), ['changed 5'])
  })

  it('ASVS 16.4.2: a chain under a key that is not ours is found', async () => {
    const { first, second } = await twoChains()
    const forger = createSecretKey(Buffer.alloc(32, 9))
    const invented = (id: string): AuditEntry => {
      const entry = { ...(first[0] as AuditEntry), chain: `${id}${'x'.repeat(14)}` }
      return { ...entry, mac: macOf(forger, '', entry) }
    }
    assert.deepEqual(await broken([...first, ...second, invented('notOurs-')]), ['unknown-key 1'])
    assert.deepEqual(await broken([...first, ...second, invented(keyId)]), ['changed 1'])
  })

  it('what a forged entry says about chains does not count', async () => {
    const { first, second } = await twoChains()
    const cut = first.filter(({ seq }) => seq > 3)
    const mark = first[2] as AuditEntry
    const forged: AuditEntry = {
      ...(second.at(-1) as AuditEntry),
      seq: 8,
      type: 'trail.pruned',
      detail: { before: mark.at + 1, heads: { [mark.chain]: { seq: 3, mac: mark.mac } } },
    }
    assert.deepEqual(await broken([...cut, ...second, forged]), ['cut-at-start 1', 'changed 8'])
  })
})

describe('cutting', () => {
  it('ASVS 16.4.2: a chain that was cut at its start is found', async () => {
    const { first, second } = await twoChains()
    assert.deepEqual(await broken([...first.slice(3), ...second]), ['cut-at-start 1'])
  })

  it('ASVS 16.4.2: a chain that was cut at its end is found through what later ones tell', async () => {
    const { first, second } = await twoChains()
    assert.deepEqual(await broken([...first.slice(0, -1), ...second]), ['cut-at-end 11'])
    assert.deepEqual(await broken([...first.slice(0, 3), ...second]), ['cut-at-end 4'])
  })

  it('ASVS 16.4.2: a chain that was removed as a whole is found through what later ones tell', async () => {
    const { second } = await twoChains()
    assert.deepEqual(await broken(second), ['chain-missing 1'])
  })

  it('ASVS 16.4.3: what nobody in the trail knows is found through anchors', async () => {
    const { first, second } = await twoChains()
    const anchor = second.at(-1) as AuditEntry
    assert.deepEqual(await broken([...first, ...second.slice(0, -1)]), [])
    assert.deepEqual(await broken([...first, ...second.slice(0, -1)], [anchor]), ['cut-at-end 7'])
    assert.deepEqual(await broken(first, [anchor]), ['chain-missing 1'])
    assert.deepEqual(await broken([], [anchor]), ['chain-missing 1'])
    assert.deepEqual(await broken([...first, ...second], [...first, ...second]), [])
  })

  it('ASVS 16.4.3: even who has the key cannot write another story than the one that was shipped away', async () => {
    const { first, second } = await twoChains()
    let before = ''
    const rewritten = second.map(entry => {
      const other = entry.seq === 3 ? { ...entry, userId: 'mallory' } : entry
      before = macOf(key, before, other)
      return { ...other, mac: before }
    })
    assert.deepEqual(await broken([...first, ...rewritten]), [])
    assert.deepEqual(await broken([...first, ...rewritten], second), ['changed 3'])
  })

  it('a chain that others know by another MAC was rewritten', async () => {
    const { first, second } = await twoChains()
    let before = ''
    const rewritten = first.map(entry => {
      before = macOf(key, before, { ...entry, userId: null })
      return { ...entry, userId: null, mac: before }
    })
    assert.deepEqual(await broken([...rewritten, ...second]), ['changed 11'])
  })

  it('a checkpoint of a process tells of a chain that is cut while both run', async () => {
    const store = troubledStore()
    const [one, other] = [await openTrail({ store }), await openTrail({ store })]
    one.write(5)
    await one.trail.flush()
    await other.trail.checkpoint()
    await other.trail.flush()
    const entries = await everything(store)
    const ofOne = entries.filter(({ userId }) => userId !== null)[0]?.chain
    const cut = entries.filter(({ chain, seq }) => chain !== ofOne || seq < 4)
    assert.deepEqual(await broken(entries), [])
    assert.deepEqual(await broken(cut), ['cut-at-end 4'])
  })
})

describe('reading while others write', () => {
  it('what is told of a chain after it was read is no break', async () => {
    const store = troubledStore()
    const [one, other] = [await openTrail({ store }), await openTrail({ store })]
    one.write(3)
    await one.trail.flush()
    let reads = 0
    const busy: TrailStore = {
      ...store,
      chain: async (chain, afterSeq, limit) => {
        const page = await store.chain(chain, afterSeq, limit)
        reads += 1
        if (reads > 12) return page
        // After every page both go on, and tell of each other.
        for (const { trail, write } of [one, other]) {
          write(2)
          await trail.flush()
        }
        for (const { trail } of [one, other]) {
          await trail.checkpoint()
          await trail.flush()
        }
        return page
      },
    }
    assert.deepEqual(await brokenIn(busy), [])
    assert.ok(reads > 12)
  })
})

function headsOf(entries: readonly AuditEntry[]): Heads {
  return Object.fromEntries(entries.map(({ chain, seq, mac }) => [chain, { seq, mac }]))
}

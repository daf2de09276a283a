import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { Linker } from '../../src/watch/chain.ts'
import type { AuditEntry } from '../../src/watch/entry.ts'
import type { AuditType, Heads } from '../../src/watch/events.ts'
import { planPruning } from '../../src/watch/retention.ts'
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
  signedIn,
  storeOf,
  type TroubledStore,
  troubledStore,
  users,
} from '../actors/trail.ts'
import { manualTimers } from './manual-timers.ts'

const hourMs = 3_600_000
/** A working day of these tests. */
const dayMs = 3 * hourMs
const retentionMs = 2 * dayMs

async function broken(store: TrailStore): Promise<string[]> {
  const { chains } = await verifyTrail(store, keyOf)
  return chains.flatMap(({ broken }) => (broken ? `${broken.what} ${broken.seq}` : []))
}

function ofType(entries: readonly AuditEntry[], type: string): AuditEntry[] {
  return entries.filter(entry => entry.type === type)
}

/** A process that writes five events a day for so many days. */
async function days(count: number, store: TroubledStore = troubledStore()) {
  const given = await openTrail({ store, retentionMs })
  for (let day = 0; day < count; day += 1) {
    given.write(5)
    await given.timers.pass(dayMs)
  }
  await given.trail.flush()
  return given
}

describe('retention', () => {
  it('what is older is removed, it is written down before, and the trail stays whole', async () => {
    const { store, timers } = await days(10)
    const entries = await everything(store)
    assert.ok(users(entries).length <= 15)
    assert.ok(users(entries).includes('user-50'))
    assert.ok(entries.every(({ at }) => at >= timers.clock.now() - retentionMs - hourMs))
    assert.ok(ofType(entries, 'trail.pruned').length > 0)
    assert.deepEqual(await broken(store), [])
  })

  it('nothing is removed when the trail is kept for ever', async () => {
    const { store, timers, write } = await openTrail({ retentionMs: null })
    write(5)
    await timers.pass(10 * dayMs)
    assert.equal(users(await everything(store)).length, 5)
  })

  it('nothing is removed when it could not be written down that it would be', async () => {
    const { store, trail, timers, write } = await openTrail({ retentionMs })
    write(5)
    await timers.pass(60_000)
    timers.clock.advance('9h')
    store.appends = 'rejects'
    await trail.prune()
    store.appends = 'works'
    assert.equal(users(await everything(store)).length, 5)
    assert.deepEqual(await broken(store), [])
  })

  it('a pruning that stopped halfway is no break, and goes on the next time', async () => {
    const { store, trail, timers, write } = await openTrail({ retentionMs, maxQueued: 5_000 })
    write(1_500)
    await timers.pass(60_000)
    timers.clock.advance('9h')
    write(5)
    await trail.flush()
    const { prune } = store
    let steps = 0
    store.prune = async (upTo, limit) => {
      steps += 1
      if (steps > 2) throw new Error('The disk is full.')
      return prune(upTo, limit)
    }
    await assert.rejects(trail.prune(), /disk is full/)
    assert.equal(users(await everything(store)).length, 506)
    assert.deepEqual(await broken(store), [])
    store.prune = prune
    await trail.prune()
    assert.equal(users(await everything(store)).length, 5)
    assert.deepEqual(await broken(store), [])
  })

  it('chains of many processes come and go, and the trail is whole all the time', async () => {
    const store = troubledStore()
    const timers = manualTimers()
    for (let day = 0; day < 12; day += 1) {
      // A process that writes a little, one that dies, and one that stops in order.
      const short = await openTrail({ store, retentionMs, timers })
      const dying = await openTrail({
        store,
        retentionMs,
        timers,
        ...(day < 4 ? { key: olderKey, keyId: olderKeyId } : {}),
      })
      short.write(3)
      dying.write(day % 3)
      await timers.pass(dayMs / 2)
      assert.deepEqual(await broken(store), [])
      await short.trail.close()
      await timers.pass(dayMs / 2)
      assert.deepEqual(await broken(store), [])
    }
    const entries = await everything(store)
    assert.ok(entries.every(({ at }) => at >= timers.clock.now() - retentionMs - 2 * hourMs))
  })

  it('a process that has nothing to say for long is no break: where its chain begins is told again', async () => {
    const store = troubledStore()
    const timers = manualTimers()
    const quiet = await openTrail({ store, timers })
    const busy = await openTrail({ store, retentionMs, timers })
    quiet.write(3)
    await timers.pass(dayMs)
    quiet.write(3)
    for (let day = 0; day < 10; day += 1) {
      busy.write(3)
      await timers.pass(dayMs)
      if (day < 2) quiet.write(1)
      assert.deepEqual(await broken(store), [])
    }
    quiet.write(1)
    await quiet.trail.flush()
    assert.deepEqual(await broken(store), [])
  })
})

/** Entries of one chain, made by hand: when, what and with which details. */
function chainOf(
  ...events: readonly (readonly [at: number, type: AuditType, detail?: Record<string, unknown>])[]
): AuditEntry[] {
  const linker = new Linker(key, keyId, randomBytes)
  const nobody = { severity: 'info', sid: null, userId: null, address: null, userAgent: null } as const
  return events.map(([at, type, detail = {}]) => linker.link({ ...nobody, at, type, detail }))
}

function headsOf(...entries: readonly (AuditEntry | undefined)[]): Heads {
  return Object.fromEntries(
    entries.flatMap(entry => (entry ? [[entry.chain, { seq: entry.seq, mac: entry.mac }]] : [])),
  )
}

describe('what prunings tell', () => {
  const quiet = chainOf([1, 'trail.opened'], [1, 'session.created'], [50, 'session.ended'])
  const old = chainOf([1, 'trail.opened'], [50, 'trail.closed'])

  it('is told again when the entry that tells it is removed, while the chain is there', async () => {
    const teller = chainOf(
      [1, 'trail.opened'],
      [2, 'trail.pruned', { before: 1, heads: headsOf(quiet[1]) }],
      [50, 'trail.closed'],
    )
    const there = await planPruning(await storeOf([...quiet.slice(2), ...teller]), 10, keyOf)
    assert.deepEqual(there, { before: 10, heads: headsOf(teller[1]), kept: headsOf(quiet[1]) })
    const gone = await planPruning(await storeOf(teller), 10, keyOf)
    assert.deepEqual(gone?.kept, {})
  })

  it('ASVS 16.4.2: is not told again when it was forged', async () => {
    const teller = chainOf([1, 'trail.opened'], [2, 'trail.pruned', { before: 1, heads: headsOf(quiet[0]) }])
    const forged = teller.map(entry =>
      entry.seq === 2 ? { ...entry, detail: { before: 1, heads: headsOf(quiet[1]) } } : entry,
    )
    const plan = await planPruning(await storeOf([...quiet.slice(2), ...forged, ...old]), 10, keyOf)
    assert.deepEqual(plan, { before: 10, heads: headsOf(old[0]), kept: {} })
  })

  it('counts when the entry before it was pruned itself', async () => {
    const teller = chainOf(
      [1, 'trail.opened'],
      [20, 'trail.pruned', { before: 10, heads: headsOf(quiet[1]) }],
      [50, 'trail.closed'],
    )
    const newer = chainOf([1, 'trail.opened'], [30, 'trail.pruned', { before: 10, heads: headsOf(teller[0]) }])
    const entries = [...quiet.slice(2), ...teller.slice(1), ...newer]
    assert.deepEqual(await broken(await storeOf(entries)), [])
    const plan = await planPruning(await storeOf(entries), 40, keyOf)
    assert.deepEqual(plan, { before: 40, heads: headsOf(teller[1], newer[1]), kept: headsOf(quiet[1]) })
  })

  it('a chain that is known only from before the last pruning may be gone', async () => {
    const pruned = (at: number) =>
      chainOf([at, 'trail.opened', { heads: headsOf(quiet[1]) }], [60, 'trail.pruned', { before: 40, heads: {} }])
    assert.deepEqual(await broken(await storeOf(pruned(39))), [])
    assert.deepEqual(await broken(await storeOf(pruned(40))), ['chain-missing 1'])
  })
})

describe('a theft that looks like a pruning', () => {
  it('ASVS 16.4.2: more removed than was said is found', async () => {
    const { store } = await days(10)
    const entries = await everything(store)
    const [first] = entries
    const cut = await storeOf(entries.slice(2))
    assert.deepEqual(await broken(cut), [`cut-at-start ${first?.seq}`])
  })

  it('ASVS 16.4.2: entries that somebody made older are not removed: they are evidence', async () => {
    const { store, trail, timers, write } = await openTrail({ retentionMs })
    write(5)
    await timers.pass(60_000)
    timers.clock.advance('3h')
    const aged = (await everything(store)).map(entry => ({ ...entry, at: entry.at - 90 * dayMs }))
    const tampered = await storeOf(aged)
    Object.assign(store, { ...tampered, batches: [] })
    write(5)
    await trail.flush()
    await trail.prune()
    assert.equal(users(await everything(store)).length, 10)
    assert.deepEqual(await broken(store), ['changed 1'])
  })
})

describe('an entry of a clock that is far ahead', () => {
  it('holds up no pruning', async () => {
    const { store, trail, timers, write } = await openTrail({ retentionMs })
    write(3)
    trail.write({ ...signedIn(timers.clock.now() + 10_000 * dayMs, 'ahead') })
    write(3)
    await timers.pass(60_000)
    timers.clock.advance('9h')
    write(1)
    await trail.flush()
    await trail.prune()
    assert.deepEqual(users(await everything(store)), ['user-7'])
    assert.deepEqual(await broken(store), [])
  })
})

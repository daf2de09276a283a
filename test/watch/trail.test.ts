import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { AuditEntry } from '../../src/watch/entry.ts'
import type { AuditEvent } from '../../src/watch/events.ts'
import { verifyTrail } from '../../src/watch/verify.ts'
import {
  everything,
  keyOf,
  openTrail,
  signedIn,
  startTrail,
  troubledSink,
  troubledStore,
  users,
  type Way,
} from '../actors/trail.ts'

function types(entries: readonly AuditEntry[]): string[] {
  return entries.map(({ type }) => type)
}

function named(count: number, from: number = 1): string[] {
  return Array.from({ length: count }, (_, index) => `user-${from + index}`)
}

describe('writing', () => {
  it('ASVS 16.2.1: an entry says when, what, which session, who and from where', async () => {
    const { trail, store, timers } = await openTrail()
    trail.write({ ...signedIn(timers.clock.now(), 'alice'), type: 'token.replayed' } as AuditEvent)
    await trail.flush()
    const [opened, entry] = await everything(store)
    assert.equal(opened?.type, 'trail.opened')
    assert.deepEqual(entry, {
      chain: opened?.chain,
      seq: 2,
      at: Date.UTC(2030, 0, 1),
      type: 'token.replayed',
      severity: 'alert',
      sid: 'A'.repeat(22),
      userId: 'alice',
      address: '192.0.2.1',
      userAgent: 'Test/1.0',
      detail: { amr: ['pwd'], aal: 1, from: null },
      mac: entry?.mac,
    })
  })

  it('takes its time: nothing is written before the turn of the event loop is over, and then many at once', async () => {
    const { store, timers, write } = await openTrail()
    write(400)
    assert.deepEqual(store.batches, [1])
    await timers.pass(20)
    assert.deepEqual(store.batches, [1, 400])
    assert.deepEqual(users(await everything(store)), named(400))
  })

  it('appends at most 500 at once, one append after the other', async () => {
    const { trail, store, write } = await openTrail({ maxQueued: 2_000 })
    write(1_200)
    await trail.flush()
    assert.deepEqual(store.batches, [1, 500, 500, 200])
  })

  it('keeps what comes before it is open', async () => {
    const { trail, store, write } = startTrail()
    write(3)
    await trail.open()
    assert.deepEqual(types(await everything(store)), ['trail.opened', ...Array(3).fill('session.signed-in')])
  })

  it('never throws, whatever the event holds', async () => {
    const { trail, store, timers } = await openTrail()
    const circle: Record<string, unknown> = { n: Number.NaN, big: 1n, f: () => {}, nothing: undefined }
    circle.self = circle
    const hostile = 'a\0b\ud800c\u2028\r\n\u001b[2J'
    const event = { ...signedIn(timers.clock.now(), hostile, hostile), evidence: circle, [hostile]: hostile }
    trail.write(event as AuditEvent)
    trail.write({ ...event, type: 'no such event' } as unknown as AuditEvent)
    trail.write({ ...event, at: 1.5, userId: 'x'.repeat(10_000) } as AuditEvent)
    await trail.flush()
    const [, entry, long] = await everything(store)
    const kept = 'a\uFFFDb\uFFFDc\u2028\r\n\u001b[2J'
    assert.deepEqual([entry?.userId, entry?.userAgent, entry?.detail[kept]], [kept, kept, kept])
    assert.deepEqual([long?.at, long?.userId?.length], [1, 256])
    assert.equal(trail.stats().dropped, 1)
    assert.equal((await verifyTrail(store, keyOf)).isWhole, true)
  })
})

describe('a store in trouble', () => {
  for (const way of ['rejects', 'throws', 'hangs'] as const) {
    it(`CS-L2: a store that ${way} loses nothing that the queue has room for, and the chain stays whole`, async () => {
      const { trail, store, timers, troubles, write } = await openTrail()
      store.appends = way
      write(300)
      await timers.pass(60_000)
      assert.deepEqual([users(await everything(store)), troubles], [[], ['trail: failed']])
      write(300)
      store.appends = 'works'
      await timers.pass(60_000)
      assert.deepEqual(users(await everything(store)), named(600))
      assert.deepEqual([trail.stats().queued, trail.stats().dropped], [0, 0])
      assert.equal((await verifyTrail(store, keyOf)).isWhole, true)
    })
  }

  it('an append that was done although it failed is not done twice', async () => {
    const { trail, store, timers, write } = await openTrail()
    store.appends = 'done but rejects'
    write(5)
    await timers.pass(20)
    write(5)
    await timers.pass(60_000)
    store.appends = 'works'
    await timers.pass(60_000)
    assert.deepEqual(users(await everything(store)), named(10))
    assert.deepEqual([trail.stats().written, trail.stats().queued], [11, 0])
    assert.equal((await verifyTrail(store, keyOf)).isWhole, true)
  })

  it('an append that comes late, when it was tried again already, is no break', async () => {
    const inner = troubledStore()
    const late: (() => Promise<void>)[] = []
    const store = { ...inner, append: inner.append.bind(inner) }
    const { trail, timers, write } = await openTrail({ store })
    store.append = entries => {
      late.push(() => inner.append(entries))
      return new Promise(() => {})
    }
    write(5)
    await timers.pass(5_100)
    // The first append arrives now; the second one, which is asked for next, finds its entries there.
    await late[0]?.()
    store.append = inner.append.bind(inner)
    await timers.pass(60_000)
    assert.deepEqual(users(await everything(store)), named(5))
    assert.equal(trail.stats().written, 6)
    assert.equal((await verifyTrail(store, keyOf)).isWhole, true)
  })

  it("somebody else's entry in our chain ends the chain, and what we have to say goes into a new one", async () => {
    const { trail, store, timers, write } = await openTrail()
    const [opened] = await everything(store)
    assert.ok(opened)
    await store.append([{ ...opened, seq: 2 }])
    write(5)
    await timers.pass(60_000)
    assert.deepEqual(users(await everything(store)), named(5))
    assert.equal(trail.stats().queued, 0)
    const { chains } = await verifyTrail(store, keyOf)
    assert.deepEqual(
      chains.map(({ broken }) => broken && `${broken.what} ${broken.seq}`),
      ['changed 2', null],
    )
  })

  it('CS-L2: what the queue has no room for is dropped and counted, and the count is written when writing works again', async () => {
    const { trail, store, timers, troubles, write } = await openTrail({ maxQueued: 100 })
    store.appends = 'hangs'
    write(250)
    await timers.pass(6_000)
    assert.deepEqual([trail.stats().queued, trail.stats().dropped], [100, 150])
    assert.deepEqual(troubles, ['trail: dropped', 'trail: failed'])
    store.appends = 'works'
    await timers.pass(60_000)
    const entries = await everything(store)
    assert.deepEqual(users(entries), named(100))
    const told = entries.filter(({ type }) => type === 'trail.dropped')
    assert.deepEqual(
      told.map(({ detail, severity }) => [detail, severity]),
      [[{ sink: 'trail', count: 150 }, 'alert']],
    )
    assert.equal(trail.stats().queued, 0)
  })

  it('opens without a store that answers, and tells the heads of others as soon as it does', async () => {
    const store = troubledStore()
    await (await openTrail({ store })).trail.close()
    Object.assign(store, { appends: 'rejects', reads: 'throws' })
    const { trail, timers, write } = await openTrail({ store })
    write(2)
    await timers.pass(30_000)
    Object.assign(store, { appends: 'works', reads: 'works' })
    await timers.pass(90_000)
    const entries = await everything(store)
    assert.deepEqual(users(entries), named(2))
    assert.equal(entries.filter(({ type }) => type === 'trail.checkpoint').length, 1)
    await trail.close()
    assert.equal((await verifyTrail(store, keyOf)).isWhole, true)
  })

  it('an open trail answers flush and close, whatever the store does', async () => {
    const { trail, store, timers, troubles, write } = await openTrail()
    write(3)
    store.appends = 'rejects'
    await trail.flush()
    assert.equal(trail.stats().queued, 3)
    store.appends = 'hangs'
    const closed = trail.close()
    await timers.pass(20_000)
    await closed
    // Three, and that it was closed.
    assert.deepEqual([trail.stats().dropped, troubles], [4, ['trail: failed', 'trail: dropped']])
  })
})

describe('sinks', () => {
  it('get every entry, in order, as it is in the store', async () => {
    const sink = troubledSink('log')
    const { trail, store, write } = await openTrail({ sinks: [sink] })
    write(700)
    await trail.close()
    assert.deepEqual(sink.got, await everything(store))
    assert.equal(sink.isClosed, true)
  })

  for (const way of ['rejects', 'throws', 'hangs'] as const) {
    it(`CS-L2: a sink that ${way} holds nobody up, is told of once, and gets everything later`, async () => {
      const [bad, good] = [troubledSink('bad', way), troubledSink('good')]
      const { trail, store, timers, troubles, write } = await openTrail({ sinks: [bad, good] })
      write(10)
      await timers.pass(120_000)
      assert.deepEqual(users(await everything(store)), named(10))
      assert.deepEqual(users(good.got), named(10))
      assert.deepEqual(troubles, ['bad: failed'])
      assert.deepEqual(
        trail.stats().sinks.map(({ name, queued, failing }) => [name, queued, failing]),
        [
          ['bad', 12, true],
          ['good', 0, false],
        ],
      )
      bad.way = 'works'
      await timers.pass(30_000)
      assert.deepEqual(users(bad.got), named(10))
      const told = (await everything(store)).filter(({ type }) => type === 'sink.failed')
      assert.deepEqual(
        told.map(({ detail }) => detail),
        [{ sink: 'bad' }],
      )
      if (way === 'hangs') assert.equal(bad.signals[0]?.aborted, true)
    })
  }

  it('CS-L2: each has its own bounded queue; what it loses is counted and written down', async () => {
    const sink = troubledSink('log', 'hangs')
    const { trail, store, timers, troubles, write } = await openTrail({ sinks: [sink], maxQueued: 100 })
    for (let n = 0; n < 5; n += 1) {
      write(50)
      await timers.pass(1_000)
    }
    assert.deepEqual(users(await everything(store)), named(250))
    const [stats] = trail.stats().sinks
    assert.deepEqual([stats?.queued, stats?.dropped], [100, 151])
    assert.deepEqual(troubles, ['log: dropped', 'log: failed'])
    sink.way = 'works'
    await timers.pass(60_000)
    await trail.flush()
    const told = (await everything(store)).filter(({ type }) => type === 'trail.dropped')
    // And one more: that the sink failed.
    assert.deepEqual(
      told.map(({ detail }) => detail),
      [{ sink: 'log', count: 152 }],
    )
  })

  it('one that fails again is told of again', async () => {
    const sink = troubledSink('log')
    const { store, timers, troubles, write } = await openTrail({ sinks: [sink] })
    for (const way of ['rejects', 'works', 'rejects', 'works'] as const) {
      sink.way = way
      write(1)
      await timers.pass(60_000)
    }
    assert.deepEqual(troubles, ['log: failed', 'log: failed'])
    assert.equal((await everything(store)).filter(({ type }) => type === 'sink.failed').length, 2)
  })

  it('get what is written while the store is down', async () => {
    const sink = troubledSink('log')
    const { store, timers, write } = await openTrail({ sinks: [sink] })
    store.appends = 'hangs'
    write(5)
    await timers.pass(1_000)
    assert.deepEqual(users(sink.got), named(5))
  })
})

describe('checkpoints', () => {
  it('are not written by a process that is alone', async () => {
    const { store, timers, write } = await openTrail()
    write(3)
    await timers.pass(600_000)
    assert.ok(!types(await everything(store)).includes('trail.checkpoint'))
  })

  it('tell where others are when they went on, and idle processes do not keep each other writing', async () => {
    const store = troubledStore()
    const nodes = [await openTrail({ store }), await openTrail({ store }), await openTrail({ store })]
    const minutes = async (count: number) => {
      for (let n = 0; n < count; n += 1) for (const { timers } of nodes) await timers.pass(60_000)
    }
    const written = async () => (await everything(store)).length
    await minutes(10)
    const idle = await written()
    await minutes(10)
    assert.equal(await written(), idle)
    nodes[0]?.write(5)
    await minutes(10)
    const busy = await written()
    assert.ok(busy > idle + 5)
    await minutes(10)
    assert.equal(await written(), busy)
    assert.equal((await verifyTrail(store, keyOf)).isWhole, true)
  })
})

it('whatever fails and in whatever order, what is stored verifies, and written and dropped is what was given', async () => {
  const ways: Way[] = ['works', 'rejects', 'throws', 'hangs', 'done but rejects']
  const steps = fc.array(
    fc.oneof(
      fc.record({ write: fc.integer({ min: 1, max: 80 }) }),
      fc.record({ pass: fc.constantFrom(5, 20, 300, 6_000, 60_000) }),
      fc.record({ appends: fc.constantFrom(...ways) }),
      fc.record({ reads: fc.constantFrom<Way>('works', 'rejects', 'hangs') }),
      fc.record({ sink: fc.constantFrom<Way>('works', 'rejects', 'hangs') }),
      fc.record({ checkpoint: fc.constant(true) }),
    ),
    { maxLength: 25 },
  )
  await fc.assert(
    fc.asyncProperty(steps, async script => {
      const sink = troubledSink('log')
      const { trail, store, timers, write } = await openTrail({ maxQueued: 100, sinks: [sink] })
      let given = 0
      for (const step of script) {
        if ('write' in step) {
          write(step.write)
          given += step.write
        } else if ('pass' in step) await timers.pass(step.pass)
        else if ('appends' in step) store.appends = step.appends
        else if ('reads' in step) store.reads = step.reads
        else if ('sink' in step) sink.way = step.sink
        else void trail.checkpoint().catch(() => {})
      }
      Object.assign(store, { appends: 'works', reads: 'works' })
      sink.way = 'works'
      await timers.pass(60_000)
      await trail.close()
      const entries = await everything(store)
      const { isWhole, chains } = await verifyTrail(store, keyOf)
      assert.deepEqual([isWhole, chains.length, chains[0]?.isClosed], [true, 1, true])
      const stats = trail.stats()
      assert.equal(users(entries).length + stats.dropped, given)
      assert.equal(stats.written, entries.length)
      const told = entries.filter(({ type, detail }) => type === 'trail.dropped' && detail.sink === 'trail')
      assert.equal(
        told.reduce((sum, { detail }) => sum + Number(detail.count), 0),
        stats.dropped,
      )
      const [ofSink] = stats.sinks
      assert.equal(sink.got.length + (ofSink?.dropped ?? 0), entries.length)
    }),
    { numRuns: 150 },
  )
})

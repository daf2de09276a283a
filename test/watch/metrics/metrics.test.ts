import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { memoryStore } from 'latchkey/stores/memory'
import { nearCache } from 'latchkey/stores/near-cache'
import { faults, faultyStore } from 'latchkey/testing'
import { createWatch } from 'latchkey/watch'
import { memoryWatch } from 'latchkey/watch/stores/memory'
import { Browser } from '../../actors/browser.ts'
import { type Server, type ServerOptions, startServer } from '../../actors/server.ts'
import { sharedMemory } from '../../actors/shared-memory.ts'
import { exporters } from './exporters.ts'
import { sampleWatch } from './sample-watch.ts'

type Act = (server: Server, browser: Browser) => Promise<unknown>

/** What happens, and by how much which numbers grow; no other number does but those of the store and of all events. */
const stories: readonly (readonly [name: string, options: ServerOptions, act: Act, grown: Record<string, number>])[] = [
  [
    'a guest',
    {},
    (_, browser) => browser.put({ cart: 1 }),
    { latchkey_sessions_created_total: 1, latchkey_sessions_active: 1 },
  ],
  [
    'a sign-in with one factor, and its end',
    {},
    async (_, browser) => {
      await browser.signIn('alice')
      await browser.signOut()
    },
    {
      latchkey_sessions_created_total: 1,
      'latchkey_sign_ins_total{level="1"}': 1,
      'latchkey_sessions_ended_total{reason="signed-out"}': 1,
    },
  ],
  [
    'a sign-in with two, in the middle of a visit',
    {},
    async (_, browser) => {
      await browser.put({ cart: 1 })
      await browser.signIn('alice', { amr: ['pwd', 'otp'] })
    },
    {
      latchkey_sessions_created_total: 2,
      'latchkey_sign_ins_total{level="2"}': 1,
      'latchkey_sessions_ended_total{reason="superseded"}': 1,
      latchkey_sessions_active: 1,
    },
  ],
  [
    'a sign-in that fails',
    {},
    (_, browser) => browser.send(session => session.signInFailed('alice')),
    { latchkey_failed_sign_ins_total: 1 },
  ],
  [
    'five hundred of them in one second',
    {},
    async ({ sessions }, browser) => {
      for (let n = 0; n < 500; n += 1) await browser.send(session => session.signInFailed(`alice${n}`))
      await sessions.sweep()
    },
    { latchkey_failed_sign_ins_total: 500 },
  ],
  [
    'a session too many',
    { policy: { maxSessions: 1, atMaxSessions: 'refuse' } },
    async (server, browser) => {
      await browser.signIn('alice')
      await new Browser(server).signIn('alice')
    },
    {
      latchkey_sessions_created_total: 1,
      'latchkey_sign_ins_total{level="1"}': 1,
      'latchkey_refusals_total{reason="too-many-sessions"}': 1,
      latchkey_sessions_active: 1,
    },
  ],
  [
    'a forged request',
    {},
    async (_, browser) => {
      await browser.see({ method: 'POST', headers: { 'sec-fetch-site': 'cross-site' } })
    },
    {
      'latchkey_refusals_total{reason="csrf-cross-site"}': 1,
      'latchkey_csrf_refusals_total{reason="csrf-cross-site"}': 1,
    },
  ],
  [
    'a hundred and fifty of them in one second',
    {},
    async ({ sessions }, browser) => {
      for (let n = 0; n < 150; n += 1)
        await browser.see({ method: 'POST', headers: { 'sec-fetch-site': 'cross-site' } })
      await sessions.sweep()
    },
    {
      'latchkey_refusals_total{reason="csrf-cross-site"}': 100,
      'latchkey_refusals_total{reason="other"}': 50,
      'latchkey_csrf_refusals_total{reason="csrf-cross-site"}': 100,
    },
  ],
  [
    'a rotation',
    {},
    async (_, browser) => {
      await browser.signIn('alice')
      await browser.rotate()
    },
    {
      latchkey_sessions_created_total: 1,
      'latchkey_sign_ins_total{level="1"}': 1,
      latchkey_rotations_total: 1,
      latchkey_sessions_active: 1,
    },
  ],
  [
    'an end of all sessions of a user, each counted once',
    {},
    async (server, browser) => {
      await browser.signIn('alice')
      await new Browser(server).signIn('alice')
      await server.sessions.endUser('alice')
    },
    {
      latchkey_sessions_created_total: 2,
      'latchkey_sign_ins_total{level="1"}': 2,
      'latchkey_sessions_ended_total{reason="revoked"}': 2,
    },
  ],
  [
    'an end of all sessions of everybody',
    {},
    async (server, browser) => {
      await browser.signIn('alice')
      await new Browser(server).signIn('bob')
      await server.sessions.endEverybody()
    },
    {
      latchkey_sessions_created_total: 2,
      'latchkey_sign_ins_total{level="1"}': 2,
      'latchkey_sessions_ended_total{reason="revoked"}': 2,
    },
  ],
]

/** By how much numbers grew, without those that did not. */
function growth(
  before: Record<string, number>,
  after: Record<string, number>,
  without: RegExp,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(after)
      .map(([name, value]) => [name, value - (before[name] ?? 0)] as const)
      .filter(([name, value]) => value !== 0 && !without.test(name)),
  )
}

for (const [kind, exporter] of Object.entries(exporters)) {
  describe(`metrics for ${kind}`, () => {
    for (const [name, options, act, grown] of stories) {
      it(`count ${name}`, async () => {
        const server = startServer(options)
        const before = await readAtOnce(exporter, server)
        const metrics = exporter(server.sessions, null)
        await act(server, new Browser(server))
        const after = await metrics.numbers()
        const byWhat = /_active_by_|^latchkey_events_|^latchkey_store_/
        assert.deepEqual(growth(before, after, byWhat), grown)
      })
    }

    it('show live sessions by level and carrier', async () => {
      const server = startServer()
      await new Browser(server).put({ cart: 1 })
      await new Browser(server).signIn('alice')
      await new Browser(server).signIn('bob', { amr: ['pwd', 'otp'] })
      const numbers = await exporter(server.sessions, null).numbers()
      assert.deepEqual(
        Object.entries(numbers).filter(([metric]) => metric.startsWith('latchkey_sessions_active')),
        [
          ['latchkey_sessions_active', 3],
          ['latchkey_sessions_active_by_level{level="0"}', 1],
          ['latchkey_sessions_active_by_level{level="1"}', 1],
          ['latchkey_sessions_active_by_level{level="2"}', 1],
          ['latchkey_sessions_active_by_level{level="3"}', 0],
          ['latchkey_sessions_active_by_carrier{carrier="cookie"}', 3],
          ['latchkey_sessions_active_by_carrier{carrier="bearer"}', 0],
        ],
      )
    })

    it('have no number of live sessions, and not zero, while the store does not say', async () => {
      const store = faultyStore(memoryStore())
      const server = startServer({ store })
      await new Browser(server).signIn('alice')
      store.disturb(faults.refuses)
      const numbers = await exporter(server.sessions, null).numbers()
      assert.deepEqual(
        Object.keys(numbers).filter(metric => metric.startsWith('latchkey_sessions_active')),
        [],
      )
      assert.equal(numbers.latchkey_sessions_created_total, 0, 'all else is still told')
    })

    it('count operations of the store, its failures and its conflicts', async () => {
      const store = faultyStore(memoryStore())
      const server = startServer({ store })
      const browser = new Browser(server)
      await browser.signIn('alice')
      const metrics = exporter(server.sessions, null)
      store.disturb(async () => {
        store.heal()
        return 'conflict'
      }, 'save')
      await browser.put({ n: 1 })
      store.disturb(faults.refuses, 'list')
      await assert.rejects(server.sessions.list('alice'))
      const numbers = await metrics.numbers()
      const told = Object.entries(numbers).filter(
        ([name, value]) => /^latchkey_(store|cache)/.test(name) && !name.includes('directory') && value > 0,
      )
      assert.deepEqual(Object.fromEntries(told), {
        'latchkey_store_operation_duration_seconds_count{operation="read"}': 2,
        'latchkey_store_operation_duration_seconds_count{operation="save"}': 2,
        'latchkey_store_operation_duration_seconds_count{operation="list"}': 1,
        'latchkey_store_failures_total{operation="list"}': 1,
        latchkey_store_conflicts_total: 1,
      })
    })

    it('count hits and misses of a near cache', async () => {
      const server = startServer({ store: nearCache(sharedMemory().open()) })
      const browser = new Browser(server)
      await browser.signIn('alice')
      const metrics = exporter(server.sessions, null)
      let requests = 0
      let hits = 0
      while (hits < 3) {
        await browser.see()
        requests += 1
        const numbers = await metrics.numbers()
        hits = numbers['latchkey_cache_lookups_total{result="hit"}'] ?? 0
        assert.equal(numbers['latchkey_cache_lookups_total{result="miss"}'], requests - hits)
        await new Promise(resolve => setTimeout(resolve, 1))
      }
      await server.sessions.close()
    })

    it('show how the watch is: hits, alerts, trail and sinks', async () => {
      const watch = sampleWatch()
      const metrics = exporter(startServer().sessions, watch)
      watch.alerts = { open: 2, acknowledged: 1 }
      watch.says = {
        ...{ queued: 5, written: 70, dropped: 3 },
        sinks: [
          { name: 'json-lines', queued: 1, dropped: 2, failing: false },
          { name: 'json-lines', queued: 10, dropped: 20, failing: true },
          { name: 'collector', queued: 0, dropped: 0, failing: false },
        ],
        hits: { 'token-replay': 4, 'two-places': 1 },
        signals: { waiting: 6, lost: 7 },
        detections: { waiting: 8, lost: 9 },
      }
      const numbers = await metrics.numbers()
      const told = Object.entries(numbers).filter(
        ([name, value]) => /_(detector|alerts|signals|detections|trail|sink)/.test(name) && value > 0,
      )
      assert.deepEqual(Object.fromEntries(told), {
        'latchkey_detector_hits_total{detector="token-replay"}': 4,
        'latchkey_detector_hits_total{detector="two-places"}': 1,
        'latchkey_alerts{state="open"}': 2,
        'latchkey_alerts{state="acknowledged"}': 1,
        latchkey_signals_waiting: 6,
        latchkey_signals_lost_total: 7,
        latchkey_detections_waiting: 8,
        latchkey_detections_lost_total: 9,
        latchkey_trail_queued: 5,
        latchkey_trail_written_total: 70,
        latchkey_trail_dropped_total: 3,
        'latchkey_sink_queued{sink="json-lines"}': 11,
        'latchkey_sink_dropped_total{sink="json-lines"}': 22,
        'latchkey_sink_failing{sink="json-lines"}': 1,
      })
      assert.equal(
        numbers['latchkey_detector_hits_total{detector="csrf-probing"}'],
        0,
        'what may come begins with zero',
      )
    })

    it('stop when they are told to', async () => {
      const server = startServer()
      const metrics = exporter(server.sessions, null)
      metrics.stop()
      await new Browser(server).signIn('alice')
      const numbers = await metrics.numbers()
      assert.deepEqual(
        Object.entries(numbers).filter(([, value]) => value > 0),
        [],
      )
    })
  })
}

/** The numbers at the beginning, by an exporter of their own, so that the census of the one under test is of the end. */
async function readAtOnce(exporter: (typeof exporters)[string], server: Server): Promise<Record<string, number>> {
  const metrics = exporter(server.sessions, null)
  const numbers = await metrics.numbers()
  metrics.stop()
  return numbers
}

it('of a real watch: a replayed token is a hit, an open alert and entries in the trail', async () => {
  for (const exporter of Object.values(exporters)) {
    const server = startServer()
    const watch = await createWatch(server.sessions, { store: memoryWatch() })
    const metrics = exporter(server.sessions, watch)
    const browser = new Browser(server)
    await browser.signIn('alice')
    const thief = browser.thief()
    await browser.rotate()
    await browser.see()
    server.clock.advance('5m')
    await thief.see()
    await watch.flush()
    const numbers = await metrics.numbers()
    assert.equal(numbers['latchkey_events_total{type="token.replayed"}'], 1)
    assert.equal(numbers['latchkey_detector_hits_total{detector="token-replay"}'], 1)
    assert.equal(numbers['latchkey_alerts{state="open"}'], (await watch.countAlerts()).open)
    assert.ok((numbers['latchkey_alerts{state="open"}'] ?? 0) > 0)
    assert.equal(numbers.latchkey_trail_written_total, watch.stats().written)
    await watch.close()
  }
})

it('what Prometheus gets and what OpenTelemetry gets are the same numbers under the same names', async () => {
  const server = startServer()
  const watch = sampleWatch()
  const all = Object.values(exporters).map(exporter => exporter(server.sessions, watch))
  for (const [, , act] of stories) await act(server, new Browser(server))
  watch.says = {
    ...watch.says,
    hits: { 'forged-token': 1 },
    sinks: [{ name: 'a', queued: 0, dropped: 1, failing: true }],
  }
  const [one, two] = await Promise.all(all.map(metrics => metrics.numbers()))
  assert.ok(one && Object.keys(one).length > 100)
  // The census of the one may be among what the other measures of the store.
  const withoutCensus = (numbers: Record<string, number> = {}) =>
    Object.fromEntries(Object.entries(numbers).filter(([name]) => !name.includes('directory-')))
  assert.deepEqual(withoutCensus(one), withoutCensus(two))
})

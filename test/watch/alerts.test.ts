import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { StoreError } from 'latchkey'
import { Alerts } from '../../src/watch/alerts.ts'
import { detectorNames } from '../../src/watch/detection.ts'
import type { WatchEvent } from '../../src/watch/events.ts'
import type { Notice } from '../../src/watch/notifier.ts'
import type { AlertStore } from '../../src/watch/store.ts'
import { memoryWatch } from '../../src/watch/stores/memory.ts'
import { type ManualTimers, manualTimers } from './manual-timers.ts'
import { sampleDetection } from './sample-detection.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs

/** One process's alerts; several of them may share a store and the time. */
function node({ store = memoryWatch() as AlertStore, timers = manualTimers() as ManualTimers } = {}) {
  const told: WatchEvent[] = []
  const notices: Notice[] = []
  const alerts = new Alerts({
    ...{ store, timers, clock: timers.clock.now, random: randomBytes },
    tell: event => told.push(event),
    notifiers: [{ name: 'mail', notify: async notice => void notices.push(notice) }],
  })
  const raise = (difference: Parameters<typeof sampleDetection>[0] = {}) =>
    alerts.raise(sampleDetection({ at: timers.clock.now(), ...difference }))
  const hits = () => told.filter(event => event.type === 'detector.hit')
  return { alerts, raise, told, hits, notices, store, timers }
}

/** A store whose `raise` does something else first. */
function faulty(
  store: AlertStore,
  raise: (work: () => ReturnType<AlertStore['raise']>) => ReturnType<AlertStore['raise']>,
) {
  return { ...store, raise: (alert, quietMs) => raise(() => store.raise(alert, quietMs)) } satisfies AlertStore
}

describe('raising an alert', () => {
  it('opens it, writes the hit down and notifies', async () => {
    const { raise, told, notices, timers } = node()
    const raised = await raise()
    await timers.settle()
    assert.equal(raised?.isNew, true)
    assert.match(raised.alert.id, /^[\w-]{22}$/)
    const { detector, sid, userId, evidence } = sampleDetection()
    const detail = { type: 'detector.hit', detector, alert: raised.alert.id, evidence }
    assert.deepEqual(told, [{ at: timers.clock.now(), sid, userId, origin: null, ...detail }])
    assert.deepEqual(
      notices.map(({ alert }) => alert),
      [raised.alert],
    )
  })

  it('the same fingerprint again is the same alert: counted, told once a minute, notified once', async () => {
    const { raise, hits, notices, timers } = node()
    const first = await raise()
    for (let count = 0; count < 100; count += 1) await raise()
    timers.clock.advance('1m')
    const last = await raise()
    await timers.settle()
    assert.deepEqual([last?.isNew, last?.alert.id, last?.alert.count], [false, first?.alert.id, 102])
    assert.equal(hits().length, 2)
    assert.equal(notices.length, 1)
  })

  it('ASVS 16.3.3: a warning that becomes an alert is told again, once, as worse', async () => {
    const { raise, hits, notices, timers } = node()
    const first = await raise({ severity: 'warning' })
    for (const severity of ['warning', 'alert', 'alert', 'warning', 'alert'] as const) await raise({ severity })
    await timers.settle()
    assert.deepEqual(
      notices.map(({ alert, isWorse }) => [alert.id, alert.severity, isWorse]),
      [
        [first?.alert.id, 'warning', false],
        [first?.alert.id, 'alert', true],
      ],
    )
    assert.equal(hits().length, 2, 'and written down at once, not only a minute later')
  })

  it('also one that somebody takes care of already, and one that another node opened', async () => {
    const one = node()
    const other = node({ store: one.store, timers: one.timers })
    const first = await one.raise({ severity: 'warning' })
    await one.alerts.acknowledge(first?.alert.id ?? '', 'op')
    await other.raise({ severity: 'alert' })
    await one.raise({ severity: 'alert' })
    await one.timers.settle()
    assert.deepEqual([one.notices.length, other.notices.length, other.notices[0]?.isWorse], [1, 1, true])
  })

  it('after an hour of quiet, and after it was closed, another one opens', async () => {
    const { alerts, raise, notices, timers } = node()
    await raise()
    timers.clock.advance('1h')
    const second = await raise()
    await alerts.close(second?.alert.id ?? '', 'op')
    const third = await raise()
    await timers.settle()
    assert.deepEqual([second?.isNew, third?.isNew], [true, true])
    assert.equal(notices.length, 3)
  })

  it('two nodes that see one attack: one alert, and exactly one notifies', async () => {
    const one = node()
    const other = node({ store: one.store, timers: one.timers })
    const all = await Promise.all(Array.from({ length: 40 }, (_, place) => (place % 2 ? one : other).raise()))
    await one.timers.settle()
    assert.equal(new Set(all.map(raised => raised?.alert.id)).size, 1)
    assert.equal(all.filter(raised => raised?.isNew).length, 1)
    assert.equal(one.notices.length + other.notices.length, 1)
  })

  it('detections that wait together go to the store as one, with the latest evidence and the highest severity', async () => {
    let calls = 0
    const store = faulty(memoryWatch(), work => {
      calls += 1
      return work()
    })
    const { alerts, raise, notices, timers } = node({ store })
    for (let count = 0; count < 10; count += 1) void raise({ fingerprint: `other ${count}` })
    for (let count = 0; count < 1_000; count += 1)
      void raise({ evidence: { count }, severity: count === 10 ? 'alert' : 'warning' })
    await alerts.flush()
    await timers.settle()
    assert.ok(calls <= 12, `${calls} calls`)
    const { alerts: open } = await store.alerts({ limit: 500 })
    const alert = open.find(({ fingerprint }) => fingerprint === sampleDetection().fingerprint)
    assert.deepEqual([alert?.severity, alert?.evidence], ['alert', { count: 999 }])
    assert.equal(notices.length, 11, 'one for each alert, however many waited together')
  })

  it('asks the store for four things at once at most', async () => {
    let [now, most] = [0, 0]
    const { timers, ...rest } = node()
    const store = faulty(rest.store, async work => {
      now += 1
      most = Math.max(most, now)
      await new Promise(resolve => setImmediate(resolve))
      now -= 1
      return work()
    })
    const { alerts, raise } = node({ store, timers })
    const all = Array.from({ length: 100 }, (_, place) => raise({ fingerprint: `flood ${place}` }))
    await alerts.flush()
    assert.equal(most, 4)
    assert.equal((await Promise.all(all)).filter(raised => raised?.isNew).length, 100)
  })
})

describe('a flood of detections about different things', () => {
  it('opens 200 alerts an hour for each detector and severity, and one that counts the rest', async () => {
    const { alerts, raise, store, timers } = node()
    const flood = (name: string, length: number, difference: Parameters<typeof raise>[0] = {}) =>
      Array.from({ length }, (_, place) => raise({ fingerprint: `${name} ${place}`, ...difference }))
    await Promise.all(flood('flood', 1_000, { sid: 'last', userId: 'eve', address: '198.51.100.9' }))
    const open = async () => (await store.alerts({ limit: 500 })).alerts
    assert.equal((await open()).length, 201)
    const many = (await open()).find(({ fingerprint }) => fingerprint === 'two-places:many')
    assert.deepEqual([many?.sid, many?.userId, many?.address], [null, null, null], 'about nobody')
    assert.deepEqual(many?.evidence, { more: 800, user: 'eve', session: 'last', address: '198.51.100.9' })
    assert.equal(many?.detector, 'two-places')
    await Promise.all(flood('flood', 200))
    assert.equal((await open()).length, 201, 'what has an alert keeps it')
    await raise({ fingerprint: 'urgent', severity: 'alert' })
    await raise({ fingerprint: 'other', detector: 'csrf-probing' })
    assert.equal((await open()).length, 203, 'neither what is more urgent nor another detector is hidden')
    timers.clock.advance('1h')
    const later = await raise({ fingerprint: 'later' })
    assert.equal(later?.alert.fingerprint, 'later', 'in the next hour there is room again')
    await alerts.stop()
  })

  it('tells notifiers of the one for many when it begins, and when it becomes more urgent', async () => {
    const { raise, notices, timers } = node()
    for (const severity of ['warning', 'alert'] as const)
      for (let place = 0; place < 300; place += 1) await raise({ fingerprint: `${severity} ${place}`, severity })
    await timers.pass(minuteMs)
    const told = notices.filter(({ alert }) => alert.fingerprint === 'two-places:many')
    assert.ok(told.length > 0)
    assert.deepEqual([told.at(-1)?.alert.severity, told.at(-1)?.isWorse], ['alert', true])
  })
})

describe('the life of an alert', () => {
  it('open, acknowledged, closed: with who and when, and told', async () => {
    const { alerts, raise, told, timers } = node()
    const id = (await raise())?.alert.id ?? ''
    timers.clock.advance('5m')
    const acknowledged = await alerts.acknowledge(id, 'op')
    assert.deepEqual([acknowledged?.state, acknowledged?.moved], ['acknowledged', { by: 'op', at: timers.clock.now() }])
    const at = timers.clock.now()
    const { sid, userId } = sampleDetection()
    assert.deepEqual(told[1], { at, sid, userId, origin: null, type: 'alert.acknowledged', alert: id, by: 'op' })
    const closed = await alerts.close(id, 'chief')
    assert.deepEqual([closed?.state, closed?.moved?.by], ['closed', 'chief'])
    assert.deepEqual(told[2], { at, sid, userId, origin: null, type: 'alert.closed', alert: id, by: 'chief' })
  })

  it('a move that is none is null and not told', async () => {
    const { alerts, raise, told } = node()
    const id = (await raise())?.alert.id ?? ''
    await alerts.close(id, 'op')
    const before = told.length
    assert.equal(await alerts.acknowledge(id, 'op'), null)
    assert.equal(await alerts.close(id, 'op'), null)
    assert.equal(await alerts.close('nobody', 'op'), null)
    assert.equal(told.length, before)
  })

  it('a store that fails or hangs is a StoreError, so that the console says so', async () => {
    const timers = manualTimers()
    const refusing = node({ timers, store: { ...memoryWatch(), moveAlert: () => Promise.reject(new Error('disk')) } })
    await assert.rejects(refusing.alerts.close('x', 'op'), StoreError)
    const hanging = node({ timers, store: { ...memoryWatch(), moveAlert: () => new Promise(() => {}) } })
    const rejected = assert.rejects(hanging.alerts.acknowledge('x', 'op'), StoreError)
    await timers.pass(5_000)
    await rejected
    assert.deepEqual(refusing.told.concat(hanging.told), [])
  })
})

describe('when the store fails', () => {
  it('it is tried again, and the alert is opened once', async () => {
    const { store, timers } = node()
    let failures = 3
    const flaky = faulty(store, async work => {
      failures -= 1
      if (failures >= 0) throw new Error('disk')
      return work()
    })
    const { alerts, raise, notices } = node({ store: flaky, timers })
    const raised = raise()
    await timers.pass(10_000)
    assert.deepEqual([(await raised)?.isNew, (await raised)?.alert.count], [true, 1])
    assert.deepEqual(alerts.stats, { waiting: 0, lost: 0 })
    assert.equal(notices.length, 1)
  })

  it('an answer that was lost on the way does not lose the notice', async () => {
    const { store, timers } = node()
    let lost = false
    const forgetful = faulty(store, async work => {
      const raised = await work()
      if (lost) return raised
      lost = true
      throw new Error('connection reset')
    })
    const { raise, notices } = node({ store: forgetful, timers })
    const raised = raise()
    await timers.pass(10_000)
    assert.equal((await raised)?.isNew, true)
    assert.equal(notices.length, 1)
  })

  it('an answer that was lost on the way does not lose the notice that it got worse', async () => {
    const { store, timers } = node()
    let calls = 0
    const forgetful = faulty(store, async work => {
      const raised = await work()
      calls += 1
      if (calls === 2) throw new Error('connection reset')
      return raised
    })
    const { raise, notices } = node({ store: forgetful, timers })
    await raise({ severity: 'warning' })
    const raised = raise({ severity: 'alert' })
    await timers.pass(10_000)
    assert.deepEqual([(await raised)?.isNew, (await raised)?.isWorse], [false, true])
    assert.deepEqual(
      notices.map(({ isWorse }) => isWorse),
      [false, true],
    )
  })

  it('what gets worse is told from memory, too, as the same alert', async () => {
    const timers = manualTimers()
    const { raise, notices } = node({ timers, store: faulty(memoryWatch(), () => Promise.reject(new Error('disk'))) })
    for (const severity of ['warning', 'alert', 'warning', 'alert'] as const) {
      const raised = raise({ severity })
      await timers.pass(30_000)
      await raised
    }
    assert.deepEqual(
      notices.map(({ alert, isWorse }) => [alert.severity, isWorse]),
      [
        ['warning', false],
        ['alert', true],
      ],
    )
    assert.equal(notices[0]?.alert.id, notices[1]?.alert.id)
  })

  it('raise never rejects, and the alert is told and notified from memory, once', async () => {
    const timers = manualTimers()
    const { alerts, raise, hits, notices } = node({
      timers,
      store: faulty(memoryWatch(), () => Promise.reject(new Error('disk'))),
    })
    const raised = Array.from({ length: 20 }, () => raise())
    await timers.pass(30_000)
    assert.deepEqual(await Promise.all(raised), Array(20).fill(null))
    await raise()
    assert.equal(hits().length, 1)
    assert.equal(notices.length, 1)
    assert.equal(alerts.stats.waiting, 0)
    assert.ok(alerts.stats.lost >= 2)
    timers.clock.advance('1h')
    await raise()
    await timers.settle()
    assert.equal(notices.length, 2, 'after the quiet it is told again')
  })

  it('a store that hangs piles nothing up: what waits is given up together, and later detections are tried once', async () => {
    const timers = manualTimers()
    let calls = 0
    const store = faulty(memoryWatch(), () => {
      calls += 1
      return new Promise(() => {})
    })
    const { alerts, raise, notices } = node({ timers, store })
    const flood = Array.from({ length: 3_600 }, (_, place) =>
      raise({ fingerprint: `flood ${place}`, detector: detectorNames[place % 18] ?? 'two-places' }),
    )
    assert.equal(alerts.stats.waiting, 1_004)
    await timers.pass(minuteMs)
    assert.equal(
      (await Promise.all(flood)).every(raised => raised === null),
      true,
    )
    assert.deepEqual(alerts.stats, { waiting: 0, lost: 3_600 })
    assert.ok(notices.length >= 20 && notices.length <= 22)
    calls = 0
    const later = raise()
    await timers.pass(5_000)
    assert.equal(await later, null)
    assert.equal(calls, 1)
  })

  it('and comes back, everything is as before', async () => {
    const timers = manualTimers()
    let down = true
    const store = faulty(memoryWatch(), work => (down ? Promise.reject(new Error('disk')) : work()))
    const { raise } = node({ timers, store })
    const lost = raise()
    await timers.pass(30_000)
    assert.equal(await lost, null)
    down = false
    assert.equal((await raise())?.isNew, true)
    down = true
    const later = raise()
    await timers.settle()
    down = false
    await timers.pass(1_000)
    assert.equal((await later)?.alert.count, 2, 'it is tried again like in good times')
  })
})

describe('stopping', () => {
  it('brings what is under way to the store and to the notifiers', async () => {
    const { alerts, raise, hits, notices } = node()
    void raise()
    await alerts.stop()
    assert.deepEqual([hits().length, notices.length], [1, 1])
  })

  it('tells what did not arrive', async () => {
    const timers = manualTimers()
    const told: WatchEvent[] = []
    const alerts = new Alerts({
      ...{ store: memoryWatch(), timers, clock: timers.clock.now, random: randomBytes, quietMs: hourMs },
      tell: event => told.push(event),
      notifiers: [{ name: 'webhook', notify: () => Promise.reject(new Error('no')) }],
    })
    const raised = await alerts.raise(sampleDetection())
    await alerts.stop()
    const { sid, userId } = sampleDetection()
    const detail = { type: 'alert.undelivered', alert: raised?.alert.id, notifier: 'webhook' }
    assert.deepEqual(told.at(-1), { at: timers.clock.now(), sid, userId, origin: null, ...detail })
  })
})

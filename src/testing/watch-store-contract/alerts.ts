import assert from 'node:assert/strict'
import { describe } from 'node:test'
import type { Alert, AlertQuery, WatchStore } from '../../watch/store.ts'
import { fifty, sampleAlert, type WatchCheck } from './check.ts'

const hour = 3_600_000

/** What holds for alerts and their life. */
export function alerts(check: WatchCheck): void {
  describe('alerts', () => {
    check('an alert begins open, seen once, with all that was told', async store => {
      const begun = sampleAlert({ sid: 'a sid', address: '192.0.2.1', severity: 'alert' })
      const { at, ...told } = begun
      const expected: Alert = { ...told, state: 'open', count: 1, firstAt: at, lastAt: at, moved: null }
      assert.deepEqual(await store.raise(begun, hour), { alert: expected, isNew: true, isWorse: false })
      assert.deepEqual(await store.alert(begun.id), expected)
      assert.equal(await store.alert('nobody'), null)
      assert.deepEqual(await store.countAlerts(), { open: 1, acknowledged: 0 })
    })

    check('what is seen again before it was quiet for long is the same alert, with what was seen last', async store => {
      const first = sampleAlert({ severity: 'alert', at: 1_000 })
      await store.raise(first, hour)
      const again = sampleAlert({ severity: 'warning', at: 1_000 + hour - 1, evidence: { seconds: 9 }, sid: 'other' })
      const { alert, isNew, isWorse } = await store.raise(again, hour)
      assert.deepEqual([isNew, isWorse], [false, false])
      const { id, count, severity, firstAt, lastAt, evidence, sid } = alert
      assert.deepEqual([id, count, severity, firstAt, lastAt, sid], [first.id, 2, 'alert', 1_000, again.at, null])
      assert.deepEqual(evidence, { seconds: 9 })
      assert.deepEqual(await store.alert(first.id), alert)
      assert.equal(await store.alert(again.id), null)
    })

    check('a higher severity stays', async store => {
      const { id } = (await store.raise(sampleAlert({ severity: 'warning' }), hour)).alert
      await store.raise(sampleAlert({ severity: 'alert' }), hour)
      await store.raise(sampleAlert({ severity: 'warning' }), hour)
      assert.deepEqual([(await store.alert(id))?.severity, (await store.alert(id))?.count], ['alert', 3])
    })

    check('whoever makes an alert more urgent hears that it got worse, and nobody else does', async store => {
      const raise = (severity: Alert['severity'], at: number) => store.raise(sampleAlert({ severity, at }), hour)
      const answers = [await raise('info', 1_000)]
      for (const severity of ['info', 'warning', 'warning', 'info', 'alert', 'warning', 'alert'] as const)
        answers.push(await raise(severity, 1_000))
      assert.deepEqual(
        answers.map(({ isNew, isWorse }) => (isNew ? 'new' : isWorse ? 'worse' : 'same')),
        ['new', 'same', 'worse', 'same', 'same', 'worse', 'same', 'same'],
      )
      const anew = await raise('alert', 1_000 + hour)
      assert.deepEqual([anew.isNew, anew.isWorse], [true, false], 'what is new did not get worse')
      await store.raise(sampleAlert({ fingerprint: 'taken care of' }), hour)
      const { alert } = await store.raise(sampleAlert({ fingerprint: 'taken care of' }), hour)
      await store.moveAlert(alert.id, 'acknowledged', 'root', alert.lastAt)
      const worse = await store.raise(sampleAlert({ fingerprint: 'taken care of', severity: 'alert' }), hour)
      assert.deepEqual([worse.isWorse, worse.alert.state, worse.alert.severity], [true, 'acknowledged', 'alert'])
    })

    check('of 50 sightings at once that are more urgent, one makes it worse', async store => {
      await store.raise(sampleAlert({ severity: 'warning' }), hour)
      const answers = await Promise.all(fifty.map(() => store.raise(sampleAlert({ severity: 'alert' }), hour)))
      assert.equal(answers.filter(({ isWorse }) => isWorse).length, 1)
    })

    check(
      'a sighting that comes late, from a node whose clock is behind, counts and moves no instant back',
      async store => {
        const { alert } = await store.raise(sampleAlert({ at: 5_000 }), hour)
        const late = await store.raise(sampleAlert({ at: 4_000 }), hour)
        assert.deepEqual([late.isNew, late.alert.id, late.alert.count, late.alert.lastAt], [false, alert.id, 2, 5_000])
        assert.equal(late.alert.firstAt, 4_000)
      },
    )

    check('what was quiet for long is a new alert, and closes the open one', async store => {
      const old = sampleAlert({ at: 1_000 })
      await store.raise(old, hour)
      const { alert, isNew } = await store.raise(sampleAlert({ at: 1_000 + hour }), hour)
      assert.deepEqual([isNew, alert.count, alert.state], [true, 1, 'open'])
      const closed = await store.alert(old.id)
      assert.deepEqual([closed?.state, closed?.moved], ['closed', { by: null, at: 1_000 + hour }])
      assert.deepEqual(await store.countAlerts(), { open: 1, acknowledged: 0 })
    })

    check(
      'an acknowledged alert goes on, and after it was quiet for long it is left to who takes care of it',
      async store => {
        const old = sampleAlert({ at: 1_000 })
        await store.raise(old, hour)
        await store.moveAlert(old.id, 'acknowledged', 'root', 1_001)
        const again = await store.raise(sampleAlert({ at: 2_000 }), hour)
        assert.deepEqual([again.isNew, again.alert.state, again.alert.count], [false, 'acknowledged', 2])
        const later = await store.raise(sampleAlert({ at: 2_000 + hour }), hour)
        assert.equal(later.isNew, true)
        assert.equal((await store.alert(old.id))?.state, 'acknowledged')
        const last = await store.raise(sampleAlert({ at: 2_001 + hour }), hour)
        assert.equal(last.alert.id, later.alert.id, 'the one that was seen lately goes on')
      },
    )

    check('what is seen after its alert was closed is a new one', async store => {
      const { alert } = await store.raise(sampleAlert(), hour)
      await store.moveAlert(alert.id, 'closed', 'root', alert.lastAt)
      assert.equal((await store.raise(sampleAlert(), hour)).isNew, true)
      assert.deepEqual(await store.countAlerts(), { open: 1, acknowledged: 0 })
    })

    check('of 50 sightings at once one opens an alert, and all are counted', async store => {
      const answers = await Promise.all(fifty.map(i => store.raise(sampleAlert({ at: 1_000 + i }), hour)))
      const opened = answers.filter(({ isNew }) => isNew)
      assert.equal(opened.length, 1)
      const { open } = await store.countAlerts()
      const alert = await store.alert(opened[0]?.alert.id ?? '')
      assert.deepEqual([open, alert?.count, alert?.firstAt, alert?.lastAt], [1, 50, 1_000, 1_049])
      const counts = answers.map(({ alert }) => alert.count).sort((a, b) => a - b)
      assert.deepEqual(
        counts,
        fifty.map(i => i + 1),
        'each saw the others before it',
      )
    })

    check('an alert moves on from open to acknowledged to closed, and never back', async store => {
      const { id } = (await store.raise(sampleAlert(), hour)).alert
      const acknowledged = await store.moveAlert(id, 'acknowledged', 'root', 7)
      assert.deepEqual([acknowledged?.state, acknowledged?.moved], ['acknowledged', { by: 'root', at: 7 }])
      assert.deepEqual(await store.countAlerts(), { open: 0, acknowledged: 1 })
      assert.equal(await store.moveAlert(id, 'acknowledged', 'other', 8), null)
      const closed = await store.moveAlert(id, 'closed', 'other', 9)
      assert.deepEqual([closed?.state, closed?.moved], ['closed', { by: 'other', at: 9 }])
      for (const to of ['acknowledged', 'closed'] as const) assert.equal(await store.moveAlert(id, to, 'root', 9), null)
      assert.deepEqual(await store.alert(id), closed)
      assert.equal(await store.moveAlert('nobody', 'closed', 'root', 9), null)
      const answers = await Promise.all(
        await store
          .raise(sampleAlert(), hour)
          .then(({ alert }) => fifty.map(i => store.moveAlert(alert.id, 'closed', `${i}`, i))),
      )
      assert.equal(answers.filter(answer => answer !== null).length, 1, 'of 50 at once one moves it')
    })

    check('alerts are found by state, detector, session and user, newest first, on pages of any size', async store => {
      const all: Alert[] = []
      for (let i = 0; i < 40; i += 1) {
        const detector = i % 3 === 0 ? 'two-places' : 'token-replay'
        const about = { detector, sid: i % 4 === 0 ? null : `sid ${i % 5}`, userId: `user ${i % 2}` } as const
        const { alert } = await store.raise(
          sampleAlert({ ...about, fingerprint: `${i}`, at: 1_000 + Math.floor(i / 3) }),
          hour,
        )
        const moved = i % 7 === 0 ? await store.moveAlert(alert.id, 'closed', 'root', 5) : null
        all.push(moved ?? alert)
      }
      all.sort((one, other) => other.lastAt - one.lastAt || (one.id < other.id ? 1 : -1))
      const queries: readonly Omit<AlertQuery, 'limit'>[] = [
        {},
        { state: 'open' },
        { state: 'closed' },
        { state: 'acknowledged' },
        { detector: 'two-places' },
        { sid: 'sid 3' },
        { userId: 'user 1' },
        { state: 'open', detector: 'token-replay', sid: 'sid 2', userId: 'user 1' },
        { sid: 'nobody' },
      ]
      for (const query of queries) {
        const entries = Object.entries(query) as [keyof Alert, unknown][]
        const expected = all.filter(alert => entries.every(([name, value]) => alert[name] === value))
        for (const limit of [1, 6, 500])
          assert.deepEqual(await allPages(store, { ...query, limit }), expected, JSON.stringify(query))
      }
    })

    check('nonsense for a cursor or a limit is a mistake of the caller', async store => {
      const usage = { code: 'usage' }
      for (const cursor of ['', 'x', '1', '1.1.a.b', "1.'; --", '99999999999999999999.a', '\0'])
        await assert.rejects(store.alerts({ limit: 1, cursor }), usage, cursor)
      for (const limit of [0, 1.5, 501]) await assert.rejects(store.alerts({ limit }), usage)
    })

    check('forgetting removes alerts that were quiet for long, whatever their state, at most so many', async store => {
      const ids: string[] = []
      for (let i = 0; i < 10; i += 1) {
        const { alert } = await store.raise(sampleAlert({ fingerprint: `${i}`, at: 1_000 + i }), hour)
        ids.push(alert.id)
        if (i % 2 === 0) await store.moveAlert(alert.id, 'closed', 'root', 5_000)
        else if (i === 1) await store.moveAlert(alert.id, 'acknowledged', 'root', 5_000)
      }
      assert.equal(await store.forgetAlerts(1_000, 100), 0, 'before means before')
      assert.equal(await store.forgetAlerts(1_007, 5), 5)
      assert.equal(await store.forgetAlerts(1_007, 5), 2)
      assert.equal(await store.forgetAlerts(1_007, 5), 0)
      const left = await Promise.all(ids.map(id => store.alert(id)))
      assert.deepEqual(
        left.map(alert => alert !== null),
        [false, false, false, false, false, false, false, true, true, true],
      )
      assert.deepEqual(await store.countAlerts(), { open: 2, acknowledged: 0 })
    })
  })
}

async function allPages(store: WatchStore, query: AlertQuery): Promise<Alert[]> {
  const found: Alert[] = []
  let cursor: string | undefined
  for (;;) {
    const page = await store.alerts({ ...query, cursor })
    found.push(...page.alerts)
    if (page.next === null) return found
    cursor = page.next
  }
}

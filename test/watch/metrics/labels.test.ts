import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { SessionEvent, StoreMeter } from 'latchkey'
import { instruments } from '../../../src/watch/metrics/instruments.ts'
import { operations } from '../../../src/watch/metrics/label-values.ts'
import { prometheusName } from '../../../src/watch/metrics/prometheus.ts'
import { Browser } from '../../actors/browser.ts'
import { startServer } from '../../actors/server.ts'
import { exporters } from './exporters.ts'
import { sampleWatch } from './sample-watch.ts'

const root = join(import.meta.dirname, '../../..')
/** What a client, or a user, would like to be called. */
const hostile = 'mallory"} 1\nlatchkey_sessions_active 0 # <script>'

for (const [kind, exporter] of Object.entries(exporters)) {
  describe(`labels for ${kind}`, () => {
    it('ASVS 16.2.5: no label holds a user, a sid, an address, a user agent or an account, whatever happens', async () => {
      const server = startServer()
      const metrics = exporter(server.sessions, sampleWatch())
      const browser = new Browser(server, null, '198.51.100.77')
      const how = { headers: { 'user-agent': `Agent-${hostile}` } }
      await browser.put({ note: 'said-in-confidence' }, how)
      await browser.signIn(`user-${hostile}`, { amr: ['pwd'] }, how)
      const { body } = await browser.see(how)
      await browser.send(session => session.signInFailed(`account-${hostile}`), how)
      const stolen = browser.token
      await browser.rotate(how)
      await browser.see({ ...how, method: 'POST', headers: { ...how.headers, 'sec-fetch-site': 'cross-site' } })
      await browser.see({ ...how, token: 'nobodys-token' })
      await browser.signOut(how)
      await browser.see({ ...how, token: stolen })
      await server.sessions.endUser(`user-${hostile}`)
      assert.ok(body?.id)
      const said = await metrics.everything()
      for (const secret of [
        'mallory',
        '<script>',
        'Agent-',
        'account-',
        '198.51.100',
        'confidence',
        body.id,
        'nobodys-token',
      ])
        assert.ok(!said.includes(secret), secret)
    })

    it('a value that is none of those known beforehand is counted as other', async () => {
      const listeners: ((event: SessionEvent) => void)[] = []
      const meters: StoreMeter[] = []
      const sessions = {
        listable: false,
        census: () => Promise.reject(new Error('not asked')),
        subscribe: (listener: (event: SessionEvent) => void) => {
          listeners.push(listener)
          return () => {}
        },
        measure: (meter: StoreMeter) => {
          meters.push(meter)
          return () => {}
        },
      }
      const watch = sampleWatch()
      const metrics = exporter(sessions, watch)
      const about = { at: 0, sid: null, userId: null, origin: null }
      const events = [
        { ...about, type: 'session.ended', reason: hostile },
        { ...about, type: 'session.signed-in', amr: [hostile], aal: hostile, from: null },
        { ...about, type: 'request.refused', reason: hostile },
        { ...about, type: hostile },
      ] as unknown as SessionEvent[]
      for (const event of events) for (const listener of listeners) listener(event)
      for (const meter of meters) {
        meter.stored(hostile, 1, 'failed')
        meter.stored(hostile, 1, 'done')
      }
      watch.says = { ...watch.says, hits: { [hostile]: 3 } as object }
      watch.alerts = { open: 1, acknowledged: 0, [hostile]: 4 } as typeof watch.alerts
      const said = await metrics.everything()
      for (const text of ['mallory', '<script>']) assert.ok(!said.includes(text), text)
      const others = Object.entries(await metrics.numbers()).filter(([name]) => name.endsWith('"other"}'))
      assert.deepEqual(Object.fromEntries(others), {
        'latchkey_sessions_ended_total{reason="other"}': 1,
        'latchkey_sign_ins_total{level="other"}': 1,
        'latchkey_refusals_total{reason="other"}': 1,
        'latchkey_events_total{type="other"}': 1,
        'latchkey_store_operation_duration_seconds_count{operation="other"}': 2,
        'latchkey_store_failures_total{operation="other"}': 1,
        'latchkey_detector_hits_total{detector="other"}': 3,
        'latchkey_alerts{state="other"}': 4,
      })
    })
  })
}

describe('the table of instruments', () => {
  it('knows every operation that the engine asks a store for', () => {
    const asked = globSync('src/{session,bearer}/*.ts', { cwd: root }).flatMap(file =>
      [...readFileSync(join(root, file), 'utf8').matchAll(/\.ask\(\s*'([a-z-]+)'/g)].map(([, operation]) => operation),
    )
    assert.deepEqual(new Set(['read', ...asked]), new Set(operations))
  })

  it('has names as OpenTelemetry and Prometheus want them, each once', () => {
    const names = instruments.map(({ name }) => name)
    assert.equal(new Set(names).size, names.length)
    assert.equal(new Set(instruments.map(it => prometheusName(it, 'latchkey_'))).size, names.length)
    for (const instrument of instruments) {
      const { name, kind, unit, help, label, buckets } = instrument
      assert.match(name, /^latchkey(\.[a-z]+(_[a-z]+)*)+$/)
      assert.doesNotMatch(name, /total|count|seconds|bucket|sum$/, 'the exporter says that')
      assert.match(prometheusName(instrument, 'latchkey_'), /^latchkey_[a-z_]+$/)
      assert.equal(prometheusName(instrument, 'latchkey_').endsWith('_total'), kind === 'counter')
      assert.match(unit, /^(s|\{[a-z-]+\})$/)
      assert.match(help, /^[A-Z0-9].*\.$/)
      if (label) assert.match(label.name, /^[a-z]+$/)
      if (label) assert.ok(!['le', 'quantile', 'job', 'instance'].includes(label.name))
      assert.equal(kind === 'histogram', buckets !== undefined)
      assert.deepEqual(
        buckets?.toSorted((a, b) => a - b),
        buckets,
      )
    }
  })

  it('is bounded: less than two hundred series, were everything to happen', () => {
    const series = instruments.map(({ label, buckets }) => {
      const values = label && label.values !== 'configured' ? label.values.length + 1 : 1
      return values * ((buckets?.length ?? -2) + 3)
    })
    const all = series.reduce((sum, n) => sum + n, 0)
    assert.ok(all < 500, String(all))
  })
})

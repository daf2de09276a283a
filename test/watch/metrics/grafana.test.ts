import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { instruments } from '../../../src/watch/metrics/instruments.ts'
import { prometheusName } from '../../../src/watch/metrics/prometheus.ts'

interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly datasource?: { readonly uid: string }
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[]
}

const root = join(import.meta.dirname, '../../..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const dashboard: { readonly panels: Panel[]; readonly templating: { readonly list: { name: string }[] } } = JSON.parse(
  read('docs/grafana/latchkey.json'),
)
const panels = dashboard.panels.filter(({ type }) => type !== 'row')
const queries = panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr, legendFormat }) => ({ title, expr, legendFormat })),
)
const byName = new Map(instruments.map(instrument => [prometheusName(instrument, 'latchkey_'), instrument]))
const metric = /\blatchkey_[a-z_]+/g
/** The instrument behind a name in a query; a histogram has three. */
const instrumentOf = (name: string) => byName.get(name) ?? byName.get(name.replace(/_(bucket|count|sum)$/, ''))

describe('the dashboard for Grafana', () => {
  it('asks for metrics only that there are', () => {
    for (const { title, expr } of queries) {
      const names = expr.match(metric) ?? []
      assert.ok(names.length > 0, title)
      for (const name of names) {
        const instrument = instrumentOf(name)
        assert.ok(instrument, `${title}: ${name}`)
        assert.equal(name === prometheusName(instrument, 'latchkey_'), instrument.kind !== 'histogram', name)
      }
    }
  })

  it('shows all there are', () => {
    const shown = new Set(queries.flatMap(({ expr }) => expr.match(metric) ?? []).map(instrumentOf))
    assert.deepEqual(
      instruments.filter(instrument => !shown.has(instrument)).map(({ name }) => name),
      [],
    )
  })

  it('filters, groups and names by labels only that there are, and by values that they have', () => {
    for (const { title, expr, legendFormat } of queries) {
      const labels = (expr.match(metric) ?? []).flatMap(name => instrumentOf(name)?.label ?? [])
      const known = new Set(['job', 'le', ...labels.map(({ name }) => name)])
      const grouped = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, names = '']) => names.split(', '))
      const named = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, name = '']) => name)
      const filtered = [...expr.matchAll(/(\w+)(=~?)"([^"]*)"/g)]
      for (const name of [...grouped, ...named, ...filtered.map(([, name = '']) => name)])
        assert.ok(known.has(name), `${title}: ${name}`)
      for (const [, name, operator, value = ''] of filtered) {
        const values = labels.find(label => label.name === name)?.values ?? 'configured'
        if (values === 'configured') continue
        const matches = (text: string) => (operator === '=' ? text === value : new RegExp(`^(${value})$`).test(text))
        assert.ok(values.some(matches), `${title}: ${value}`)
      }
    }
  })

  it('adds up counters and takes the greatest of what every process reports alike', () => {
    for (const { title, expr } of queries) {
      for (const [name] of expr.matchAll(metric)) {
        const instrument = instrumentOf(name)
        if (instrument?.kind === 'gauge') assert.ok(expr.startsWith(instrument.shared ? 'max' : 'sum'), title)
        else assert.match(expr, new RegExp(`(rate|increase)\\(${name}\\{`), title)
      }
    }
  })

  it('can be imported: whoever does so chooses the data source, and no panel lies over another', () => {
    assert.deepEqual(
      dashboard.templating.list.map(({ name }) => name),
      ['datasource', 'job'],
    )
    const places = new Set<string>()
    for (const { title, description, datasource, gridPos } of panels) {
      assert.equal(datasource?.uid, '${'.concat('datasource}'), title)
      assert.ok(description?.endsWith('.'), title)
      const { x, y, w, h } = gridPos
      assert.ok(x + w <= 24, title)
      for (let column = x; column < x + w; column += 1) {
        for (let line = y; line < y + h; line += 1) {
          assert.ok(!places.has(`${column} ${line}`), title)
          places.add(`${column} ${line}`)
        }
      }
    }
    const ids = dashboard.panels.map(({ id }) => id)
    assert.equal(new Set(ids).size, ids.length)
  })
})

it('docs/metrics.md names every metric there is, with its kind and label, and no other', () => {
  const rows = [
    ...read('docs/metrics.md').matchAll(/^\| `(latchkey_[a-z_]+)` \| `(latchkey\.[a-z._]+)` \| (\w+) \| (.*?) \|/gm),
  ]
  assert.deepEqual(
    rows.map(([, prometheus, openTelemetry, kind, label]) => [prometheus, openTelemetry, kind, label]),
    instruments.map(({ name, kind, label, ...rest }) => [
      prometheusName({ name, kind, unit: rest.unit }, 'latchkey_'),
      name,
      kind,
      label ? `\`${label.name}\`` : '',
    ]),
  )
})

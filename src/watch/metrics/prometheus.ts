import { UsageError } from '../../errors.ts'
import type { Instrument } from './instruments.ts'
import type {
  PrometheusClient,
  PrometheusHistogram,
  PrometheusRegistry,
  PrometheusSettings,
} from './prometheus-client.ts'
import { type MeasuredSessions, type MeasuredWatch, type Reading, Tally } from './tally.ts'

/** Settings of `prometheusMetrics`. */
export interface PrometheusOptions<Registry> {
  /** Where the metrics go. Default: the client's own registry, `client.register`. */
  readonly registry?: Registry
  /** What all names begin with: letters, digits and underscores. Default `latchkey_`, which is what the dashboard looks for. */
  readonly prefix?: string
}

/** Metrics that are being exported. */
export interface Metrics {
  /** Takes them out again. */
  stop(): void
}

/**
 * Exports all metrics to Prometheus, by the library `prom-client`: pass the module. Without a watch (`null`) those about
 * detectors, alerts and the trail are left out. What the stores must be asked for is asked for when somebody scrapes, every 15 s
 * at most.
 *
 * Throws a `UsageError` for a prefix that is none; `prom-client` throws when the registry has metrics of these names already.
 */
export function prometheusMetrics<Registry extends PrometheusRegistry>(
  sessions: MeasuredSessions,
  watch: MeasuredWatch | null,
  client: PrometheusClient<Registry>,
  options: PrometheusOptions<Registry> = {},
): Metrics {
  const { registry = client.register, prefix = 'latchkey_' } = options
  if (!/^[a-z_][a-z0-9_]*$/i.test(prefix)) {
    throw new UsageError(
      `prometheusMetrics: prefix is ${JSON.stringify(prefix)}: write letters, digits and underscores, such as 'campus_'.`,
    )
  }
  const histograms = new Map<Instrument, PrometheusHistogram>()
  const tally = new Tally(sessions, watch, (instrument, value, labels) =>
    histograms.get(instrument)?.observe(labels, value),
  )
  const exported: string[] = []
  const stop = () => {
    tally.stop()
    // Those of others, which may be why this failed half-way, stay.
    for (const name of exported.splice(0)) registry.removeSingleMetric(name)
  }
  try {
    for (const instrument of tally.instruments) {
      const settings = settingsOf(instrument, prefix, registry)
      const read = async () => tally.readings(instrument, await tally.state())
      if (instrument.kind === 'counter') exportCounter(client, settings, read)
      if (instrument.kind === 'gauge') exportGauge(client, settings, read)
      if (instrument.kind === 'histogram') {
        histograms.set(instrument, new client.Histogram({ ...settings, buckets: [...(instrument.buckets ?? [])] }))
      }
      exported.push(settings.name)
    }
  } catch (error) {
    stop()
    throw error
  }
  return { stop }
}

/** The name that Prometheus' conventions give to an instrument, and that exporters of OpenTelemetry make of its own name, too. */
export function prometheusName(
  { name, kind, unit }: Pick<Instrument, 'name' | 'kind' | 'unit'>,
  prefix: string,
): string {
  const stem = name.slice('latchkey.'.length).replaceAll('.', '_')
  return `${prefix}${stem}${unit === 's' ? '_seconds' : ''}${kind === 'counter' ? '_total' : ''}`
}

function settingsOf<Registry>(
  instrument: Instrument,
  prefix: string,
  registry: Registry,
): PrometheusSettings<Registry> {
  return {
    name: prometheusName(instrument, prefix),
    help: instrument.help,
    labelNames: instrument.label ? [instrument.label.name] : [],
    registers: [registry],
    aggregator: instrument.shared ? 'max' : 'sum',
  }
}

type Read = () => Promise<readonly Reading[]>

function exportCounter<Registry extends PrometheusRegistry>(
  client: PrometheusClient<Registry>,
  settings: PrometheusSettings<Registry>,
  read: Read,
): void {
  const counter = new client.Counter({
    ...settings,
    async collect() {
      const readings = await read()
      counter.reset()
      for (const { labels, value } of readings) counter.inc(labels, value)
    },
  })
}

function exportGauge<Registry extends PrometheusRegistry>(
  client: PrometheusClient<Registry>,
  settings: PrometheusSettings<Registry>,
  read: Read,
): void {
  const gauge = new client.Gauge({
    ...settings,
    async collect() {
      const readings = await read()
      gauge.reset()
      // Unknown is not zero.
      if (settings.labelNames.length === 0) gauge.remove({})
      for (const { labels, value } of readings) gauge.set(labels, value)
    },
  })
}

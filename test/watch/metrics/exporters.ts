import { DataPointType, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import {
  type MeasuredSessions,
  type MeasuredWatch,
  type Metrics,
  openTelemetryMetrics,
  prometheusMetrics,
} from 'latchkey/watch/metrics'
import client from 'prom-client'

/** Metrics as whoever scrapes or collects them gets them. */
export interface Exported extends Metrics {
  /** All numbers, under `name{label="value"}` in Prometheus' spelling; of a histogram only how many there were. */
  numbers(): Promise<Record<string, number>>
  /** Everything that leaves the process. */
  everything(): Promise<string>
}

export type Exporter = (sessions: MeasuredSessions, watch: MeasuredWatch | null) => Exported

/** The two doors, with the real libraries behind them. */
export const exporters: Readonly<Record<string, Exporter>> = {
  Prometheus(sessions, watch) {
    const registry = new client.Registry()
    const { stop } = prometheusMetrics(sessions, watch, client, { registry })
    return {
      stop,
      everything: () => registry.metrics(),
      async numbers() {
        const lines = (await registry.metrics()).split('\n').filter(line => line !== '' && !line.startsWith('#'))
        return Object.fromEntries(
          lines.flatMap(line => {
            const [, name = '', value] = /^(.*) (\S+)$/.exec(line) ?? []
            return /_(bucket|sum)(\{|$)/.test(name) ? [] : [[name, Number(value)]]
          }),
        )
      },
    }
  },
  OpenTelemetry(sessions, watch) {
    const reader = new Reader()
    const { stop } = openTelemetryMetrics(
      sessions,
      watch,
      new MeterProvider({ readers: [reader] }).getMeter('latchkey'),
    )
    const collect = async () => {
      const { resourceMetrics, errors } = await reader.collect()
      if (errors.length > 0) throw new AggregateError(errors)
      return resourceMetrics.scopeMetrics.flatMap(scope => scope.metrics)
    }
    return {
      stop,
      everything: async () => JSON.stringify(await collect()),
      async numbers() {
        return Object.fromEntries(
          (await collect()).flatMap(metric => {
            const counts = metric.dataPointType === DataPointType.SUM && metric.isMonotonic
            // As the specification says that exporters to Prometheus name things.
            const unit = metric.descriptor.unit === 's' ? '_seconds' : ''
            const name = `${metric.descriptor.name.replaceAll('.', '_')}${unit}${counts ? '_total' : ''}`
            return metric.dataPoints.map(({ attributes, value }) => {
              const label = Object.entries(attributes).map(([key, text]) => `${key}="${text}"`)[0]
              const suffix = label ? `{${label}}` : ''
              return typeof value === 'number'
                ? [`${name}${suffix}`, value]
                : [`${name}_count${suffix}`, 'count' in value ? value.count : Number.NaN]
            })
          }),
        )
      },
    }
  },
}

class Reader extends MetricReader {
  protected async onShutdown(): Promise<void> {}
  protected async onForceFlush(): Promise<void> {}
}

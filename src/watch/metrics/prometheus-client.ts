import type { Labels } from './tally.ts'

/** What is needed of the module `prom-client` (15 or later). */
export interface PrometheusClient<Registry extends PrometheusRegistry> {
  /** Where metrics go by default. */
  readonly register: Registry
  readonly Counter: new (settings: PrometheusSettings<Registry>) => PrometheusCounter
  readonly Gauge: new (settings: PrometheusSettings<Registry>) => PrometheusGauge
  readonly Histogram: new (settings: PrometheusSettings<Registry> & { buckets: number[] }) => PrometheusHistogram
}

/** A registry of `prom-client`. */
export interface PrometheusRegistry {
  /** Takes a metric out. */
  removeSingleMetric(name: string): void
}

/** What a metric is made with. */
export interface PrometheusSettings<Registry> {
  /** Its name. */
  name: string
  /** What it says. */
  help: string
  /** The names of its labels. */
  labelNames: string[]
  /** Where it goes. */
  registers: Registry[]
  /** How the processes of a cluster are put together. */
  aggregator: 'sum' | 'max'
  /** Called before it is read. */
  collect?: () => Promise<void>
}

/** A counter of `prom-client`. */
export interface PrometheusCounter {
  /** Forgets all counts. */
  reset(): void
  /** Counts. */
  inc(labels: Labels, value: number): void
}

/** A gauge of `prom-client`. */
export interface PrometheusGauge {
  /** Forgets all numbers; one without labels is then zero. */
  reset(): void
  /** Forgets one number. */
  remove(labels: Labels): void
  /** Sets one. */
  set(labels: Labels, value: number): void
}

/** A histogram of `prom-client`. */
export interface PrometheusHistogram {
  /** Takes a value. */
  observe(labels: Labels, value: number): void
}

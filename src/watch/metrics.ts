/** Metrics for Prometheus and OpenTelemetry. */
export {
  type OpenTelemetryCallback,
  type OpenTelemetryHistogram,
  type OpenTelemetryMeter,
  type OpenTelemetryOptions,
  openTelemetryMetrics,
} from './metrics/open-telemetry.ts'
export { type Metrics, type PrometheusOptions, prometheusMetrics } from './metrics/prometheus.ts'
export type {
  PrometheusClient,
  PrometheusCounter,
  PrometheusGauge,
  PrometheusHistogram,
  PrometheusRegistry,
  PrometheusSettings,
} from './metrics/prometheus-client.ts'
export type { Labels, MeasuredSessions, MeasuredWatch } from './metrics/tally.ts'

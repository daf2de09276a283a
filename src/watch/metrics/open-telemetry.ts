import type { Instrument } from './instruments.ts'
import type { Metrics } from './prometheus.ts'
import { type Labels, type MeasuredSessions, type MeasuredWatch, Tally } from './tally.ts'

/** What is needed of a `Meter` of `@opentelemetry/api` (1.3 or later). */
export interface OpenTelemetryMeter<Observable> {
  createHistogram(name: string, options: OpenTelemetryOptions): OpenTelemetryHistogram
  createObservableCounter(name: string, options: OpenTelemetryOptions): Observable
  createObservableGauge(name: string, options: OpenTelemetryOptions): Observable
  createObservableUpDownCounter(name: string, options: OpenTelemetryOptions): Observable
  addBatchObservableCallback(callback: OpenTelemetryCallback<Observable>, observables: Observable[]): void
  removeBatchObservableCallback(callback: OpenTelemetryCallback<Observable>, observables: Observable[]): void
}

/** What an instrument is made with. */
export interface OpenTelemetryOptions {
  description: string
  unit: string
  advice?: { explicitBucketBoundaries: number[] }
}

/** A histogram of OpenTelemetry. */
export interface OpenTelemetryHistogram {
  record(value: number, attributes: Labels): void
}

/** Called when the numbers are collected. */
export type OpenTelemetryCallback<Observable> = (result: {
  observe(observable: Observable, value: number, attributes: Labels): void
}) => Promise<void>

/**
 * Exports all metrics to OpenTelemetry: pass a meter, such as `metrics.getMeter('latchkey')` of `@opentelemetry/api`. Without a
 * watch (`null`) those about detectors, alerts and the trail are left out. What must be counted in the stores is counted when the
 * numbers are collected, every 15 s at most.
 */
export function openTelemetryMetrics<Observable>(
  sessions: MeasuredSessions,
  watch: MeasuredWatch | null,
  meter: OpenTelemetryMeter<Observable>,
): Metrics {
  const histograms = new Map<Instrument, OpenTelemetryHistogram>()
  const observables = new Map<Instrument, Observable>()
  const tally = new Tally(sessions, watch, (instrument, value, labels) =>
    histograms.get(instrument)?.record(value, labels),
  )
  for (const instrument of tally.instruments) {
    const { name, kind, unit, help: description, shared, buckets } = instrument
    if (kind === 'histogram') {
      const advice = { explicitBucketBoundaries: [...(buckets ?? [])] }
      histograms.set(instrument, meter.createHistogram(name, { description, unit, advice }))
      continue
    }
    // In the terms of OpenTelemetry a gauge is what makes no sense as a sum over processes.
    const gauge = shared ? 'createObservableGauge' : 'createObservableUpDownCounter'
    const make = kind === 'counter' ? 'createObservableCounter' : gauge
    observables.set(instrument, meter[make](name, { description, unit }))
  }
  const collect: OpenTelemetryCallback<Observable> = async result => {
    const state = await tally.state()
    for (const [instrument, observable] of observables) {
      for (const { value, labels } of tally.readings(instrument, state)) result.observe(observable, value, labels)
    }
  }
  const observed = [...observables.values()]
  meter.addBatchObservableCallback(collect, observed)
  return {
    stop() {
      tally.stop()
      meter.removeBatchObservableCallback(collect, observed)
    },
  }
}

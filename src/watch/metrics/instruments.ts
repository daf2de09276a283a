import { refusalReasons } from '../../errors.ts'
import { type EventType, eventCatalogue, type SessionEvent } from '../../session/events.ts'
import type { StoreOutcome } from '../../session/store-meter.ts'
import { detectorNames } from '../detection.ts'
import { endReasons, operations } from './label-values.ts'
import type { State } from './state.ts'

/** One thing that is counted or measured. All that Prometheus and OpenTelemetry get comes from {@link instruments}. */
export interface Instrument extends Feed {
  /** Dotted, as OpenTelemetry has it. Prometheus' name follows from it: see `prometheusName`. */
  readonly name: `latchkey.${string}`
  /** `counter`: only grows. `gauge`: how it is now. `histogram`: how it is distributed. */
  readonly kind: 'counter' | 'gauge' | 'histogram'
  /** In UCUM: seconds, or in braces what is counted. */
  readonly unit: 's' | `{${string}}`
  /** One sentence for whoever finds it in a dashboard. */
  readonly help: string
  /**
   * Its label, if it has one, and the values that it may have, all known beforehand; whatever else comes is counted as
   * `other`. So no user, sid, address or text of a client can get into a label: each would be a time series of its own, for
   * ever and for everybody to see. `configured`: names that the operator gave.
   */
  readonly label?: { readonly name: string; readonly values: readonly string[] | 'configured' }
  /** Every process reports the same number, because it is one of the shared store: take the greatest, not the sum. */
  readonly shared?: true
  /** It needs a watch. */
  readonly watch?: true
  /** Upper bounds of a histogram's buckets. */
  readonly buckets?: readonly number[]
}

/** Where the numbers come from. */
export interface Feed {
  /** From what happens. */
  event?(event: SessionEvent, add: Add): void
  /** From the store being asked. */
  stored?(operation: string, seconds: number, outcome: StoreOutcome, add: Add): void
  /** From the near cache being asked. */
  looked?(hit: boolean, add: Add): void
  /** From how things are when somebody asks: a number, or one for each value of the label; `undefined` when unknown. */
  now?(state: State): number | Readonly<Record<string, number>> | undefined
}

/** Counts, or records, a value under a value of the label. */
export type Add = (value: number, label?: string) => void

/** How often something happened that an event tells of: floods are told as a number. */
function times(event: SessionEvent, type: EventType): number {
  if (event.type === 'events.suppressed') return event.suppressed === type ? event.count : 0
  return event.type === type ? 1 : 0
}

const csrfReasons = refusalReasons.filter(reason => reason.startsWith('csrf-'))

/** Everything there is to measure, in the order of the docs. */
export const instruments: readonly Instrument[] = [
  {
    name: 'latchkey.sessions.active',
    kind: 'gauge',
    unit: '{session}',
    help: 'Live sessions.',
    shared: true,
    now: ({ census }) => census?.total,
  },
  {
    name: 'latchkey.sessions.active_by_level',
    kind: 'gauge',
    unit: '{session}',
    help: 'Live sessions by level of assurance.',
    label: { name: 'level', values: ['0', '1', '2', '3'] },
    shared: true,
    now: ({ census }) => census?.byLevel,
  },
  {
    name: 'latchkey.sessions.active_by_carrier',
    kind: 'gauge',
    unit: '{session}',
    help: 'Live sessions by what brings them to the server.',
    label: { name: 'carrier', values: ['cookie', 'bearer'] },
    shared: true,
    now: ({ census }) => census?.byCarrier,
  },
  {
    name: 'latchkey.sessions.created',
    kind: 'counter',
    unit: '{session}',
    help: 'New sessions, of guests and of sign-ins.',
    event: (event, add) => add(times(event, 'session.created')),
  },
  {
    name: 'latchkey.sessions.ended',
    kind: 'counter',
    unit: '{session}',
    help: 'Sessions that are over, by reason.',
    label: { name: 'reason', values: endReasons },
    event(event, add) {
      if (event.type === 'session.ended') add(1, event.reason)
      // Each of a user's sessions is told by itself as well; of everybody's, only how many there were.
      if (event.type === 'sessions.ended-all' && event.userId === null) add(event.count, event.reason)
    },
  },
  {
    name: 'latchkey.sign_ins',
    kind: 'counter',
    unit: '{sign-in}',
    help: 'Sign-ins by the level of assurance that was reached.',
    label: { name: 'level', values: ['0', '1', '2', '3'] },
    event(event, add) {
      if (event.type === 'session.signed-in') add(1, String(event.aal))
    },
  },
  {
    name: 'latchkey.failed_sign_ins',
    kind: 'counter',
    unit: '{sign-in}',
    help: 'Sign-ins that failed, as the application told.',
    event: (event, add) => add(times(event, 'sign-in.failed')),
  },
  {
    name: 'latchkey.rotations',
    kind: 'counter',
    unit: '{rotation}',
    help: 'New secrets for sessions that went on.',
    event: (event, add) => add(times(event, 'session.rotated')),
  },
  {
    name: 'latchkey.refusals',
    kind: 'counter',
    unit: '{refusal}',
    help: 'Requests and sign-ins that were refused, by reason; that of a flood is other.',
    label: { name: 'reason', values: refusalReasons },
    event(event, add) {
      if (event.type === 'request.refused' || event.type === 'sign-in.refused') add(1, event.reason)
      else add(times(event, 'request.refused') + times(event, 'sign-in.refused'))
    },
  },
  {
    name: 'latchkey.csrf.refusals',
    kind: 'counter',
    unit: '{refusal}',
    help: 'Requests that were refused as forged by another site, by reason; those of a flood are among refusals only.',
    label: { name: 'reason', values: csrfReasons },
    event(event, add) {
      if (event.type === 'request.refused' && csrfReasons.includes(event.reason)) add(1, event.reason)
    },
  },
  {
    name: 'latchkey.events',
    kind: 'counter',
    unit: '{event}',
    help: 'Events by type, as the catalogue of events has them.',
    label: { name: 'type', values: Object.keys(eventCatalogue) },
    event(event, add) {
      add(1, event.type)
      if (event.type === 'events.suppressed') add(event.count, event.suppressed)
    },
  },
  {
    name: 'latchkey.store.operation.duration',
    kind: 'histogram',
    unit: 's',
    help: 'How long the session store took, by operation; what a near cache had is not among it.',
    label: { name: 'operation', values: operations },
    buckets: [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    stored: (operation, seconds, _outcome, add) => add(seconds, operation),
  },
  {
    name: 'latchkey.store.failures',
    kind: 'counter',
    unit: '{operation}',
    help: 'Operations of the session store that failed, were too late, or were answered with nonsense.',
    label: { name: 'operation', values: operations },
    stored(operation, _seconds, outcome, add) {
      if (outcome === 'failed') add(1, operation)
    },
  },
  {
    name: 'latchkey.store.conflicts',
    kind: 'counter',
    unit: '{conflict}',
    help: 'Saves that somebody else was ahead of; they are tried again.',
    stored(_operation, _seconds, outcome, add) {
      if (outcome === 'conflict') add(1)
    },
  },
  {
    name: 'latchkey.cache.lookups',
    kind: 'counter',
    unit: '{lookup}',
    help: 'Reads that a near cache was asked for, by whether it had the session.',
    label: { name: 'result', values: ['hit', 'miss'] },
    looked: (hit, add) => add(1, hit ? 'hit' : 'miss'),
  },
  {
    name: 'latchkey.detector.hits',
    kind: 'counter',
    unit: '{detection}',
    help: 'What detectors found, by detector; one alert may stand for many, and what is only written down counts as well.',
    label: { name: 'detector', values: detectorNames },
    watch: true,
    now: ({ watch }) => watch?.hits,
  },
  {
    name: 'latchkey.alerts',
    kind: 'gauge',
    unit: '{alert}',
    help: 'Alerts that are not closed, by state.',
    label: { name: 'state', values: ['open', 'acknowledged'] },
    shared: true,
    watch: true,
    now: ({ alerts }) => alerts ?? undefined,
  },
  {
    name: 'latchkey.signals.waiting',
    kind: 'gauge',
    unit: '{signal}',
    help: 'Signals that wait for the detectors.',
    watch: true,
    now: ({ watch }) => watch?.signals.waiting,
  },
  {
    name: 'latchkey.signals.lost',
    kind: 'counter',
    unit: '{signal}',
    help: 'Signals that the detectors lost, because their windows failed or were too slow: attacks may have been missed.',
    watch: true,
    now: ({ watch }) => watch?.signals.lost,
  },
  {
    name: 'latchkey.detections.waiting',
    kind: 'gauge',
    unit: '{detection}',
    help: 'Detections that wait for the store of alerts.',
    watch: true,
    now: ({ watch }) => watch?.detections.waiting,
  },
  {
    name: 'latchkey.detections.lost',
    kind: 'counter',
    unit: '{detection}',
    help: 'Detections that the store of alerts never learned of; notifiers were told all the same.',
    watch: true,
    now: ({ watch }) => watch?.detections.lost,
  },
  {
    name: 'latchkey.trail.queued',
    kind: 'gauge',
    unit: '{entry}',
    help: 'Entries of the audit trail that wait for its store.',
    watch: true,
    now: ({ watch }) => watch?.queued,
  },
  {
    name: 'latchkey.trail.written',
    kind: 'counter',
    unit: '{entry}',
    help: 'Entries of the audit trail that were written.',
    watch: true,
    now: ({ watch }) => watch?.written,
  },
  {
    name: 'latchkey.trail.dropped',
    kind: 'counter',
    unit: '{entry}',
    help: 'Entries of the audit trail that were lost.',
    watch: true,
    now: ({ watch }) => watch?.dropped,
  },
  {
    name: 'latchkey.sink.queued',
    kind: 'gauge',
    unit: '{entry}',
    help: 'Entries that wait for a sink.',
    label: { name: 'sink', values: 'configured' },
    watch: true,
    now: state => ofSinks(state, ({ queued }) => queued),
  },
  {
    name: 'latchkey.sink.dropped',
    kind: 'counter',
    unit: '{entry}',
    help: 'Entries that a sink did not get.',
    label: { name: 'sink', values: 'configured' },
    watch: true,
    now: state => ofSinks(state, ({ dropped }) => dropped),
  },
  {
    name: 'latchkey.sink.failing',
    kind: 'gauge',
    unit: '{sink}',
    help: 'Whether the last write to a sink failed: 1, else 0.',
    label: { name: 'sink', values: 'configured' },
    watch: true,
    now: state => ofSinks(state, ({ failing }) => (failing ? 1 : 0)),
  },
]

type Sink = NonNullable<State['watch']>['sinks'][number]

/** By name; sinks of the same name are one. */
function ofSinks({ watch }: State, numberOf: (sink: Sink) => number): Readonly<Record<string, number>> | undefined {
  if (!watch) return undefined
  const numbers = new Map<string, number>()
  for (const sink of watch.sinks) numbers.set(sink.name, (numbers.get(sink.name) ?? 0) + numberOf(sink))
  return Object.fromEntries(numbers)
}

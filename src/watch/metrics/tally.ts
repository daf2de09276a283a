import type { Sessions } from '../../http/sessions.ts'
import type { Watch } from '../watch.ts'
import { type Instrument, instruments } from './instruments.ts'
import { type State, StateReader } from './state.ts'

/** Whose numbers these are. */
export type MeasuredSessions = Pick<Sessions, 'subscribe' | 'measure' | 'listable' | 'census'>

/** And the watch over them. */
export type MeasuredWatch = Pick<Watch, 'countAlerts' | 'stats'>

/** Label values by label. */
export type Labels = Readonly<Record<string, string>>

/** A number with its label. */
export interface Reading {
  readonly labels: Labels
  readonly value: number
}

/** Takes one value of a histogram. */
export type Distribute = (instrument: Instrument, value: number, labels: Labels) => void

/** Stands for every value of a label that is none of those known beforehand. */
const other = 'other'

/**
 * Feeds all instruments and keeps the counts, for whatever library exports them; only histograms are the library's own. What
 * Prometheus and OpenTelemetry say differs in nothing but names, because both ask here.
 */
export class Tally {
  /** Those that there is something to tell of. */
  readonly instruments: readonly Instrument[]
  readonly #state: StateReader
  readonly #distribute: Distribute
  /** For each instrument that counts, its numbers by label value. */
  readonly #counts = new Map<Instrument, Map<string, number>>()
  readonly #labels = new Map<Instrument, Map<string, Labels>>()
  readonly #stop: readonly (() => void)[]

  constructor(sessions: MeasuredSessions, watch: MeasuredWatch | null, distribute: Distribute) {
    this.instruments = instruments.filter(instrument => watch || !instrument.watch)
    this.#state = new StateReader(sessions, watch)
    this.#distribute = distribute
    for (const instrument of this.instruments) this.#counts.set(instrument, beginning(instrument))
    const feeds = this.instruments.map(instrument => ({
      instrument,
      add: (value: number, label = other) => this.#add(instrument, value, label),
    }))
    this.#stop = [
      sessions.subscribe(event => {
        for (const { instrument, add } of feeds) instrument.event?.(event, add)
      }),
      sessions.measure({
        stored(operation, ms, outcome) {
          for (const { instrument, add } of feeds) instrument.stored?.(operation, ms / 1000, outcome, add)
        },
        looked(hit) {
          for (const { instrument, add } of feeds) instrument.looked?.(hit, add)
        },
      }),
    ]
  }

  /** How things are, for {@link readings}. Never rejects. */
  state(): Promise<State> {
    return this.#state.read()
  }

  /** All numbers of an instrument that is no histogram, each with labels of its own; none when it is unknown. */
  readings(instrument: Instrument, state: State): Reading[] {
    const numbers = new Map(this.#counts.get(instrument))
    const now = instrument.now?.(state)
    if (typeof now === 'number') numbers.set('', now)
    else if (now) for (const [label, value] of Object.entries(now)) numbers.set(permitted(instrument, label), value)
    return [...numbers].map(([label, value]) => ({ value, labels: this.#labelsOf(instrument, label) }))
  }

  /** Counts no more. */
  stop(): void {
    for (const stop of this.#stop) stop()
  }

  #add(instrument: Instrument, value: number, text: string): void {
    const label = permitted(instrument, text)
    if (instrument.kind === 'histogram') {
      this.#distribute(instrument, value, this.#labelsOf(instrument, label))
    } else if (value > 0) {
      const counts = this.#counts.get(instrument)
      counts?.set(label, (counts.get(label) ?? 0) + value)
    }
  }

  /** The same object for the same label, because the store is asked with every request. */
  #labelsOf(instrument: Instrument, label: string): Labels {
    const known = this.#labels.get(instrument) ?? new Map<string, Labels>()
    this.#labels.set(instrument, known)
    const labels = known.get(label) ?? (instrument.label ? { [instrument.label.name]: label } : {})
    known.set(label, labels)
    return labels
  }
}

/** Counters begin with zero for all they will ever count: where a series begins with one, nobody sees an increase. */
function beginning({ kind, label }: Instrument): Map<string, number> {
  if (kind !== 'counter') return new Map()
  if (!label) return new Map([['', 0]])
  return new Map(label.values === 'configured' ? [] : label.values.map(value => [value, 0]))
}

/** The value of the label as it may be exported. */
function permitted({ label }: Instrument, text: string): string {
  if (!label) return ''
  return label.values === 'configured' || label.values.includes(text) ? text : other
}

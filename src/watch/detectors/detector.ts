import type { RequestOrigin, SessionEvent, Severity } from '../../session/events.ts'
import type { DetectorName, Evidence } from '../detection.ts'
import type { WatchEvent } from '../events.ts'
import type { Count, Seen, Sighting } from '../store.ts'
import type { Facts } from './facts.ts'

/** The name of a detector that looks at sessions. */
export type SignalDetectorName = Exclude<DetectorName, 'trail-trouble'>

/**
 * A detector: what it is for, in words for the docs, and a pure function from what happens to what it asks of the windows, and
 * from what they hold to what it found.
 */
export interface Detector<Tuning> {
  readonly name: SignalDetectorName
  /** What it sees, one or two sentences. */
  readonly sees: string
  /** Which honest people look the same to it. */
  readonly falseAlarms: string
  /** When to turn which option. */
  readonly tuning: string
  /** How it is tuned when nobody says otherwise. */
  readonly defaults: Tuning
  /** The types of signals that it looks at. */
  readonly hears: readonly Signal['type'][]
  /** Makes it ready. What it returns is asked for each signal that it hears. */
  start(tuning: Tuning, facts: Facts): (signal: Signal) => Inquiry | Finding | null
}

/** What detectors look at: everything the engine tells, and uses of sessions. */
export type Signal = SessionEvent | UsedSession

/** A session was used from another place than last time, or is still used: told about once a minute and node. */
export interface UsedSession {
  readonly type: 'session.used'
  /** When, epoch ms. */
  readonly at: number
  readonly sid: string
  readonly userId: string | null
  /** Where from. */
  readonly origin: RequestOrigin
  /** Where it began. */
  readonly client: RequestOrigin
  /** When it began, epoch ms. */
  readonly createdAt: number
  /** When it was last used before, epoch ms, as far as that was written. */
  readonly lastSeenAt: number
}

/** What a detector asks the windows about one signal, and what it makes of the answer. */
export interface Inquiry {
  readonly see?: readonly Sighting[]
  readonly tally?: readonly Count[]
  /** Pure. Another inquiry, where the answer raises another question. */
  judge(held: Held): Outcome
}

/** What the windows answered, in the order of the questions. */
export interface Held {
  readonly seen: readonly (readonly Seen[])[]
  readonly counts: readonly number[]
}

/** What came out: a finding, something for the trail, another question, or nothing. */
export type Outcome = Finding | WatchEvent | Inquiry | null

/** What a detector found; the frame makes a `Detection` of it. */
export interface Finding {
  readonly severity: Severity
  /** Who or what it is about, so that findings about the same are one alert: a sid, or a hash. Nothing in the clear. */
  readonly subject: string
  readonly at: number
  readonly sid: string | null
  readonly userId: string | null
  /** Where the client is, in the clear: the frame puts it as the privacy options have it. */
  readonly origin: RequestOrigin | null
  readonly evidence: Evidence
  /** Whether it may well be the user, whom the watch does not know enough: then it is written down and no alert. Default: no. */
  readonly isTentative?: boolean
}

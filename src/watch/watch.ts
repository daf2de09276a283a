import type { Duration } from '../session/duration.ts'
import type { Action, DetectorName } from './detection.ts'
import type { DetectorOptions } from './detectors/options.ts'
import type { AuditEvent } from './events.ts'
import type { Geo } from './geo.ts'
import type { Notifier } from './notifier.ts'
import type { PrivacyOptions } from './privacy.ts'
import type { Sink } from './sink.ts'
import type { Alert, AlertQuery, Point, TrailPage, TrailQuery, WatchStore, Windows } from './store.ts'

/** Options of `createWatch`. Only `store` is needed. */
export interface WatchOptions {
  /** Where the audit trail, alerts and charts live, shared by all processes. */
  readonly store: WatchStore
  /** Where detectors remember, when not in `store`: Redis, where there is much to remember. */
  readonly windows?: Windows
  /** Who gets copies of the audit trail. Default: nobody. */
  readonly sinks?: readonly Sink[]
  /** Who is told about alerts that are new or got worse. Default: nobody; they are in the store, the console and the trail. */
  readonly notifiers?: readonly Notifier[]
  /** How much of people's addresses and programs is written down. Default: all of it. */
  readonly privacy?: PrivacyOptions
  /** How long the trail is kept, and alerts that are quiet; what is older is removed. Default `'90d'`; `false`: for ever. */
  readonly retention?: Duration | false
  /** How detectors are tuned, and which are off (`false`). The defaults are what the simulator in `bench/` was passed with. */
  readonly detectors?: DetectorOptions
  /**
   * What is done about what they find. Default `alert` for all, so that nothing happens to anybody by itself but what the
   * engine does (a replay ends the session).
   */
  readonly actions?: Partial<Record<DetectorName, Action>>
  /** Take no action, and write down which would have been taken. Default `false`. */
  readonly dryRun?: boolean
  /** Where addresses are, for network change and impossible travel. Default: unknown. */
  readonly geo?: Geo
  /** How many entries wait at most for the store or a sink that is slow; more are dropped and counted. Default 10,000. */
  readonly maxQueued?: number
}

/** What `createWatch` returns: the watch over one set of sessions. */
export interface Watch {
  /** Entries of the audit trail, newest first. What this process has not written yet is not among them. */
  entries(query: TrailQuery): Promise<TrailPage>
  /** Alerts, newest first. */
  alerts(query: AlertQuery): Promise<{ readonly alerts: readonly Alert[]; readonly next: string | null }>
  /** One alert, or `null`. */
  alert(id: string): Promise<Alert | null>
  /** How many alerts are open, and how many acknowledged; of more than 10,000 it says 10,000. */
  countAlerts(): Promise<{ readonly open: number; readonly acknowledged: number }>
  /** A person takes care of an alert; `null` when it is not open. */
  acknowledge(id: string, by: string): Promise<Alert | null>
  /** A person is done with an alert; `null` when it is closed already, or there is none. */
  closeAlert(id: string, by: string): Promise<Alert | null>
  /** Writes down that an administrator ended a session, a user's or everybody's. */
  operatorActed(operation: 'end-session' | 'end-user' | 'end-everybody', target: string, by: string): void
  /** Numbers over time, by name and epoch minute: see {@link SeriesName}. */
  points(names: readonly SeriesName[], fromMinute: number, toMinute: number): Promise<Point[]>
  /**
   * Adds a listener for everything that is written down in this process, with addresses and user agents as the privacy options
   * have them, synchronously; the returned function removes it.
   */
  subscribe(listener: (event: AuditEvent) => void): () => void
  /** How this process's writing is going. */
  stats(): WatchStats
  /** Resolves when everything that happened until now was looked at by the detectors and written, or dropped. */
  flush(): Promise<void>
  /** Writes what waits, ends the chain and closes sinks and store. Call it after `sessions.close()`, so that nothing is missed. */
  close(): Promise<void>
}

/** What is counted per minute. `sessions.active` is measured, all others are counted. */
export type SeriesName =
  | 'sessions.active'
  | 'sign-ins'
  | 'sign-ins.failed'
  | 'sessions.ended'
  | 'requests.refused'
  | 'tokens.refused'
  | 'alerts'

/** Numbers since this process began. */
export interface WatchStats {
  /** Entries that wait for the store. */
  readonly queued: number
  /** Entries written to the store. */
  readonly written: number
  /** Entries lost, because the store was slow or dead. */
  readonly dropped: number
  /** The same for every sink. `failing`: its last write failed. */
  readonly sinks: readonly {
    readonly name: string
    readonly queued: number
    readonly dropped: number
    readonly failing: boolean
  }[]
  /** What detectors found. */
  readonly hits: Readonly<Partial<Record<DetectorName, number>>>
  /** Signals that wait for the detectors, and that they lost, because their windows failed or were too slow: attacks may be missed. */
  readonly signals: { readonly waiting: number; readonly lost: number }
  /** Detections that wait for the alert store, and that it never learned of; notifiers were told of them all the same. */
  readonly detections: { readonly waiting: number; readonly lost: number }
}

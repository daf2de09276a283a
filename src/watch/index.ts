/** The watch: audit trail, detectors, alerts and numbers over time. */
export { createWatch } from './create-watch.ts'
export { type Action, type Detection, type DetectorName, detectorNames, type Evidence } from './detection.ts'
export type { DetectorOptions } from './detectors/options.ts'
export type { AuditEntry } from './entry.ts'
export {
  type AuditEvent,
  type AuditType,
  auditCatalogue,
  type Heads,
  type WatchEvent,
  type WatchEventDetail,
  type WatchEventType,
} from './events.ts'
export type { Geo, Place } from './geo.ts'
export type { Notice, Notifier } from './notifier.ts'
export type { PrivacyOptions } from './privacy.ts'
export { severities } from './severities.ts'
export type { Sink } from './sink.ts'
export type {
  Alert,
  AlertQuery,
  AlertStore,
  Count,
  NewAlert,
  Point,
  Raised,
  Seen,
  Series,
  Sighting,
  TrailPage,
  TrailQuery,
  TrailStore,
  WatchStore,
  Windows,
} from './store.ts'
export type { BrokenLink, ChainReport, TrailReport } from './trail-report.ts'
export { type Anchor, type VerifyOptions, verifyTrail } from './verify.ts'
export type { SeriesName, Watch, WatchOptions, WatchStats } from './watch.ts'

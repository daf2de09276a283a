import {
  type EventType,
  eventCatalogue,
  type RequestOrigin,
  type SessionEvent,
  type Severity,
} from '../session/events.ts'
import type { DetectorName, Evidence } from './detection.ts'

/** What the watch itself has to tell, for the audit trail; same shape as a {@link SessionEvent}. */
export type WatchEvent = {
  /** When it happened, epoch ms. */
  readonly at: number
  /** The session concerned, or `null`. */
  readonly sid: string | null
  /** The user concerned, or `null`. Hostile characters are possible: encode before printing. */
  readonly userId: string | null
  /** Where the request came from, or `null`. */
  readonly origin: RequestOrigin | null
} & WatchEventDetail

/** The kinds of events of the watch and what each carries. */
export type WatchEventDetail =
  /** A session is used from an address or a client that it was not used from before; told once for each place. */
  | { readonly type: 'session.seen-elsewhere'; readonly changed: readonly ('network' | 'agent')[] }
  /** A detector found something. `alert` is the alert that it belongs to, `null` when it is only recorded, and then its severity is `info`; `evidence` says what was seen. */
  | {
      readonly type: 'detector.hit'
      readonly detector: DetectorName
      readonly alert: string | null
      readonly evidence: Evidence
    }
  /** What was done about it by itself, or in a dry run would have been done; `failed` when it could not be done. */
  | {
      readonly type: 'action.taken'
      readonly detector: DetectorName
      readonly action: 'end' | 'reauthenticate'
      readonly outcome: 'done' | 'dry-run' | 'nothing-to-do' | 'failed'
    }
  /** A person looked at an alert and takes care of it, or is done with it; `by` is that person's user id. */
  | { readonly type: 'alert.acknowledged' | 'alert.closed'; readonly alert: string; readonly by: string }
  /** An alert could not be delivered, and is not tried again. */
  | { readonly type: 'alert.undelivered'; readonly alert: string; readonly notifier: string }
  /** An administrator did something in the console or on the command line; `target` is a sid, a user or `everybody`. */
  | {
      readonly type: 'operator.acted'
      readonly operation: 'end-session' | 'end-user' | 'end-everybody'
      readonly target: string
      readonly by: string
    }
  /** A process began to write: the first entry of its chain. `heads` are the last entries of the chains there were (of very many, 500). */
  | { readonly type: 'trail.opened'; readonly keyId: string; readonly heads: Heads }
  /** Where the chains of others are that went on since this process last told, so that whoever cuts one off has to cut off all. */
  | { readonly type: 'trail.checkpoint'; readonly heads: Heads }
  /** A process stopped in order: the last entry of its chain. */
  | { readonly type: 'trail.closed' }
  /**
   * Entries were to be removed, because they happened before the instant `before`: of each chain up to this one. Chains whose
   * beginning was removed earlier are named again as long as they are there.
   */
  | { readonly type: 'trail.pruned'; readonly before: number; readonly heads: Heads }
  /** `count` entries were lost to a sink that is too slow or dead (`trail` is the audit trail itself). */
  | { readonly type: 'trail.dropped'; readonly sink: string; readonly count: number }
  /** A sink failed, told once until it works again. */
  | { readonly type: 'sink.failed'; readonly sink: string }

/** The last entry of chains: for each its number and its MAC. */
export type Heads = Readonly<Record<string, { readonly seq: number; readonly mac: string }>>

/** Everything that is written down. */
export type AuditEvent = SessionEvent | WatchEvent

/** The name of an event of the watch. */
export type WatchEventType = WatchEventDetail['type']

/** The name of anything that is written down. */
export type AuditType = EventType | WatchEventType

/** As `eventCatalogue`, for the events of the watch. */
export const watchCatalogue: Record<WatchEventType, { readonly owasp: string; readonly severity: Severity }> = {
  'session.seen-elsewhere': { owasp: 'sequence_fail', severity: 'info' },
  'detector.hit': { owasp: 'malicious_attack_tool', severity: 'alert' },
  'action.taken': { owasp: 'authn_token_revoked', severity: 'warning' },
  'alert.acknowledged': { owasp: 'authz_admin', severity: 'info' },
  'alert.closed': { owasp: 'authz_admin', severity: 'info' },
  'alert.undelivered': { owasp: 'sys_crash', severity: 'alert' },
  'operator.acted': { owasp: 'authz_admin', severity: 'warning' },
  'trail.opened': { owasp: 'sys_startup', severity: 'info' },
  'trail.checkpoint': { owasp: 'sys_monitor_enabled', severity: 'info' },
  'trail.closed': { owasp: 'sys_shutdown', severity: 'info' },
  'trail.pruned': { owasp: 'sensitive_delete', severity: 'info' },
  'trail.dropped': { owasp: 'sys_monitor_disabled', severity: 'alert' },
  'sink.failed': { owasp: 'sys_monitor_disabled', severity: 'alert' },
}

/** Term and severity of anything that is written down. */
export const auditCatalogue: Record<AuditType, { readonly owasp: string; readonly severity: Severity }> = {
  ...eventCatalogue,
  ...watchCatalogue,
}

/** How urgent something is that is written down. What a detector found and made no alert of wakes nobody. */
export function severityOf(event: AuditEvent): Severity {
  return event.type === 'detector.hit' && event.alert === null ? 'info' : auditCatalogue[event.type].severity
}

import { isIP } from 'node:net'
import type { Severity } from '../../session/events.ts'
import type { AuditEntry } from '../entry.ts'
import { auditCatalogue } from '../events.ts'
import { type EventMapping, eventMapping, ocsfClasses, otherActivity } from './event-mapping.ts'
import { withFlatHeads } from './flat-heads.ts'

const ocsfVersion = '1.8.0'
/** Informational, medium, high. */
const severities: Record<Severity, number> = { info: 1, warning: 3, alert: 4 }
const statuses: Record<EventMapping['outcome'], number> = { unknown: 0, success: 1, failure: 2 }
/** A finding has a life instead: new, in progress, resolved; by its activity. */
const findingStatuses: Readonly<Record<number, number>> = { 1: 1, 2: 2, 3: 4 }

/**
 * An entry in the Open Cybersecurity Schema Framework. What it has no attribute for is under `unmapped`: `chain`, `seq`, `mac`, `sid`
 * and `detail`. Where a class requires a user or an end point and nobody knows it, its name is `unknown`.
 */
export function ocsfOf(entry: AuditEntry): Record<string, unknown> {
  const { chain, seq, at, type, severity, sid, detail, mac } = entry
  const { outcome, ocsf } = eventMapping[type]
  const classUid = ocsfClasses[ocsf.class]
  const isFinding = ocsf.class === 'Detection Finding'
  return {
    time: at,
    class_uid: classUid,
    class_name: ocsf.class,
    category_uid: Math.floor(classUid / 1_000),
    activity_id: ocsf.activity,
    ...(ocsf.activity === otherActivity && { activity_name: type }),
    type_uid: classUid * 100 + ocsf.activity,
    severity_id: severities[severity],
    status_id: isFinding ? (findingStatuses[ocsf.activity] ?? 0) : statuses[outcome],
    message: type,
    metadata: {
      version: ocsfVersion,
      product: { name: 'Latchkey', vendor_name: 'Latchkey' },
      log_name: 'latchkey.trail',
      event_code: auditCatalogue[type].owasp,
      uid: `${chain}/${seq}`,
      sequence: seq,
    },
    ...(typeof detail.reason === 'string' && { status_detail: detail.reason }),
    ...attributes[ocsf.class](entry),
    unmapped: { chain, seq, mac, sid, detail: withFlatHeads(detail) },
  }
}

type Attributes = (entry: AuditEntry) => Record<string, unknown>

const attributes: Record<keyof typeof ocsfClasses, Attributes> = {
  'Base Event': () => ({}),
  'Event Log Activity': () => ({ log_name: 'latchkey.trail', log_provider: 'latchkey' }),
  'Detection Finding': entry => ({
    is_alert: entry.severity === 'alert',
    finding_info: {
      uid: textOr(entry.detail.alert, `${entry.chain}/${entry.seq}`),
      title: textOr(entry.detail.detector, entry.type),
    },
    evidences: [{ ...clientOf(entry), actor: { user: userOf(entry.userId), ...sessionOf(entry) } }],
  }),
  'Account Change': entry => ({ ...clientOf(entry), user: userOf(entry.userId) }),
  Authentication: entry => ({
    ...clientOf(entry),
    ...sessionOf(entry),
    user: userOf(entry.userId ?? entry.detail.account),
    service: { name: 'latchkey' },
    ...(typeof entry.detail.aal === 'number' && { is_mfa: entry.detail.aal > 1 }),
  }),
  'Authorize Session': entry => ({
    ...clientOf(entry),
    ...sessionOf(entry),
    user: userOf(entry.userId),
    privileges: [`aal${entry.detail.aal}`],
  }),
  'API Activity': entry => ({
    src_endpoint: { name: 'unknown' },
    ...clientOf(entry),
    // An operator's event is about somebody else's session.
    actor: { user: userOf(entry.detail.by ?? entry.userId), ...sessionOf(entry) },
    api: { operation: textOr(entry.detail.operation, entry.type) },
  }),
  'Application Error': () => ({}),
}

function clientOf({ address, userAgent }: AuditEntry): Record<string, unknown> {
  return {
    ...(address !== null && { src_endpoint: isIP(address) > 0 ? { ip: address } : { name: address } }),
    ...(userAgent !== null && { http_request: { user_agent: userAgent } }),
  }
}

function sessionOf({ sid }: AuditEntry): Record<string, unknown> {
  return sid === null ? {} : { session: { uid: sid } }
}

function userOf(id: unknown): Record<string, unknown> {
  return typeof id === 'string' ? { uid: id } : { name: 'unknown' }
}

function textOr(text: unknown, other: string): string {
  return typeof text === 'string' ? text : other
}

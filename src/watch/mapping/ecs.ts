import { isIP } from 'node:net'
import type { Severity } from '../../session/events.ts'
import type { AuditEntry } from '../entry.ts'
import { auditCatalogue } from '../events.ts'
import { eventMapping } from './event-mapping.ts'
import { withFlatHeads } from './flat-heads.ts'

const ecsVersion = '9.4.0'
const levels: Record<Severity, string> = { info: 'info', warning: 'warn', alert: 'error' }
/** As syslog has them, turned around: the more, the worse. */
const severities: Record<Severity, number> = { info: 1, warning: 4, alert: 7 }

/**
 * An entry in the Elastic Common Schema. What ECS has no field for is under `latchkey`: `chain`, `sid` and `detail`. A full address
 * is `source.ip`; truncated or hashed it is only `source.address`, because it is no IP address any more.
 */
export function ecsOf(entry: AuditEntry): Record<string, unknown> {
  const { chain, seq, at, type, severity, sid, userId, address, userAgent, detail, mac } = entry
  const { outcome, ecs } = eventMapping[type]
  return {
    '@timestamp': new Date(at).toISOString(),
    message: type,
    ecs: { version: ecsVersion },
    log: { level: levels[severity] },
    event: {
      kind: severity === 'alert' ? 'alert' : 'event',
      category: ecs.category,
      type: ecs.type,
      action: type,
      outcome,
      code: auditCatalogue[type].owasp,
      severity: severities[severity],
      provider: 'latchkey',
      dataset: 'latchkey.trail',
      id: `${chain}/${seq}`,
      sequence: seq,
      hash: mac,
      ...(typeof detail.reason === 'string' && { reason: detail.reason }),
    },
    ...(address !== null && { source: { address, ...(isIP(address) > 0 && { ip: address }) } }),
    ...(userId !== null && { user: { id: userId } }),
    ...(userAgent !== null && { user_agent: { original: userAgent } }),
    ...(typeof detail.detector === 'string' && { rule: { name: detail.detector } }),
    latchkey: { chain, sid, detail: withFlatHeads(detail) },
  }
}

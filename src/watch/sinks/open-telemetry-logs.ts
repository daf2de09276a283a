import { isIP } from 'node:net'
import type { Severity } from '../../session/events.ts'
import type { AuditEntry } from '../entry.ts'
import { auditCatalogue } from '../events.ts'
import type { Sink } from '../sink.ts'
import { chooser, type SinkOptions } from './choice.ts'

/** A value of a log record. */
export type TelemetryValue = string | number | boolean | null | TelemetryValue[] | { [name: string]: TelemetryValue }

/** The part of `Logger` of `@opentelemetry/api-logs` that is used. */
export interface TelemetryLogger {
  /** Takes one log record. */
  emit(record: {
    readonly eventName: string
    readonly timestamp: Date
    readonly severityNumber: number
    readonly severityText: string
    readonly body: TelemetryValue
    readonly attributes: { [name: string]: TelemetryValue }
  }): void
}

/** `SeverityNumber` of OpenTelemetry. */
const severities: Record<Severity, { readonly number: number; readonly text: string }> = {
  info: { number: 9, text: 'INFO' },
  warning: { number: 13, text: 'WARN' },
  alert: { number: 17, text: 'ERROR' },
}

/**
 * Hands every entry to a logger of OpenTelemetry: `eventName` is `latchkey.` and the event's name, attributes have the names of its
 * semantic conventions where there are such (`client.address`, `session.id`, `user.id`, `user_agent.original`). With the formats
 * `ecs` and `ocsf` the body is the entry in that schema, otherwise the event's name. Whether it arrives is the exporter's business.
 */
export function openTelemetryLogs(target: TelemetryLogger, options: SinkOptions = {}): Sink {
  const { wants, write } = chooser('openTelemetryLogs', options)
  const isOwn = (options.format ?? 'latchkey') === 'latchkey'
  return {
    name: 'opentelemetry-logs',
    async write(entries) {
      for (const entry of entries) {
        if (!wants(entry)) continue
        const { number: severityNumber, text: severityText } = severities[entry.severity]
        target.emit({
          eventName: `latchkey.${entry.type}`,
          // No number: the SDK takes one from before the process began for a time since then.
          timestamp: new Date(entry.at),
          ...{ severityNumber, severityText },
          body: isOwn ? entry.type : telemetryValue(write(entry)),
          attributes: attributesOf(entry),
        })
      }
    },
  }
}

function attributesOf(entry: AuditEntry): { [name: string]: TelemetryValue } {
  const { chain, seq, type, sid, userId, address, userAgent, detail, mac } = entry
  const known = {
    'latchkey.owasp': auditCatalogue[type].owasp,
    'latchkey.chain': chain,
    'latchkey.seq': seq,
    'latchkey.mac': mac,
    'session.id': sid,
    'user.id': userId,
    // A hash or a network is no address.
    [address !== null && isIP(address) > 0 ? 'client.address' : 'latchkey.address']: address,
    'user_agent.original': userAgent,
  }
  const own = Object.entries(detail).map(([name, value]): [string, TelemetryValue] => [
    `latchkey.${name}`,
    typeof value === 'object' && !Array.isArray(value) && value !== null
      ? JSON.stringify(value)
      : telemetryValue(value),
  ])
  return Object.fromEntries([...own, ...Object.entries(known)].filter(([, value]) => value !== null))
}

/** Entries hold nothing but JSON. */
function telemetryValue(value: unknown): TelemetryValue {
  if (Array.isArray(value)) return value.map(telemetryValue)
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, telemetryValue(member)]))
  }
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null
}

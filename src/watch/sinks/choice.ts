import { UsageError } from '../../errors.ts'
import type { Severity } from '../../session/events.ts'
import type { AuditEntry } from '../entry.ts'
import { ecsOf } from '../mapping/ecs.ts'
import { ocsfOf } from '../mapping/ocsf.ts'
import { severities } from '../severities.ts'

/** What a sink writes, and of which entries. */
export interface SinkOptions {
  /**
   * In which schema. `latchkey` (default): the entry as it is in the trail, and `time`, its instant in UTC (ISO 8601). `ecs`: Elastic
   * Common Schema 9. `ocsf`: Open Cybersecurity Schema Framework 1.8.
   */
  readonly format?: 'latchkey' | 'ecs' | 'ocsf'
  /**
   * Entries at least so urgent. Default `info`: all. A log with fewer cannot tell later that the trail was cut, except where it
   * has an entry.
   */
  readonly minSeverity?: Severity
}

/** Reads the options: chooses and writes entries as they want it. Throws a `UsageError` for what there is not. */
export function chooser(sink: string, { format = 'latchkey', minSeverity = 'info' }: SinkOptions): Chooser {
  const write = formats[format]
  const least = severities.indexOf(minSeverity)
  if (!write) throw new UsageError(`${sink}: format must be one of ${Object.keys(formats).join(', ')}.`)
  if (least < 0) throw new UsageError(`${sink}: minSeverity must be one of ${severities.join(', ')}.`)
  return { wants: ({ severity }) => severities.indexOf(severity) >= least, write }
}

/** What the options of a sink come to. */
export interface Chooser {
  /** Whether the sink gets this entry. */
  readonly wants: (entry: AuditEntry) => boolean
  /** The entry in the schema that was chosen. */
  readonly write: (entry: AuditEntry) => Record<string, unknown>
}

const formats: Record<NonNullable<SinkOptions['format']>, Chooser['write']> = {
  latchkey: entry => ({ time: new Date(entry.at).toISOString(), ...entry }),
  ecs: ecsOf,
  ocsf: ocsfOf,
}

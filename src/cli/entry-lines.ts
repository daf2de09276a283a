import type { Severity } from '../session/events.ts'
import { type AuditEntry, type AuditType, auditCatalogue, severities } from '../watch/index.ts'
import { oneLine } from '../watch/plain-text.ts'
import { Misuse } from './exit-code.ts'
import { colored, fieldValue, instant, printable } from './printable.ts'
import type { Terminal } from './terminal.ts'

/**
 * An entry of the trail as one line: when, how urgent, what, and then fields. All of it is taken for a stranger's text, also what
 * we wrote ourselves: whoever can change the trail must not get at the terminal of who looks into it.
 */
export function entryLine(entry: AuditEntry, isColored: boolean): string {
  const { at, severity, type, sid, userId, address, userAgent, detail } = entry
  const fields = Object.entries({ user: userId, sid, address, client: userAgent, ...detail })
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => `${printable(name)}=${fieldValue(value)}`)
  const color = severity === 'alert' ? 'red' : severity === 'warning' ? 'yellow' : null
  const urgency = colored(printable(severity).padEnd(7), color, isColored)
  return [instant(at), urgency, printable(type).padEnd(24), ...fields].join('  ').trimEnd()
}

/** Writes entries, each in a line: for people, or as JSON for programs. */
export function writeEntries(entries: readonly AuditEntry[], asJson: boolean, terminal: Terminal): void {
  for (const entry of entries) terminal.out(asJson ? oneLine(entry) : entryLine(entry, terminal.color))
}

/** The option `--severity`. */
export function readSeverity(text: string | undefined): Severity | undefined {
  const severity = severities.find(known => known === text)
  if (text !== undefined && !severity) throw new Misuse(`--severity is none of ${severities.join(', ')}.`)
  return severity
}

/** The options `--type`. */
export function readTypes(texts: readonly string[] | undefined): readonly AuditType[] | undefined {
  return texts?.map(text => {
    if (Object.hasOwn(auditCatalogue, text)) return text as AuditType
    throw new Misuse(`--type ${printable(text)} is no event: docs/events.md lists them.`)
  })
}

/** The option `--limit`. */
export function readLimit(text: string | undefined, usual: number, most: number): number {
  const limit = text === undefined ? usual : Number(text)
  if (Number.isInteger(limit) && limit >= 1 && limit <= most) return limit
  throw new Misuse(`--limit must be a whole number from 1 to ${most}.`)
}

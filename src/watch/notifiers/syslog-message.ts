import type { Severity } from '../../session/events.ts'
import type { Notice } from '../notifier.ts'
import { plain } from '../plain-text.ts'

/** Who speaks, as RFC 5424 has it; made fit by {@link headerText}. */
export interface SyslogSender {
  /** 0 to 23. */
  readonly facility: number
  /** At most 255 characters. */
  readonly hostname: string
  /** At most 48 characters. */
  readonly appName: string
  /** At most 128 characters. */
  readonly procId: string
  /** Name of the structured data, `name@enterprise-number`. */
  readonly structuredDataId: string
}

type Facts = readonly (readonly [name: string, value: string | null])[]

/** RFC 5424 6.2.1: warning, and alert ("action must be taken immediately"). */
const severities: Record<Severity, number> = { info: 6, warning: 4, alert: 1 }
const byteOrderMark = '\ufeff'
const mostOfValue = 200
/** With this, everything before the text fits into the smallest message. */
const mostOfShortValue = 40
const mostOfEvidence = 10

/**
 * A notice as a message of RFC 5424, at most `mostBytes` of UTF-8; when it is longer, first evidence and then text give
 * way. The alert is in the structured data, the sentence is the text.
 */
export function syslogMessage(
  { alert, isWorse, text, others }: Notice,
  sender: SyslogSender,
  mostBytes: number,
): Buffer {
  const { facility, hostname, appName, procId, structuredDataId } = sender
  const priority = facility * 8 + severities[alert.severity]
  const time = new Date(isWorse ? alert.lastAt : alert.firstAt).toISOString()
  const header = `<${priority}>1 ${time} ${hostname} ${appName} ${procId} ${alert.detector}`
  const facts: Facts = [
    ['alert', alert.id],
    ['severity', alert.severity],
    ['sid', alert.sid],
    ['user', alert.userId],
    ['address', alert.address],
    ['others', others === 0 ? null : String(others)],
  ]
  const evidence = Object.entries(alert.evidence)
    .slice(0, mostOfEvidence)
    .map(([name, value]) => [`evidence.${name}`, value === null ? null : String(value)] as const)
  const write = (some: Facts, most: number) =>
    Buffer.from(`${header} ${structuredData(structuredDataId, some, most)} ${marked(text)}`)
  for (let kept = evidence.length; kept >= 0; kept -= 1) {
    const message = write([...facts, ...evidence.slice(0, kept)], mostOfValue)
    if (message.length <= mostBytes) return message
  }
  const message = write(facts, mostOfShortValue).subarray(0, mostBytes)
  // What is left of a character that was cut in half.
  return Buffer.from(message.toString().replace(/\ufffd$/, ''))
}

/**
 * Fit for a header: printable ASCII without spaces, so that nothing looks like the next field; `-` when nothing is
 * left.
 */
export function headerText(text: string, most: number): string {
  return text.replace(/[^\x21-\x7e]/g, '').slice(0, most) || '-'
}

function structuredData(id: string, facts: Facts, most: number): string {
  const given = facts.flatMap(([name, value]) =>
    value === null ? [] : [` ${parameterName(name)}="${escaped(value, most)}"`],
  )
  return `[${id}${given.join('')}]`
}

/** RFC 5424 6.3.3: 1 to 32 characters of printable ASCII without `=`, `]`, `"` and space. */
function parameterName(name: string): string {
  return headerText(name.replace(/[=\]"]/g, ''), 32)
}

/**
 * RFC 5424 6.3.3: these three must be escaped. What is not printable was written out before, with backslashes that are
 * doubled here.
 */
function escaped(value: string, most: number): string {
  return plain(value, most).replace(/["\\\]]/g, '\\$&')
}

/** RFC 5424 6.4: UTF-8 says so with a byte order mark. Plain ASCII needs none, and many readers show it. */
function marked(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? text : `${byteOrderMark}${text}`
}

import { UsageError } from '../../errors.ts'
import type { Evidence } from '../detection.ts'
import type { Notice, Notifier } from '../notifier.ts'
import { plain } from '../plain-text.ts'
import { noticeId } from './notice-id.ts'

/** A mail as it is handed to the transport. */
export interface EmailMessage {
  /** The sender. */
  readonly from: string
  /** The recipients. */
  readonly to: string[]
  /** The same for every try, so that a mailbox can tell that it has this mail already. */
  readonly messageId: string
  /** When the alert was first seen, or got worse. */
  readonly date: Date
  /** One line, at most 150 characters. */
  readonly subject: string
  /** Plain text, at most about 8,000 characters. */
  readonly text: string
  /** Says that no person wrote it. */
  readonly headers: Record<string, string>
  /** Nothing in a mail of ours is a file or an address to load from. */
  readonly disableFileAccess: true
  /** The same. */
  readonly disableUrlAccess: true
  /** Fires when nobody waits any more. */
  readonly signal: AbortSignal
}

/** Options of {@link email}. */
export interface EmailOptions {
  /** What sends: `createTransport(…)` of `nodemailer`, with time-outs and TLS as your mail server needs them. */
  readonly transport: { sendMail(message: EmailMessage): Promise<unknown> }
  /** The sender, `alerts@example.com` or `Campus <alerts@example.com>`. */
  readonly from: string
  /** Who is told. */
  readonly to: string | readonly string[]
  /** What subjects begin with. Default `[Latchkey]`. */
  readonly subjectPrefix?: string
  /** Short name for events, for example where there are several. Default `email`. */
  readonly name?: string
}

const mostOfSubject = 150
const mostFacts = 20
const mostOfFact = 200

/**
 * Mails alerts as plain text. What came from outside (names, addresses, evidence) has no line break and no control
 * character any more when it gets here, so nobody can add a header or a recipient.
 */
export function email(options: EmailOptions): Notifier {
  const { transport, from, to, subjectPrefix = '[Latchkey]', name = 'email' } = options
  if (typeof transport?.sendMail !== 'function')
    throw new UsageError("email: transport is missing: pass createTransport(…) of 'nodemailer'.")
  const recipients = typeof to === 'string' ? [to] : Array.isArray(to) ? [...to] : []
  if (recipients.length === 0) throw new UsageError('email: to is missing: say who is to be told.')
  for (const [option, value] of [...recipients.map(one => ['to', one]), ['from', from]] as const)
    if (!/^[^\p{C}]+@[^\p{C}\s]+$/u.test(String(value)))
      throw new UsageError(`email: ${option} must be a mail address, such as 'Campus <alerts@example.com>'.`)
  const domain = /@([A-Za-z0-9.-]+)>?$/.exec(from)?.[1] ?? 'localhost'

  return {
    name,
    async notify(notice, signal) {
      const { alert, text } = notice
      await transport.sendMail({
        from,
        to: recipients,
        messageId: `<${noticeId(notice)}@${domain}>`,
        date: new Date(notice.isWorse ? alert.lastAt : alert.firstAt),
        subject: cut(`${plain(subjectPrefix, 60)} ${text}`, mostOfSubject),
        text: bodyOf(notice),
        // RFC 3834: automatic replies must not answer it.
        headers: { 'Auto-Submitted': 'auto-generated' },
        disableFileAccess: true,
        disableUrlAccess: true,
        signal,
      })
    },
  }
}

function bodyOf({ alert, text }: Notice): string {
  const facts: Evidence = {
    detector: alert.detector,
    severity: alert.severity,
    time: new Date(alert.firstAt).toISOString(),
    user: alert.userId,
    session: alert.sid,
    address: alert.address,
    alert: alert.id,
  }
  return `${text}\n\n${linesOf(facts)}\n\nWhat was seen:\n\n${linesOf(alert.evidence)}\n`
}

/** Facts with their names, a line each. */
function linesOf(facts: Evidence): string {
  return Object.entries(facts)
    .slice(0, mostFacts)
    .map(([name, value]) => {
      const text = value === null ? '-' : Array.isArray(value) ? value.slice(0, mostFacts).join(', ') : String(value)
      return `  ${plain(name, 40)}: ${plain(text, mostOfFact)}`
    })
    .join('\n')
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1).toWellFormed()}…`
}

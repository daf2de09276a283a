import { isIP } from 'node:net'
import { createTransport } from 'nodemailer'

/** A mail that is ready to be sent: plain text to one address. */
export interface Mail {
  /** Makes the `Message-ID`: the same for every attempt, so that a mailbox can tell that it has this mail already. */
  readonly id: string
  readonly to: string
  readonly subject: string
  readonly text: string
  /** When it was written, epoch ms; it may be sent much later. */
  readonly writtenAt: number
}

/** A line to a mail server. */
export interface Mailer {
  /** Resolves when the server has taken the mail over. Rejects with a {@link RecipientRefused}, or with what else went wrong. */
  send(mail: Mail, signal: AbortSignal): Promise<void>
}

/** The mail server will never take mail for this recipient: trying again is no use. */
export class RecipientRefused extends Error {
  override readonly name = 'RecipientRefused'
}

/** How long each step of a conversation may take. The outbox ends what takes too long altogether. */
const stepMs = 10_000

/**
 * A mailer over SMTP, a connection for each mail. `server` is `smtp://` or `smtps://`, with a user and a password if need be.
 * Over a network `smtp:` means STARTTLS or nothing, because whoever sits in between could otherwise read along by leaving it out.
 */
export function createMailer({ server, from }: { readonly server: string; readonly from: string }): Mailer {
  const { protocol, hostname, port, username, password } = new URL(server)
  const host = hostname.replace(/^\[|\]$/g, '')
  const secure = protocol === 'smtps:'
  const transport = createTransport({
    host,
    port: port === '' ? (secure ? 465 : 587) : Number(port),
    secure,
    requireTLS: !secure && !isThisMachine(host),
    ...(username !== '' && { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } }),
    connectionTimeout: stepMs,
    greetingTimeout: stepMs,
    socketTimeout: stepMs,
    dnsTimeout: stepMs,
    socketCloseTimeout: 0,
    // Nothing in a mail of ours is a file or an address to load from.
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  const domain = from.slice(from.lastIndexOf('@') + 1)
  return {
    async send({ id, to, subject, text, writtenAt }, signal) {
      try {
        await transport.sendMail({
          from: { name: 'Campus', address: from },
          to: { name: '', address: to },
          messageId: `<${id}@${domain}>`,
          date: new Date(writtenAt),
          // RFC 3834: automatic replies must not answer it.
          headers: { 'Auto-Submitted': 'auto-generated' },
          subject,
          text,
          signal,
        })
      } catch (error) {
        throw isRefusedForGood(error) ? new RecipientRefused('The mail server refused the recipient.') : error
      }
    },
  }
}

/** RFC 5321 4.2.1: 5yz is for good. Only about the recipient: a refused sender or password is for the operator to repair. */
function isRefusedForGood(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code: unknown = Reflect.get(error, 'responseCode')
  return Reflect.get(error, 'command') === 'RCPT TO' && typeof code === 'number' && code >= 500
}

function isThisMachine(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

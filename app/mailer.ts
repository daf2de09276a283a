import { isIP } from 'node:net'
import { createTransport, type Transporter } from 'nodemailer'

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
  /** Resolves when the server has taken the mail over. Rejects with a {@link MailRefused}, or with what else went wrong. */
  send(mail: Mail, signal: AbortSignal): Promise<void>
}

/** The mail server does not want this mail. It says nothing about the next one: that may be for somebody else. */
export class MailRefused extends Error {
  override readonly name = 'MailRefused'
  /** Whether it never will, so that trying again is no use. */
  readonly forGood: boolean

  constructor(forGood: boolean) {
    super(`The mail server refused a mail ${forGood ? 'for good' : 'for now'}.`)
    this.forGood = forGood
  }
}

/** How long each step of a conversation may take. The outbox ends what takes too long altogether. */
const stepMs = 10_000

/** A mailer over SMTP, a connection for each mail. */
export function createMailer({ server, from }: { readonly server: string; readonly from: string }): Mailer {
  const transport = openTransport(server)
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
        throw refusalOf(error) ?? error
      }
    },
  }
}

/**
 * Where mails are handed to a server: `smtp://` or `smtps://`, with a user and a password if need be. Over a network `smtp:`
 * means STARTTLS or nothing, because whoever sits in between could otherwise read along by leaving it out.
 */
export function openTransport(server: string): Transporter {
  const { protocol, hostname, port, username, password } = new URL(server)
  const host = hostname.replace(/^\[|\]$/g, '')
  const secure = protocol === 'smtps:'
  return createTransport({
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
}

/**
 * What the server answered once it knew who the mail is for. RFC 5321 4.2.1: 5yz is for good; to a recipient, that is: what
 * it has against a text may pass. Before that, a refused connection, password or sender is for the operator to repair.
 */
function refusalOf(error: unknown): MailRefused | null {
  if (!(error instanceof Error)) return null
  const [command, code]: unknown[] = [Reflect.get(error, 'command'), Reflect.get(error, 'responseCode')]
  if ((command !== 'RCPT TO' && command !== 'DATA') || typeof code !== 'number') return null
  return new MailRefused(command === 'RCPT TO' && code >= 500)
}

function isThisMachine(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

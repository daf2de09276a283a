import { EventEmitter, once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { after } from 'node:test'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'

/** A mail as it arrived. */
export interface ArrivedMail {
  readonly from: string
  readonly to: readonly string[]
  /** As sent: headers, an empty line, the body. */
  readonly raw: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Decoded. */
  readonly body: string
}

/** A mail server of a test. */
export interface MailServer {
  readonly url: string
  readonly arrived: ArrivedMail[]
  /** Resolves to the first mail to an address, as soon as it is there. */
  mailTo(address: string): Promise<ArrivedMail>
  close(): Promise<void>
}

/** A mail that does not come in this time, on however busy a machine, never will. */
const patienceMs = 30_000

/** A mail server on this machine that keeps what it gets; `options` make it difficult. It stops with the file's tests. */
export async function openMailServer(options: SMTPServerOptions = {}, port = 0): Promise<MailServer> {
  const arrived: ArrivedMail[] = []
  const arrivals = new EventEmitter()
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    onData(stream, session, done) {
      const chunks: Buffer[] = []
      stream.on('data', chunk => chunks.push(chunk))
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope
        const raw = Buffer.concat(chunks).toString()
        arrived.push({
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          raw,
          ...parsed(raw),
        })
        arrivals.emit('mail')
        done()
      })
    },
    ...options,
  })
  server.on('error', () => {})
  const close = () => new Promise<void>(resolve => server.close(() => resolve()))
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', () => resolve()))
  after(close)
  const mailTo = async (address: string): Promise<ArrivedMail> => {
    const late = AbortSignal.timeout(patienceMs)
    for (;;) {
      const mail = arrived.find(({ to }) => to.includes(address))
      if (mail) return mail
      await once(arrivals, 'mail', { signal: late })
    }
  }
  return { url: `smtp://127.0.0.1:${portOf(server.server)}`, arrived, mailTo, close }
}

/** Something that takes connections and never says a word. */
export async function openSilentServer(): Promise<{
  url: string
  connections: () => number
  connected: () => Promise<unknown>
}> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return {
    url: `smtp://127.0.0.1:${portOf(server)}`,
    connections: () => sockets.size,
    connected: async () => sockets.size > 0 || (await once(server, 'connection')),
  }
}

/** The address of a port at which nobody listens. */
export async function deadMailServer(): Promise<string> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const port = portOf(server)
  server.close()
  await once(server, 'close')
  return `smtp://127.0.0.1:${port}`
}

function portOf(server: Pick<Server, 'address'>): number {
  const address = server.address()
  return typeof address === 'object' && address ? address.port : 0
}

/** Just enough of RFC 5322 and 2045 to see what a mail program would. */
function parsed(raw: string): Pick<ArrivedMail, 'headers' | 'body'> {
  const end = raw.indexOf('\r\n\r\n')
  const lines = raw
    .slice(0, end)
    .replaceAll(/\r\n[ \t]+/g, ' ')
    .split('\r\n')
  const headers = lines.map(line => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon), line.slice(colon + 1).trim()] as const
  })
  const text = raw.slice(end + 4)
  const encoding = headers.find(([name]) => name === 'Content-Transfer-Encoding')?.[1]
  const body =
    encoding === 'quoted-printable'
      ? decodeURIComponent(
          text
            .replaceAll('=\r\n', '')
            .replaceAll('%', '%25')
            .replaceAll(/=([0-9A-F]{2})/g, '%$1'),
        )
      : encoding === 'base64'
        ? Buffer.from(text, 'base64').toString()
        : text
  return { headers, body: body.replaceAll('\r\n', '\n') }
}

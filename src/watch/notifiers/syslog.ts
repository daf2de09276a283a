import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { connect, isIP, type Socket } from 'node:net'
import { hostname as ownHostname } from 'node:os'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { UsageError } from '../../errors.ts'
import type { Notifier } from '../notifier.ts'
import { headerText, type SyslogSender, syslogMessage } from './syslog-message.ts'

/** Options of {@link syslog}. */
export interface SyslogOptions {
  /** The syslog server. */
  readonly host: string
  /** Default: 514 for `udp`, 601 for `tcp`, 6514 for `tls`. */
  readonly port?: number
  /**
   * `tls` (RFC 5425) for every way that others share. With `udp` (RFC 5426) nobody learns whether an alert arrived, and
   * with both `udp` and `tcp` (RFC 6587) it is readable on the way.
   */
  readonly protocol: 'udp' | 'tcp' | 'tls'
  /** For `tls`: certificates to trust or to present. The server's certificate is always checked. */
  readonly tls?: Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'servername'>
  /** Which part of a system speaks, 0 to 23 (RFC 5424 6.2.1). Default 10, security and authorization. */
  readonly facility?: number
  /** Default `latchkey`; at most 48 characters of printable ASCII. */
  readonly appName?: string
  /** Default: this machine's name. */
  readonly hostname?: string
  /**
   * Name of the structured data with the number of your enterprise. Default `latchkey@32473`, whose number is the one
   * that RFC 5612 keeps for examples.
   */
  readonly structuredDataId?: string
  /** Short name for events, for example where there are several. Default `syslog`. */
  readonly name?: string
}

const ports = { udp: 514, tcp: 601, tls: 6514 } as const
/** RFC 5424 6.1: every receiver should take this much, and RFC 5426 3.2 the same of a datagram. */
const mostBytesOfDatagram = 2_048
/** RFC 5425 4.3.1: and this much over TLS. */
const mostBytes = 8_192
/** How long the server may take to hang up, which says that it read everything. */
const hangUpMs = 1_000

/**
 * Sends alerts to a syslog server as RFC 5424 has them. Alerts are rare, so over `tcp` and `tls` each has a connection
 * of its own, which is ended after it: syslog knows no acknowledgement, and on a connection that died unnoticed the
 * next message would be lost.
 */
export function syslog(options: SyslogOptions): Notifier {
  const { host, protocol, port = ports[protocol], name = 'syslog' } = options
  const sender = senderOf(options)
  if (typeof host !== 'string' || host === '') throw new UsageError('syslog: host is missing.')
  if (!Object.hasOwn(ports, protocol)) throw new UsageError("syslog: protocol must be 'udp', 'tcp' or 'tls'.")
  if (!(Number.isInteger(port) && port > 0 && port < 65_536)) throw new UsageError('syslog: port must be 1 to 65535.')

  return {
    name,
    async notify(notice, signal) {
      signal.throwIfAborted()
      if (protocol === 'udp') return sendDatagram(host, port, syslogMessage(notice, sender, mostBytesOfDatagram))
      const message = syslogMessage(notice, sender, mostBytes)
      const servername = isIP(host) === 0 ? { servername: host } : {}
      const socket =
        protocol === 'tcp'
          ? connect({ host, port })
          : connectTls({ host, port, ...servername, ...options.tls, rejectUnauthorized: true })
      await sendFrame(socket, protocol === 'tcp' ? 'connect' : 'secureConnect', message, signal)
    },
  }
}

function senderOf({ facility = 10, appName = 'latchkey', ...options }: SyslogOptions): SyslogSender {
  const { hostname = ownHostname(), structuredDataId = 'latchkey@32473' } = options
  if (!(Number.isInteger(facility) && facility >= 0 && facility <= 23))
    throw new UsageError('syslog: facility must be a whole number from 0 to 23.')
  if (!/^[\w.-]{1,20}@\d{1,11}$/.test(structuredDataId))
    throw new UsageError("syslog: structuredDataId must be a name and an enterprise number, such as 'latchkey@32473'.")
  const procId = String(process.pid)
  return {
    facility,
    procId,
    structuredDataId,
    hostname: headerText(hostname, 255),
    appName: headerText(appName, 48),
  }
}

/** Resolves when it left this machine. */
async function sendDatagram(host: string, port: number, message: Buffer): Promise<void> {
  const { address, family } = await lookup(host)
  const socket = createSocket(family === 6 ? 'udp6' : 'udp4')
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject)
    socket.send(message, port, address, error => (error ? reject(error) : resolve()))
  }).finally(() => socket.close())
}

/** Writes the message with its length in front (RFC 6587 3.4.1, so that no line break can end it), and hangs up. */
async function sendFrame(socket: Socket, ready: string, message: Buffer, signal: AbortSignal): Promise<void> {
  const give = () => socket.destroy(new Error('The syslog server took too long.'))
  signal.addEventListener('abort', give)
  // What the server says is nothing that we would read, but unread it would keep the connection from ending.
  socket.resume()
  try {
    await once(socket, ready)
    const closed = once(socket, 'close')
    socket.end(Buffer.concat([Buffer.from(`${message.length} `), message]))
    await Promise.race([once(socket, 'finish'), closed])
    // Some servers never hang up; they have the message all the same.
    const late = setTimeout(() => socket.destroy(), hangUpMs)
    await closed.finally(() => clearTimeout(late))
  } finally {
    signal.removeEventListener('abort', give)
    socket.on('error', () => {})
    socket.destroy()
  }
}

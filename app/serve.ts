import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { isIPv6 } from 'node:net'
import type { Certificate } from './certificate.ts'
import { OptionError } from './options.ts'

/** A server that listens. */
export interface Listening {
  readonly port: number
  /** Takes no new requests, lets those under way finish for a while, then closes. */
  drain(patienceMs: number): Promise<void>
}

/**
 * Listens with HTTPS when there is a certificate, else with HTTP. `listenerAt` makes what answers, once the port is known and
 * before the first request is read.
 */
export async function serve(
  listenerAt: (port: number) => RequestListener,
  tls: Certificate | null,
  host: string,
  port: number,
): Promise<Listening> {
  const server: Server = tls ? createHttpsServer({ cert: tls.certificate, key: tls.key }) : createHttpServer()
  const takenPort = await new Promise<number>((resolve, reject) => {
    server.once('error', error => reject(listenError(error, host, port)))
    server.listen(port, host, () => {
      try {
        const address = server.address()
        const taken = typeof address === 'object' && address ? address.port : port
        server.on('request', listenerAt(taken))
        resolve(taken)
      } catch (error) {
        server.close()
        reject(error)
      }
    })
  })
  return { port: takenPort, drain: patienceMs => drain(server, patienceMs) }
}

/** The address to type into a browser on this machine. */
export function originOf(https: boolean, host: string, port: number): string {
  const local = ['127.0.0.1', '0.0.0.0', '::', '::1'].includes(host)
  const name = local ? 'localhost' : isIPv6(host) ? `[${host}]` : host
  return `${https ? 'https' : 'http'}://${name}:${port}`
}

async function drain(server: Server, patienceMs: number): Promise<void> {
  // A connection falls idle when its last answer is out; kept alive by the browser it would keep us from stopping.
  const idle = setInterval(() => server.closeIdleConnections(), 50)
  const late = setTimeout(() => server.closeAllConnections(), patienceMs)
  await new Promise(resolve => server.close(resolve))
  clearInterval(idle)
  clearTimeout(late)
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  if (error.code === 'EADDRINUSE')
    return new OptionError(
      `--port ${port} is taken: stop what runs there, or choose another one, for example --port ${port + 1}.`,
    )
  if (error.code === 'EACCES') return new OptionError(`--port ${port} needs special rights: choose one above 1023.`)
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND')
    return new OptionError(
      `--host ${host} is not an address of this machine: use 127.0.0.1, or 0.0.0.0 for every network.`,
    )
  return error
}

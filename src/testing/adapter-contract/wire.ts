import { once } from 'node:events'
import {
  type Agent,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request,
} from 'node:http'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'

/** A request as it goes over the wire. */
export interface WireRequest {
  /** Default `GET`. */
  readonly method?: string
  /** Path and query. */
  readonly path: string
  readonly headers?: OutgoingHttpHeaders
  readonly body?: string | Uint8Array
  /** Left out, every request has a connection of its own. */
  readonly agent?: Agent
  /** Gives up: the connection is cut. */
  readonly signal?: AbortSignal
}

/** What came back. */
export interface WireAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Every `Set-Cookie` line, as sent. */
  readonly setCookies: readonly string[]
  readonly body: string
}

/** Sends one request and reads the whole answer. Rejects when the connection is cut before the answer is complete. */
export async function send(origin: string, wanted: WireRequest): Promise<WireAnswer> {
  const response = await begin(origin, wanted)
  const body = await text(response)
  const { statusCode: status = 0, headers } = response
  return { status, headers, setCookies: headers['set-cookie'] ?? [], body }
}

/** Sends one request and resolves when the answer's head is there; the body is the caller's to read. */
export async function begin(origin: string, wanted: WireRequest): Promise<IncomingMessage> {
  const { method = 'GET', path, headers = {}, body, agent, signal } = wanted
  const { hostname, port } = new URL(origin)
  const options = { hostname, port, method, path, headers, agent: agent ?? false, ...(signal ? { signal } : {}) }
  const outgoing = request(options)
  outgoing.end(body)
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  return response
}

/** Opens a bare connection, for what no HTTP client would send. */
export async function dial(origin: string): Promise<Socket> {
  const { hostname, port } = new URL(origin)
  const socket = connect(Number(port), hostname)
  await once(socket, 'connect')
  return socket
}

/** Sends bytes as they are and resolves to everything that came back until the server closed the connection. */
export async function speak(origin: string, bytes: string | Uint8Array): Promise<string> {
  const socket = await dial(origin)
  socket.setEncoding('latin1')
  let heard = ''
  socket.on('data', chunk => {
    heard += chunk
  })
  // A server that has refused already may reset the connection while we still send.
  socket.on('error', () => {})
  const closed = new Promise(resolve => socket.once('close', resolve))
  socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  await closed
  return heard
}

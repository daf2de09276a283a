import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { type ConsoleAnswer, mostWaiting, type OpenStream } from './contract.ts'
import { readJson } from './json-body.ts'

/** A request of Node, perhaps with a body that somebody has parsed already. */
type NodeRequest = IncomingMessage & { readonly body?: unknown }

/** The value of a header that may come once. */
export function headerIn(headers: IncomingHttpHeaders, name: string): string | null {
  const value = headers[name]
  return typeof value === 'string' ? value : null
}

/** The body as JSON, whether or not somebody has parsed it before. */
export async function jsonOf(request: NodeRequest): Promise<unknown> {
  if (request.body !== undefined) return request.body
  return readJson(request)
}

/** Gives an answer on Node's own response, in whatever framework. */
export function giveOnNode(response: ServerResponse, { status, headers, body }: ConsoleAnswer): void {
  if (typeof body !== 'function') {
    const bytes = typeof body === 'string' ? Buffer.from(body) : (body ?? new Uint8Array())
    response.writeHead(status, { ...headers, 'content-length': bytes.byteLength }).end(bytes)
    return
  }
  response.writeHead(status, headers)
  stream(response, body)
}

function stream(response: ServerResponse, open: OpenStream): void {
  const stop = open({
    send(text) {
      if (response.destroyed || response.writableEnded) return false
      if (response.writableLength <= mostWaiting) {
        response.write(text)
        return true
      }
      // Who does not read gets nothing more, and least of all our memory.
      response.destroy()
      return false
    },
    end: () => void response.end(),
  })
  if (response.destroyed) stop()
  else response.once('close', stop)
}

import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import type { ContractServer } from 'latchkey/testing'
import { listening } from './listening.ts'

/** What such a server tells of a connection besides the request, as Deno and Bun do. */
export interface Peer {
  readonly address: string | undefined
}

/**
 * A server in the manner of Deno and Bun: plain Web-standard requests in, responses out, nothing of Node to be seen. The
 * classes are the platform's own, whatever others have put in their place.
 */
export function servingFetch(
  answer: (request: Request, peer: Peer) => Response | Promise<Response>,
): Promise<ContractServer> {
  return listening(
    createServer(async (incoming, outgoing) => {
      try {
        const { remoteAddress: address } = incoming.socket
        await give(outgoing, await answer(requestOf(incoming, outgoing), { address }))
      } catch {
        if (outgoing.headersSent) outgoing.destroy()
        else outgoing.writeHead(500).end('the platform says sorry')
      }
    }),
  )
}

function requestOf(incoming: IncomingMessage, outgoing: ServerResponse): Request {
  const headers = new Headers()
  for (let index = 0; index < incoming.rawHeaders.length; index += 2) {
    headers.append(incoming.rawHeaders[index] ?? '', incoming.rawHeaders[index + 1] ?? '')
  }
  const gone = new AbortController()
  outgoing.once('close', () => {
    if (!outgoing.writableFinished) gone.abort()
  })
  const hasBody = incoming.method !== 'GET' && incoming.method !== 'HEAD'
  const body = hasBody ? { body: Readable.toWeb(incoming) as ReadableStream, duplex: 'half' as const } : {}
  const url = `http://${incoming.headers.host ?? 'fetch.test'}${incoming.url}`
  return new Request(url, { method: incoming.method ?? 'GET', headers, signal: gone.signal, ...body })
}

async function give(outgoing: ServerResponse, { status, headers, body }: Response): Promise<void> {
  const cookies = headers.getSetCookie()
  const all = Object.fromEntries([...headers].filter(([name]) => name !== 'set-cookie'))
  outgoing.writeHead(status, cookies.length > 0 ? { ...all, 'set-cookie': cookies } : all)
  if (!body || outgoing.req.method === 'HEAD') {
    body?.cancel().catch(() => {})
    outgoing.end()
    return
  }
  const reader = body.getReader()
  outgoing.once('close', () => reader.cancel().catch(() => {}))
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    if (!outgoing.write(value) && !outgoing.destroyed)
      await Promise.race([once(outgoing, 'drain'), once(outgoing, 'close')])
  }
  outgoing.end()
}

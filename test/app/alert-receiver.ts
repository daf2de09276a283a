import { EventEmitter, once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import { after } from 'node:test'

/** A request as it arrived. */
export interface ArrivedHook {
  readonly headers: IncomingHttpHeaders
  /** The raw body, which is what was signed. */
  readonly body: string
}

/** Somebody who takes webhooks. */
export interface AlertReceiver {
  readonly url: string
  /** Resolves to the first request, as soon as it is there. */
  first(): Promise<ArrivedHook>
}

/** What does not come in this time, on however busy a machine, never will. */
const patienceMs = 30_000

/** A receiver of webhooks on this machine; it stops when the tests of the file are over. */
export async function openAlertReceiver(): Promise<AlertReceiver> {
  const arrived: ArrivedHook[] = []
  const arrivals = new EventEmitter()
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    arrived.push({ headers: request.headers, body: Buffer.concat(chunks).toString() })
    response.writeHead(204).end()
    arrivals.emit('hook')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  after(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}/hooks/campus`,
    async first() {
      if (arrived.length === 0) await once(arrivals, 'hook', { signal: AbortSignal.timeout(patienceMs) })
      const [hook] = arrived
      if (hook === undefined) throw new Error('nothing has arrived')
      return hook
    },
  }
}

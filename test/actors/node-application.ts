import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { type NodeContext, type NodeHandler, sessions as nodeSessions } from 'latchkey/adapters/node'
import type { ContractAnswer, ContractApplication, ContractData, ContractNeeds, ContractServer } from 'latchkey/testing'
import { listening } from './listening.ts'

const guards: Readonly<Record<ContractNeeds, (context: NodeContext<ContractData>) => Promise<unknown> | null>> = {
  nothing: () => null,
  user: ({ requireUser }) => requireUser(),
  'level 2': ({ requireLevel }) => requireLevel(2),
  fresh: ({ requireFresh }) => requireFresh('5m'),
  'fresh level 2': ({ requireFresh }) => requireFresh('5m', { level: 2 }),
}

/** The contract's application on `node:http`: routes by hand, a second manager inside the first. */
export function startNode({ routes, sessions, second }: ContractApplication): Promise<ContractServer> {
  const handler: NodeHandler<ContractData> = async (request, response, outer) => {
    const { pathname, searchParams: query } = new URL(request.url ?? '', 'http://node.test')
    const method = request.method === 'HEAD' ? 'GET' : request.method
    const route = routes.find(one => one.method === method && one.path === pathname)
    if (!route) return response.writeHead(404).end('not found')
    request.body = await parsedBody(request)
    const { session, csrfToken, sessionStatus } = outer
    await guards[route.needs](outer)
    const inside = nodeSessions(
      second,
      async (_request, _response, inner) => {
        await give(response, await route.answer({ session, second: inner.session, csrfToken, sessionStatus, query }))
      },
      { onError: error => settle.reject(error) },
    )
    const settle = Promise.withResolvers<void>()
    response.on('close', settle.resolve)
    inside(request, response)
    return settle.promise
  }
  return listening(createServer(nodeSessions(sessions, handler)))
}

async function give(response: ServerResponse, { status, headers = {}, body }: ContractAnswer): Promise<void> {
  response.writeHead(status, headers as Record<string, string | string[]>)
  if (typeof body === 'object') await pipeline(body, response)
  else response.end(body)
}

/** As body parsers do it: forms and JSON become objects, other texts stay texts. */
async function parsedBody(request: IncomingMessage): Promise<unknown> {
  const { 'content-type': type = '', 'content-length': length, 'transfer-encoding': chunked } = request.headers
  if (length === undefined && chunked === undefined) return undefined
  const body = await text(request)
  const [media] = type.split(';', 1)
  if (media === 'application/x-www-form-urlencoded') return Object.fromEntries(new URLSearchParams(body))
  if (media === 'application/json') return JSON.parse(body)
  return body
}

import { LatchkeyError } from 'latchkey'
import { type WebContext, sessions as webSessions } from 'latchkey/adapters/web'
import type { ContractApplication, ContractData, ContractNeeds, ContractServer } from 'latchkey/testing'
import { responseOf } from './fetch-answer.ts'
import { type Peer, servingFetch } from './fetch-server.ts'

const guards: Readonly<Record<ContractNeeds, (context: WebContext<ContractData>) => Promise<unknown> | null>> = {
  nothing: () => null,
  user: ({ requireUser }) => requireUser(),
  'level 2': ({ requireLevel }) => requireLevel(2),
  fresh: ({ requireFresh }) => requireFresh('5m'),
  'fresh level 2': ({ requireFresh }) => requireFresh('5m', { level: 2 }),
}

/** The contract's application as one Web-standard function: routes by hand, a second manager inside the first. */
export function startWeb({ routes, sessions, second }: ContractApplication): Promise<ContractServer> {
  const options = { connection: (_request: Request, peer: Peer) => peer }
  return servingFetch(
    webSessions(
      sessions,
      async (request, outer, peer: Peer) => {
        const { pathname, searchParams: query } = new URL(request.url)
        const method = request.method === 'HEAD' ? 'GET' : request.method
        const route = routes.find(one => one.method === method && one.path === pathname)
        if (!route) return new Response('not found', { status: 404 })
        const { session, csrfToken, sessionStatus } = outer
        await guards[route.needs](outer)
        const inside = webSessions(
          second,
          async (_request, inner, _peer: Peer) =>
            responseOf(await route.answer({ session, second: inner.session, csrfToken, sessionStatus, query })),
          options,
        )
        return inside(request, peer)
      },
      { ...options, onError: failed },
    ),
  )
}

/** The application's own page for errors of its own; those of Latchkey have the adapter's. */
function failed(error: unknown): Response {
  if (error instanceof LatchkeyError) throw error
  return new Response('failed', { status: 500 })
}

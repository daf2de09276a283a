import { createServer } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { type Env, Hono, type MiddlewareHandler } from 'hono'
import {
  type HonoOptions,
  sessions as honoSessions,
  loadSession,
  requireFresh,
  requireLevel,
  requireUser,
  type SessionVariables,
} from 'latchkey/adapters/hono'
import type { ContractApplication, ContractNeeds, ContractServer } from 'latchkey/testing'
import { responseOf } from './fetch-answer.ts'
import { type Peer, servingFetch } from './fetch-server.ts'
import { listening } from './listening.ts'

type Variables = { Variables: SessionVariables }

const guards: Readonly<Record<ContractNeeds, readonly MiddlewareHandler[]>> = {
  nothing: [],
  user: [loadSession(), requireUser()],
  'level 2': [requireLevel(2)],
  fresh: [requireFresh('5m')],
  'fresh level 2': [requireFresh('5m', { level: 2 })],
}

/** The contract's application on Hono. */
export function honoApplication(
  { routes, sessions, second }: ContractApplication,
  options: HonoOptions = {},
): Hono<Variables> {
  const app = new Hono<Variables>()
  const first = honoSessions(sessions, options)
  const other = honoSessions(second, options)
  app.use(first, other)
  for (const { method, path, needs, answer } of routes) {
    app.on(method, [path], ...guards[needs], async context => {
      const { searchParams: query } = new URL(context.req.url)
      const csrfToken = () => context.get('csrfToken')()
      const sessionStatus = () => context.get('sessionStatus')()
      const both = { session: first.of(context), second: other.of(context) }
      return responseOf(await answer({ ...both, csrfToken, sessionStatus, query }))
    })
  }
  return quiet(app)
}

/** Hono prints errors that are not ours; these tests throw many. */
export function quiet<E extends Env>(app: Hono<E>): Hono<E> {
  return app.onError((error, context) =>
    'getResponse' in error ? error.getResponse() : context.text('Internal Server Error', 500),
  )
}

/** On Node, by @hono/node-server, which refuses requests without a host unless it is told one. */
export function startHonoOnNode(application: ContractApplication): Promise<ContractServer> {
  const { fetch } = honoApplication(application)
  return listening(createServer(getRequestListener(fetch, { overrideGlobalObjects: false, hostname: 'contract.test' })))
}

/** On Web standards alone, as on Bun and Deno. */
export function startHonoOnFetch(application: ContractApplication): Promise<ContractServer> {
  const getConnInfo = ({ env }: { env: Partial<Peer> }) => ({ remote: { address: env.address } })
  const { fetch } = honoApplication(application, { getConnInfo: context => getConnInfo(context) as never })
  return servingFetch((request, peer) => fetch(request, peer))
}

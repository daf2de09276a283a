import { createServer } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { type Env, Hono } from 'hono'
import {
  type HonoOptions,
  sessions as honoSessions,
  loadSession,
  requireUser,
  type SessionVariables,
} from 'latchkey/adapters/hono'
import type { ContractApplication, ContractServer } from 'latchkey/testing'
import { responseOf } from './fetch-answer.ts'
import { type Peer, servingFetch } from './fetch-server.ts'
import { listening } from './listening.ts'

type Variables = { Variables: SessionVariables }

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
    const guards = needs === 'user' ? [loadSession(), requireUser()] : []
    app.on(method, [path], ...guards, async context => {
      const { searchParams: query } = new URL(context.req.url)
      const csrfToken = () => context.get('csrfToken')()
      return responseOf(await answer({ session: first.of(context), second: other.of(context), csrfToken, query }))
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

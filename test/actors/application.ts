import type { ContractApplication, ContractRoute, ContractServer } from 'latchkey/testing'
import { contractRoutes } from '../../src/testing/adapter-contract/routes.ts'
import { startExpress } from './express-application.ts'
import { startFastify } from './fastify-application.ts'
import { type FreshSessions, freshSessions } from './fresh-sessions.ts'
import { startHonoOnNode } from './hono-application.ts'
import { HttpClient } from './http-client.ts'
import { startNode } from './node-application.ts'
import type { ServerOptions } from './server.ts'
import { startWeb } from './web-application.ts'

type Start = (application: ContractApplication) => Promise<ContractServer>

/** Adapters that see a request as it came over the wire, by name. */
export const wireAdapters: Readonly<Record<string, Start>> = {
  node: startNode,
  express: startExpress,
  fastify: startFastify,
}

/**
 * Every adapter there is, by name: security rules are tested on all of them. The last ones sit behind platforms that hand
 * on an address as a URL, parse forms themselves, and refuse odd requests before an adapter sees them.
 */
export const adapters: Readonly<Record<string, Start>> = { ...wireAdapters, hono: startHonoOnNode, web: startWeb }

/** A running application and what is behind it. */
export interface Running extends FreshSessions {
  readonly origin: string
  /** Somebody new. */
  readonly client: () => HttpClient
  /** Somebody who has just signed in. */
  readonly signedIn: (userId?: string) => Promise<HttpClient>
}

/** What a test changes of the application. */
export interface ApplicationOptions {
  readonly sessions?: ServerOptions
  readonly routes?: readonly ContractRoute[]
  readonly start?: (application: ContractApplication) => Promise<ContractServer>
}

const seeOther = { status: 303, headers: { Location: '/me' } }

/** What the standards ask of a session and the contract's application has no route for. */
const lifecycleRoutes: readonly ContractRoute[] = [
  {
    method: 'POST',
    path: '/remember',
    needs: 'nothing',
    answer: async ({ session }) => {
      await session.signIn('alice', { amr: ['pwd'], persistent: true })
      return seeOther
    },
  },
  {
    method: 'POST',
    path: '/step-up',
    needs: 'user',
    answer: async ({ session }) => {
      await session.stepUp({ amr: ['otp'] })
      return seeOther
    },
  },
  {
    method: 'POST',
    path: '/rotate',
    needs: 'nothing',
    answer: async ({ session }) => {
      await session.rotate()
      return seeOther
    },
  },
]

/** Runs the contract's application on an adapter for as long as `use` takes. */
export async function running(
  adapter: keyof typeof adapters,
  use: (application: Running) => Promise<void>,
  { sessions: options = {}, routes = [], start }: ApplicationOptions = {},
): Promise<void> {
  const fresh = freshSessions(options)
  const second = freshSessions({ ...options, cookie: { name: 'second' } })
  const run = start ?? adapters[adapter]
  if (!run) throw new Error(`there is no adapter ${adapter}`)
  const all = [...routes, ...contractRoutes, ...lifecycleRoutes]
  const server = await run({ routes: all, sessions: fresh.sessions, second: second.sessions })
  const client = () => new HttpClient(server.origin)
  const signedIn = async (userId = 'alice') => {
    const user = client()
    await user.post(`/login?user=${userId}`)
    return user
  }
  try {
    await use({ ...fresh, origin: server.origin, client, signedIn })
  } finally {
    fresh.store.heal()
    await server.close()
    await fresh.sessions.close()
    await second.sessions.close()
  }
}

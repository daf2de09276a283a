import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { createSessions, type Sessions, type SessionsOptions } from '../http/sessions.ts'
import type { SessionEvent } from '../session/events.ts'
import type { SessionStore } from '../session/store.ts'
import { answers } from './adapter-contract/answers.ts'
import type { Carried, Check } from './adapter-contract/check.ts'
import { failures } from './adapter-contract/failures.ts'
import { guards } from './adapter-contract/guards.ts'
import { lifecycle } from './adapter-contract/lifecycle.ts'
import { type ContractData, type ContractRoute, contractRoutes } from './adapter-contract/routes.ts'
import { Visitor } from './adapter-contract/visitor.ts'
import { faultyStore } from './faulty-store.ts'

export type {
  ContractAnswer,
  ContractData,
  ContractNeeds,
  ContractRequest,
  ContractRoute,
} from './adapter-contract/routes.ts'

/** The application that the author of an adapter brings up for each test: these routes, with both managers mounted. */
export interface ContractApplication {
  /** All routes; any other address is answered with 404. */
  readonly routes: readonly ContractRoute[]
  /** The manager whose session is the application's main one. */
  readonly sessions: Sessions<ContractData>
  /** Another manager, with another cookie, in the same application. */
  readonly second: Sessions<ContractData>
}

/** A running application. */
export interface ContractServer {
  /** `http://127.0.0.1:<port>`: plain HTTP on the loopback address, as behind a proxy that ends TLS. */
  readonly origin: string
  /** Stops it and cuts what is still connected. */
  close(): Promise<void>
}

/** What the suite has to know besides how to start an application. */
export interface AdapterContractOptions {
  /** Makes a fresh, empty store, for example `memoryStore` from `latchkey/stores/memory`. */
  readonly store: () => SessionStore
  /**
   * What of a session its cookie carries, when `store` is a sealed one, and the sentences that cannot hold then: they are not
   * run, and the suite fails unless they are exactly these. Default: nothing, and every sentence holds.
   */
  readonly carried?: { readonly what: Carried; readonly cannotHold: readonly string[] }
}

/**
 * Registers the tests of `node:test` that an adapter must pass: a real application behind real connections, with clients
 * that leave, stores that die and handlers that throw.
 *
 * ```ts
 * import { memoryStore } from 'latchkey/stores/memory'
 * import { adapterContract } from 'latchkey/testing'
 * adapterContract('my framework', async ({ routes, sessions, second }) => startMyApp(…), { store: memoryStore })
 * ```
 */
export function adapterContract(
  name: string,
  start: (application: ContractApplication) => Promise<ContractServer>,
  { store: open, carried }: AdapterContractOptions,
): void {
  const exceptions: string[] = []
  const check: Check = (sentence, run, options = {}) => {
    if (carried && options.cannotHold?.[carried.what] !== undefined) {
      exceptions.push(sentence)
      return
    }
    test(sentence, async () => {
      const store = faultyStore(open())
      assert.equal(store.carried, carried?.what, 'what the cookie carries is to be stated')
      const events: SessionEvent[] = []
      const shared: SessionsOptions = {
        secrets: [randomBytes(32).toString('base64url')],
        store,
        trustProxy: ['127.0.0.1', '::1'],
        environment: 'development',
        sweepEvery: false,
        onEvent: event => void events.push(event),
        ...options.sessions,
      }
      const sessions = createSessions<ContractData>(shared)
      const second = createSessions<ContractData>({ ...shared, cookie: { name: 'second' }, csrf: { token: false } })
      const routes = [...contractRoutes, ...(options.routes ?? [])]
      const server = await start({ routes, sessions, second })
      try {
        const scene = { origin: server.origin, store, carried: carried?.what ?? null, sessions, events }
        await run({ ...scene, visitor: () => new Visitor(server.origin) })
      } finally {
        store.heal()
        await server.close()
        await sessions.close()
      }
    })
  }

  describe(`adapter contract: ${name}`, () => {
    lifecycle(check)
    guards(check)
    answers(check)
    failures(check)
    if (carried) {
      test('what cannot hold where the cookie carries the session is known, and nothing else is left out', () => {
        assert.deepEqual(exceptions.toSorted(), carried.cannotHold.toSorted())
      })
    }
  })
}

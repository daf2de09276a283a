import { memoryStore } from 'latchkey/stores/memory'
import { type FaultyStore, faultyStore } from 'latchkey/testing'
import { type Server, type ServerOptions, startServer } from './server.ts'

/** A server with both CSRF layers, behind a proxy on the loopback address, on a store that can be made to fail. */
export interface FreshSessions extends Server {
  readonly store: FaultyStore
}

export function freshSessions(options: ServerOptions = {}): FreshSessions {
  const store = faultyStore(options.store ?? memoryStore())
  const server = startServer({ csrf: {}, trustProxy: ['127.0.0.1', '::1'], ...options, store })
  return { ...server, store }
}

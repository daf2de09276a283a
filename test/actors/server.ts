import { randomBytes } from 'node:crypto'
import { createSessions, type SessionEvent, type SessionStore, type Sessions, type SessionsOptions } from 'latchkey'
import { memoryStore } from 'latchkey/stores/memory'
import { type TestClock, testClock } from 'latchkey/testing'

/** What sessions hold in these tests. */
export type Data = Record<string, unknown>

/** A server as its operator sees it: sessions over a store, a clock that only the test moves, and everything it told. */
export interface Server {
  readonly sessions: Sessions<Data>
  readonly store: SessionStore
  readonly clock: TestClock
  readonly events: SessionEvent[]
  /** The newest secret of its key ring. */
  readonly secret: string
}

/** What a test wants to be different. */
export type ServerOptions = Partial<Omit<SessionsOptions, 'clock'>> & { readonly clock?: TestClock }

export const newSecretText = (): string => randomBytes(32).toString('base64url')

/**
 * Starts a server. Without the CSRF token layer, which has its own tests; what the browser sends of itself is checked.
 * Its store may take its time: a busy machine is no failing store.
 */
export function startServer({ clock = testClock(), ...options }: ServerOptions = {}): Server {
  const secret = options.secrets?.[0] ?? newSecretText()
  const store = options.store ?? memoryStore()
  const events: SessionEvent[] = []
  const sessions = createSessions<Data>({
    secrets: [secret],
    environment: 'development',
    csrf: { token: false },
    sweepEvery: false,
    storeTimeout: '60s',
    onEvent: event => events.push(event),
    ...options,
    store,
    clock: clock.now,
  })
  return { sessions, store, clock, events, secret }
}

/** A second process behind the same load balancer: same store, same secrets, same time, nothing else in common. */
export function startAnotherNode(server: Server, options: ServerOptions = {}): Server {
  return startServer({ secrets: [server.secret], store: server.store, clock: server.clock, ...options })
}

/** The events of a type, as `type` or, where there is one, `type reason`, in order. */
export function told({ events }: Pick<Server, 'events'>, ...types: SessionEvent['type'][]): string[] {
  return events
    .filter(event => types.length === 0 || types.includes(event.type))
    .map(event => ('reason' in event ? `${event.type} ${event.reason}` : event.type))
}

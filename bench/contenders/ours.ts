import { join } from 'node:path'
import { createSessions, type SessionStore } from 'latchkey'

/** What the session holds in every contender. */
export type Data = { count: number }

const [storeName, job] = process.argv.slice(2)
let calls = 0

/** How often a request touched the store; `null` unless this process measures the `unused` job. */
export const storeCalls = (): number | null => (job === 'unused' ? calls : null)

/** Latchkey as its README shows it, every protection on, behind a proxy that speaks TLS. */
export const sessions = createSessions<Data>({
  secrets: [process.env.BENCH_SECRET ?? ''],
  store: counted(await createStore()),
  policy: { idleTimeout: '15m', absoluteTimeout: '8h', rotateEvery: '10m', grace: '30s' },
  trustProxy: 1,
  // The memory store is refused in production, for good reason; nothing else depends on this.
  ...(storeName === 'memory' ? { environment: 'development' as const } : {}),
  onEvent: () => {},
})

async function createStore(): Promise<SessionStore> {
  if (storeName === 'memory') return (await import('latchkey/stores/memory')).memoryStore()
  const { sqliteStore } = await import('latchkey/stores/sqlite')
  return sqliteStore(join(process.env.BENCH_DATA ?? '.', 'sessions.db'))
}

/** In the `unused` job only, where no call is the proof: counting would cost the other jobs. */
function counted(store: SessionStore): SessionStore {
  if (job !== 'unused') return store
  const ofRequests = ['read', 'create', 'save', 'touch', 'end', 'endUser', 'generation', 'list']
  return new Proxy(store, {
    get(target, name) {
      if (ofRequests.includes(String(name))) calls += 1
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

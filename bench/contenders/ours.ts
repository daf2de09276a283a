import { join } from 'node:path'
import { createSessions, type SessionStore, type SharedStore } from 'latchkey'

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
  ...(storeName?.startsWith('memory') ? { environment: 'development' as const } : {}),
  onEvent: () => {},
})

if (storeName?.endsWith('+watch')) await watchOver()

/** Everything that the watch does by default, its trail in SQLite. */
async function watchOver(): Promise<void> {
  const [{ createWatch }, { sqliteWatch }] = await Promise.all([
    import('latchkey/watch'),
    import('latchkey/watch/stores/sqlite'),
  ])
  await createWatch(sessions, { store: sqliteWatch(join(process.env.BENCH_DATA ?? '.', 'watch.db')) })
}

async function createStore(): Promise<SessionStore> {
  const { BENCH_DATA = '.', BENCH_REDIS = '', BENCH_POSTGRES = '' } = process.env
  const [place, near] = (storeName ?? '').split('+')
  switch (place) {
    case 'redis': {
      const [{ redisStore }, { createClient }] = await Promise.all([import('latchkey/stores/redis'), import('redis')])
      return behind(near, redisStore(await createClient({ url: BENCH_REDIS }).connect()))
    }
    case 'postgres': {
      const [{ migratePostgres, postgresStore }, { default: pg }] = await Promise.all([
        import('latchkey/stores/postgres'),
        import('pg'),
      ])
      const pool = new pg.Pool({ connectionString: BENCH_POSTGRES, connectionTimeoutMillis: 2_000 })
      await migratePostgres(pool)
      return behind(near, postgresStore(pool))
    }
    case 'sqlite': {
      const { sqliteStore } = await import('latchkey/stores/sqlite')
      return sqliteStore(join(BENCH_DATA, 'sessions.db'))
    }
    case 'sealed':
      return (await import('latchkey/stores/sealed')).sealedStore()
    default:
      return (await import('latchkey/stores/memory')).memoryStore()
  }
}

async function behind(near: string | undefined, store: SharedStore): Promise<SessionStore> {
  return near === 'near' ? (await import('latchkey/stores/near-cache')).nearCache(store) : store
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

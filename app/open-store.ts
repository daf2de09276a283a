import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import type { SessionStore, SharedStore } from 'latchkey'
import { fileStore } from 'latchkey/stores/file'
import { memoryStore } from 'latchkey/stores/memory'
import { nearCache } from 'latchkey/stores/near-cache'
import { sealedStore } from 'latchkey/stores/sealed'
import { sqliteStore } from 'latchkey/stores/sqlite'
import { OptionError, placeOf, reasonOf, type StoreChoice } from './options.ts'

/** A session store, and what closes it together with the connections that it stands on. */
export interface OpenedStore {
  readonly store: SessionStore
  close(): Promise<void>
}

/** Opens the session store that was chosen; throws an {@link OptionError} when its place cannot be used. */
export async function openStore(choice: StoreChoice, cached: boolean): Promise<OpenedStore> {
  if (choice.kind === 'sealed' && choice.list !== null) {
    const { store, close } = await openStore(choice.list, cached)
    return { store: sealedStore({ revocations: store }), close }
  }
  try {
    const shared = await openShared(choice)
    if (shared && cached) return { ...shared, store: nearCache(shared.store) }
    if (cached) throw new Error('--near-cache is for stores that several processes share; this one needs none')
    if (shared) return shared
    const store = openEmbedded(choice)
    return { store, close: () => store.close() }
  } catch (error) {
    throw new OptionError(
      `--store ${placeOf(choice)} cannot be opened (${reasonOf(error)}): choose one that Campus can use.`,
    )
  }
}

function openEmbedded(choice: StoreChoice): SessionStore {
  switch (choice.kind) {
    case 'file':
      mkdirSync(choice.directory, { recursive: true, mode: 0o700 })
      return fileStore(choice.directory)
    case 'sqlite':
      mkdirSync(dirname(choice.file), { recursive: true, mode: 0o700 })
      return sqliteStore(choice.file)
    case 'sealed':
      return sealedStore()
    default:
      return memoryStore()
  }
}

/** The drivers are loaded here, so that whoever keeps sessions elsewhere needs none of them. */
async function openShared(choice: StoreChoice): Promise<{ store: SharedStore; close(): Promise<void> } | null> {
  switch (choice.kind) {
    case 'postgres': {
      const [{ default: pg }, { migratePostgres, postgresStore }] = await Promise.all([
        import('pg'),
        import('latchkey/stores/postgres'),
      ])
      const pool = new pg.Pool({ connectionString: choice.url, connectionTimeoutMillis: connectWithinMs })
      // A pool's idle connections break now and then; the next query gets a new one, and what fails says so itself.
      pool.on('error', () => {})
      await migratePostgres(pool)
      const store = postgresStore(pool)
      return { store, close: () => store.close().then(() => pool.end()) }
    }
    case 'redis': {
      const [{ createClient }, { redisStore }] = await Promise.all([import('redis'), import('latchkey/stores/redis')])
      const client = createClient({
        url: choice.url,
        socket: { connectTimeout: connectWithinMs },
        disableOfflineQueue: true,
      })
      // Reconnecting is the client's business; requests meanwhile are refused with 503.
      client.on('error', () => {})
      await client.connect()
      const store = redisStore(client)
      return { store, close: () => store.close().then(() => client.close()) }
    }
    case 'redis-cluster': {
      const [{ createCluster }, { redisStore }] = await Promise.all([import('redis'), import('latchkey/stores/redis')])
      const cluster = createCluster({
        rootNodes: choice.urls.map(url => ({ url })),
        // All three, or a master that falls silent without hanging up is waited for until it speaks again.
        defaults: {
          pingInterval: 500,
          socket: {
            connectTimeout: connectWithinMs,
            socketTimeout: 1_500,
            reconnectStrategy: retries => Math.min(50 * 2 ** retries, 1_000),
          },
          disableOfflineQueue: true,
        },
        topologyRefreshOnReconnectionAttemptStrategy: 500,
      })
      cluster.on('error', () => {})
      await cluster.connect()
      const store = redisStore(cluster)
      return { store, close: () => store.close().then(() => cluster.close()) }
    }
    default:
      return null
  }
}

const connectWithinMs = 5_000

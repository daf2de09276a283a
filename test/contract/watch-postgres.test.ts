import { watchStoreContract } from 'latchkey/testing'
import type { WatchStore } from 'latchkey/watch'
import { migrateWatch, postgresWatch } from 'latchkey/watch/stores/postgres'
import type pg from 'pg'
import { describeWithPostgres } from '../servers/postgres.ts'

describeWithPostgres('on a real server', server => {
  let pool: pg.Pool | null = null
  let opened = 0
  const prefixes = new WeakMap<WatchStore, string>()

  function openAt(prefix: string): WatchStore {
    pool ??= server.pool()
    const store = postgresWatch(pool, { prefix })
    prefixes.set(store, prefix)
    return store
  }

  async function open(): Promise<WatchStore> {
    pool ??= server.pool()
    opened += 1
    const prefix = `watch_${opened}_`
    await migrateWatch(pool, { prefix })
    return openAt(prefix)
  }

  watchStoreContract('postgres', open, {
    reopen: closed => openAt(prefixes.get(closed) ?? ''),
    async damage(store, { chain, seq }) {
      const entries = `${prefixes.get(store)}watch_entries`
      await server.sql(`UPDATE ${entries} SET severity = 9 WHERE chain = '${chain}' AND seq = ${seq}`)
    },
  })
})

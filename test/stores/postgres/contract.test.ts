import { migratePostgres, postgresStore } from 'latchkey/stores/postgres'
import { storeContract } from 'latchkey/testing'
import type pg from 'pg'
import type { SessionStore } from '../../../src/session/store.ts'
import { describeWithPostgres } from '../../servers/postgres.ts'

describeWithPostgres('on a real server', server => {
  let pool: pg.Pool | null = null
  let opened = 0
  const prefixes = new WeakMap<SessionStore, string>()

  function openAt(prefix: string): SessionStore {
    pool ??= server.pool()
    const store = postgresStore(pool, { prefix })
    prefixes.set(store, prefix)
    return store
  }

  async function open(): Promise<SessionStore> {
    pool ??= server.pool()
    opened += 1
    const prefix = `contract_${opened}_`
    await migratePostgres(pool, { prefix })
    return openAt(prefix)
  }

  storeContract('postgres', open, { directory: true, reopen: closed => openAt(prefixes.get(closed) ?? '') })
})

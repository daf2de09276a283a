import type { FactorStore } from 'latchkey/mfa'
import { migrateFactors, postgresFactors } from 'latchkey/mfa/stores/postgres'
import { factorStoreContract } from 'latchkey/testing'
import type pg from 'pg'
import { describeWithPostgres } from '../servers/postgres.ts'

describeWithPostgres('on a real server', server => {
  let pool: pg.Pool | null = null
  let opened = 0
  const prefixes = new WeakMap<FactorStore, string>()

  function openAt(prefix: string): FactorStore {
    pool ??= server.pool()
    const store = postgresFactors(pool, { prefix })
    prefixes.set(store, prefix)
    return store
  }

  async function open(): Promise<FactorStore> {
    pool ??= server.pool()
    opened += 1
    const prefix = `factors_${opened}_`
    await migrateFactors(pool, { prefix })
    return openAt(prefix)
  }

  factorStoreContract('postgres', open, { reopen: closed => openAt(prefixes.get(closed) ?? '') })
})

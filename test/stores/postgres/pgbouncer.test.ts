import assert from 'node:assert/strict'
import { before, it } from 'node:test'
import { migratePostgres, type PostgresPool, postgresStore } from 'latchkey/stores/postgres'
import { sampleMark, sampleRecord, storeContract } from 'latchkey/testing'
import type pg from 'pg'
import type { SessionStore } from '../../../src/session/store.ts'
import { describeWithPgbouncer } from '../../servers/pgbouncer.ts'
import type { PostgresServer } from '../../servers/postgres.ts'

const { createdAt: now } = sampleRecord()

/** The pool, which keeps no statement prepared on a connection: what docs/stores-postgres.md tells people to write. */
function unprepared(pool: pg.Pool): PostgresPool {
  return {
    options: pool.options,
    on: (event, listener) => pool.on(event, listener),
    connect: () => pool.connect(),
    query: ({ name: _, ...statement }) => pool.query(statement),
  }
}

/** The contract over a pool, each store with tables of its own. */
function enrol(name: string, open: () => PostgresPool): void {
  const prefixes = new WeakMap<SessionStore, string>()
  let pool: PostgresPool | null = null
  let opened = 0
  const openAt = (prefix: string): SessionStore => {
    pool ??= open()
    const store = postgresStore(pool, { prefix })
    prefixes.set(store, prefix)
    return store
  }
  const openNew = async () => {
    opened += 1
    const prefix = `contract_${opened}_`
    pool ??= open()
    await migratePostgres(pool, { prefix })
    return openAt(prefix)
  }
  storeContract(name, openNew, { directory: true, reopen: closed => openAt(prefixes.get(closed) ?? '') })
}

function refusals(server: PostgresServer, url: () => string): void {
  const wrong: readonly (readonly [what: string, options: () => pg.PoolConfig])[] = [
    ['a wrong password', () => ({ connectionString: url().replace(/:[^:@/]+@/, ':wrong@') })],
    ['an unknown database', () => ({ connectionString: url().replace(/\/postgres$/, '/none') })],
    ['a startup parameter', () => ({ connectionString: url(), options: '-c synchronous_commit=on' })],
  ]
  for (const [what, options] of wrong) {
    it(`${what} that it refuses is not taken for a server that restarted`, async () => {
      const store = postgresStore(server.pool(options()))
      await assert.rejects(store.ping(), /A connection pooler .* refused us; the cause says why/)
      await store.close()
    })
  }
}

describeWithPgbouncer('postgres store: behind PgBouncer', 'session', (server, url) => {
  before(() => migratePostgres(server.pool()))
  enrol('postgres by PgBouncer, session mode', () => server.pool({ connectionString: url(), max: 8 }))
  refusals(server, url)

  it('changes can be followed', async () => {
    const told: (string | null)[] = []
    const store = postgresStore(server.pool({ connectionString: url(), max: 4 }))
    const other = postgresStore(server.pool())
    const following = await store.follow(
      sid => told.push(sid),
      () => assert.fail('it was lost'),
    )
    const record = sampleRecord()
    await other.create(record, { now })
    await other.end(record.sid, sampleMark())
    await following.confirm()
    assert.deepEqual(told, [record.sid, record.sid])
    await Promise.all([store.close(), other.close()])
  })
})

describeWithPgbouncer('postgres store: behind PgBouncer', 'transaction', (server, url) => {
  before(() => migratePostgres(server.pool()))
  enrol('postgres by PgBouncer, transaction mode, nothing prepared', () =>
    unprepared(server.pool({ connectionString: url() })),
  )
  refusals(server, url)

  it('a prepared statement that is on the connection of somebody else is refused with the fix, and works without', async () => {
    const pool = server.pool({ connectionString: url(), max: 1 })
    const passerBy = server.pool({ connectionString: url(), max: 1 })
    const [prepared, plain] = [postgresStore(pool), postgresStore(unprepared(pool))]
    const create = (store: SessionStore) => store.create(sampleRecord(), { now })
    /** Whose connection a statement meets is the pooler's choice: the one used last, unless somebody else has it by then. */
    const createElsewhere = async (store: SessionStore) => {
      await create(store)
      const other = await passerBy.connect()
      try {
        await other.query('BEGIN')
        await other.query('SELECT 1')
        return await create(store)
      } finally {
        await other.query('ROLLBACK')
        other.release()
      }
    }
    assert.equal((await createElsewhere(plain)).outcome, 'created')
    await assert.rejects(
      createElsewhere(prepared),
      /pooler hands our connection to others.*session mode, or PgBouncer 1\.21/,
    )
    await Promise.all([prepared.close(), plain.close()])
  })

  it('following changes is refused, because none would be told', async () => {
    for (const pool of [
      server.pool({ connectionString: url() }),
      unprepared(server.pool({ connectionString: url() })),
    ]) {
      const store = postgresStore(pool)
      const never = () => assert.fail('it followed')
      await assert.rejects(store.follow(never, never), /pooler keeps the notifications of PostgreSQL from us/)
      await store.ping()
      await store.close()
    }
  })
})

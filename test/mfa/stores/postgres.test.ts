import assert from 'node:assert/strict'
import { before, beforeEach, it } from 'node:test'
import type { FactorStore } from 'latchkey/mfa'
import { type FactorPool, migrateFactors, postgresFactors } from 'latchkey/mfa/stores/postgres'
import { sampleFactor, sampleFailures } from 'latchkey/testing'
import pg from 'pg'
import { describeWithPostgres } from '../../servers/postgres.ts'

const fifty = Array.from({ length: 50 }, (_, i) => i)

describeWithPostgres('factors in PostgreSQL', server => {
  before(() => migrateFactors(server.pool()))
  beforeEach(() => server.sql('TRUNCATE latchkey_factors, latchkey_factor_failures'))

  it('their tables are made by any number of processes at once, and again without harm', async () => {
    await Promise.all(fifty.slice(0, 8).map(() => migrateFactors(server.pool(), { prefix: 'crowd_' })))
    const store = postgresFactors(server.pool(), { prefix: 'crowd_' })
    const record = sampleFactor()
    await store.create(record)
    await migrateFactors(server.pool(), { prefix: 'crowd_' })
    assert.deepEqual(await store.find(record.id), record)
    await store.close()
  })

  it('live in the schema and under the prefix that the application wants, apart from all others', async () => {
    await server.sql('CREATE SCHEMA "Security"')
    const place = { schema: 'Security', prefix: 'app_' }
    await migrateFactors(server.pool(), place)
    const store = postgresFactors(server.pool(), place)
    const record = sampleFactor()
    await store.create(record)
    await store.saveFailures(sampleFailures())
    await store.ping()
    assert.equal((await server.sql('SELECT FROM "Security".app_factors')).length, 1)
    assert.equal(await postgresFactors(server.pool()).find(record.id), null)
  })

  const refusals: readonly (readonly [what: string, store: () => FactorStore | Promise<FactorStore>, says: RegExp])[] =
    [
      [
        'tables that are missing',
        () => postgresFactors(server.pool(), { prefix: 'nowhere_' }),
        /nowhere_factor\* are missing.*migrateFactors/,
      ],
      [
        'tables of a newer version',
        async () => {
          await migrateFactors(server.pool(), { prefix: 'newer_' })
          await server.sql('UPDATE newer_factor_schema SET version = 9')
          return postgresFactors(server.pool(), { prefix: 'newer_' })
        },
        /newer Latchkey/,
      ],
      [
        'tables of another program',
        async () => {
          await server.sql(`CREATE TABLE other_factor_schema AS SELECT 'mine' AS application, 1 AS version`)
          return postgresFactors(server.pool(), { prefix: 'other_' })
        },
        /another program/,
      ],
      [
        'a wrong password',
        () => postgresFactors(server.pool({ connectionString: server.url({ password: 'wrong' }) })),
        /refuses the password/,
      ],
      [
        'a read-only server, for changes',
        () => postgresFactors(server.pool({ options: '-c default_transaction_read_only=on' })),
        /read-only/,
      ],
    ]
  for (const [what, open, says] of refusals) {
    it(`name the fix for ${what}, and no password`, async () => {
      const store = await open()
      const [created, pinged] = await Promise.allSettled([store.create(sampleFactor()), store.ping()])
      for (const result of [created, pinged]) {
        assert.equal(result.status, 'rejected')
        assert.match(result.reason.message, says)
        assert.doesNotMatch(`${result.reason.stack} ${result.reason.cause?.message}`, /a password of tests/)
      }
      await store.close()
    })
  }

  it('work again once that is over', async () => {
    const store = postgresFactors(server.pool(), { prefix: 'later_' })
    await assert.rejects(store.list('ada'), /missing/)
    await migrateFactors(server.pool(), { prefix: 'later_' })
    assert.deepEqual(await store.list('ada'), [])
    await store.close()
  })

  it('are not read from a replica, which may not know a factor yet: an account would look unprotected', async () => {
    const replica = await server.replica()
    const store = postgresFactors(replica.pool())
    for (const read of [() => store.list('ada'), () => store.find('x'), () => store.failures('x'), () => store.ping()])
      await assert.rejects(read(), /replica/)
    await assert.rejects(store.create(sampleFactor()), /read-only/)
    await store.close()
  })

  for (const isolation of ['read committed', 'repeatable read', 'serializable']) {
    it(`a save that was overtaken while it waited is a conflict, also under ${isolation}`, async () => {
      const options = `-c default_transaction_isolation=${isolation.replaceAll(' ', '\\ ')}`
      const store = postgresFactors(server.pool({ max: 8, options }))
      const record = sampleFactor()
      await store.create(record)
      const faster = await server.pool().connect()
      await faster.query(`BEGIN; UPDATE latchkey_factors SET version = 2 WHERE id = '${record.id}'`)
      const saving = store.save({ ...record, version: 2, body: 'late' })
      await server.waitForLocks(1)
      await faster.query('COMMIT')
      faster.release()
      assert.equal(await saving, 'conflict')
      const answers = await Promise.all(fifty.map(i => store.save({ ...record, version: 3, body: `${i}` })))
      assert.equal(answers.filter(answer => answer === 'saved').length, 1)
      assert.equal(answers.filter(answer => answer === 'conflict').length, 49)
      await store.close()
    })
  }

  it('wait for the disk although synchronous_commit is off', async () => {
    const seen: string[] = []
    await server.sql(`
      CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        PERFORM pg_notify('commits', TG_OP || ' ' || current_setting('synchronous_commit')); RETURN NULL;
      END $$;
      CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON latchkey_factors FOR EACH ROW EXECUTE FUNCTION note();
      CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON latchkey_factor_failures FOR EACH ROW EXECUTE FUNCTION note()`)
    const listener = await server.pool().connect()
    listener.on('notification', ({ payload }) => seen.push(payload ?? ''))
    await listener.query('LISTEN commits')
    const store = postgresFactors(server.pool({ options: '-c synchronous_commit=off' }))
    const record = sampleFactor()
    await store.create(record)
    await store.save({ ...record, version: 2 })
    await store.remove(record.id)
    await store.saveFailures(sampleFailures())
    await store.saveFailures(sampleFailures({ version: 2 }))
    await store.clearFailures(['alice'])
    await listener.query('SELECT 1')
    listener.release()
    await server.sql('DROP FUNCTION note() CASCADE')
    const changes = ['INSERT', 'UPDATE', 'DELETE']
    assert.deepEqual(
      seen,
      [...changes, ...changes].map(change => `${change} on`),
    )
    await store.close()
  })

  it('an application that changed how pg reads numbers and texts changes nothing here', async () => {
    const store = postgresFactors(server.pool({ types: { getTypeParser: () => () => 'mine' } }))
    const record = sampleFactor({ lastUsedAt: 7 })
    await store.create(record)
    await store.saveFailures(sampleFailures())
    assert.deepEqual(await store.list('alice'), [record])
    assert.deepEqual(await store.failures('alice'), sampleFailures())
    await store.close()
  })

  it('a row that nobody wrote so is an error, not a factor', async () => {
    const store = postgresFactors(server.pool())
    const record = sampleFactor()
    await store.create(record)
    for (const change of [`kind = 'sms'`, `user_id = 'a\\x'`, `body = '\\u00'`, 'version = 9223372036854775807']) {
      await server.sql(`UPDATE latchkey_factors SET kind = 'totp', user_id = 'alice', body = '', version = 1`)
      await server.sql(`UPDATE latchkey_factors SET ${change}`)
      await assert.rejects(store.find(record.id), /damaged|JSON/, change)
    }
    await store.close()
  })

  it('a pool that would wait for connections for ever, and names that PostgreSQL would change, are refused', () => {
    const pool = new pg.Pool({ connectionString: server.url() })
    assert.throws(() => postgresFactors(pool), /connectionTimeoutMillis/)
    for (const prefix of ['', 'A_', 'x'.repeat(31), '1_', 'a;b', 'a"b'])
      assert.throws(() => postgresFactors(server.pool(), { prefix }), /prefix/)
    for (const schema of ['', 'a b', 'a"b', 'x'.repeat(64)])
      assert.throws(() => postgresFactors(server.pool(), { schema }), /schema/)
  })

  it('closing lets what is under way finish, and leaves the pool to its owner', async () => {
    const pool = server.pool()
    const store = postgresFactors(pool)
    const record = sampleFactor()
    const creating = store.create(record)
    await store.close()
    assert.equal(await creating, 'created')
    await assert.rejects(store.find(record.id), /closed/)
    assert.equal((await pool.query('SELECT 1 AS n')).rows[0]?.n, 1)
  })

  it('an idle connection that breaks does not end the process', async () => {
    const listeners: unknown[] = []
    const pool: FactorPool = {
      query: async () => ({ rows: [] }),
      on: (event, listener) => listeners.push(event, listener),
    }
    postgresFactors(pool)
    postgresFactors(pool)
    assert.equal(listeners.length, 2, 'one listener for each pool')
  })
})

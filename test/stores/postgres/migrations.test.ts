import assert from 'node:assert/strict'
import { test } from 'node:test'
import { migratePostgres, postgresSchema, postgresStore } from 'latchkey/stores/postgres'
import { sampleRecord } from 'latchkey/testing'
import type pg from 'pg'
import { describeWithPostgres } from '../../servers/postgres.ts'

const { createdAt: now } = sampleRecord()

describeWithPostgres('postgres store: migrations', server => {
  let databases = 0
  /** A pool on a database with nothing in it. */
  async function fresh(options: pg.PoolConfig = {}): Promise<pg.Pool> {
    databases += 1
    await server.sql(`CREATE DATABASE fresh_${databases}`)
    return server.pool({ connectionString: server.url({ database: `fresh_${databases}` }), ...options })
  }

  async function works(pool: pg.Pool, place: { prefix?: string; schema?: string } = {}): Promise<void> {
    const store = postgresStore(pool, place)
    const record = sampleRecord()
    assert.equal((await store.create(record, { now })).outcome, 'created')
    assert.deepEqual(await store.read(record.sid), record)
    await store.close()
  }

  test('an empty database is migrated once; the second time there is nothing to do', async () => {
    const pool = await fresh()
    assert.deepEqual(await migratePostgres(pool), { from: 0, to: 2 })
    await works(pool)
    assert.deepEqual(await migratePostgres(pool), { from: 2, to: 2 })
    await works(pool)
  })

  test('of ten processes that migrate at once one does it', async () => {
    const pool = await fresh()
    const results = await Promise.all(Array.from({ length: 10 }, () => migratePostgres(pool)))
    assert.deepEqual(results.map(({ from }) => from).sort(), [0, 2, 2, 2, 2, 2, 2, 2, 2, 2])
    await works(pool)
  })

  test('the printed SQL makes the same tables; run again, it fails and changes nothing', async () => {
    const pool = await fresh()
    await pool.query(postgresSchema())
    assert.deepEqual(await migratePostgres(pool), { from: 2, to: 2 })
    await works(pool)
    const client = await pool.connect()
    await assert.rejects(client.query(postgresSchema()), /already exists/)
    client.release(true)
    await works(pool)
  })

  test('two applications share a database by prefix or schema and know nothing of each other', async () => {
    const pool = await fresh()
    await pool.query('CREATE SCHEMA "Other"')
    const places = [{}, { prefix: 'b_' }, { schema: 'Other' }, { schema: 'Other', prefix: 'b_' }]
    for (const place of places) await migratePostgres(pool, place)
    const stores = places.map(place => postgresStore(pool, place))
    const record = sampleRecord()
    for (const [i, store] of stores.entries()) await store.create({ ...record, body: `body ${i}` }, { now })
    const bodies = await Promise.all(stores.map(async store => (await store.read(record.sid))?.body))
    assert.deepEqual(bodies, ['body 0', 'body 1', 'body 2', 'body 3'])
    for (const store of stores) await store.close()
  })

  test('without a migration every operation says what to run, and works as soon as that was done', async () => {
    const pool = await fresh()
    const store = postgresStore(pool)
    for (const work of [() => store.read('x'), () => store.ping(), () => store.create(sampleRecord(), { now })]) {
      await assert.rejects(async () => work(), /missing or old.*npx latchkey migrate/)
    }
    await migratePostgres(pool)
    await store.ping()
    assert.equal(await store.read('x'), null)
    await store.close()
  })

  const foreign: readonly (readonly [what: string, sql: string])[] = [
    ['a table of records of somebody else', 'CREATE TABLE latchkey_records (id int)'],
    ['a table of versions of somebody else', 'CREATE TABLE latchkey_schema (id int)'],
    [
      'an empty table of versions',
      'CREATE TABLE latchkey_schema (application text, version int); CREATE TABLE latchkey_records (id int)',
    ],
    [
      'a table of versions of another application',
      `CREATE TABLE latchkey_schema (application text, version int); INSERT INTO latchkey_schema VALUES ('blog', 1)`,
    ],
  ]
  for (const [what, sql] of foreign) {
    test(`${what} is refused and left as it is`, async () => {
      const pool = await fresh()
      await pool.query(sql)
      const tables = `SELECT relname, relnatts FROM pg_class WHERE relname LIKE 'latchkey%' ORDER BY 1`
      const { rows: before } = await pool.query(tables)
      await assert.rejects(migratePostgres(pool), /of another program. Choose another prefix.*nothing was changed/)
      const store = postgresStore(pool)
      await assert.rejects(async () => store.read('x'), /of another program|missing or old/)
      await store.close()
      assert.deepEqual((await pool.query(tables)).rows, before)
      assert.deepEqual(await migratePostgres(pool, { prefix: 'other_' }), { from: 0, to: 2 })
    })
  }

  for (const [version, says] of [
    [3, /newer Latchkey \(version 3, this one knows 2\).*Update/],
    [1, /older Latchkey.*npx latchkey migrate/],
    [0, /older Latchkey.*npx latchkey migrate/],
  ] as const) {
    test(`tables of version ${version} are refused`, async () => {
      const pool = await fresh()
      await migratePostgres(pool)
      await pool.query(`UPDATE latchkey_schema SET version = ${version}`)
      const store = postgresStore(pool)
      await assert.rejects(async () => store.read('x'), says)
      await assert.rejects(store.ping(), says)
      if (version > 2) await assert.rejects(migratePostgres(pool), says)
      await pool.query('UPDATE latchkey_schema SET version = 2')
      assert.equal(await store.read('x'), null)
      await store.close()
    })
  }

  test('tables that are dropped and made anew while the store runs are found again', async () => {
    const pool = await fresh()
    await migratePostgres(pool)
    const store = postgresStore(pool)
    await store.ping()
    await pool.query('DROP TABLE latchkey_records')
    await assert.rejects(async () => store.read('x'), /missing or old/)
    await pool.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public')
    await assert.rejects(async () => store.read('x'), /missing or old/)
    await migratePostgres(pool)
    await works(pool)
    assert.equal(await store.read('x'), null)
    await store.close()
  })

  test('an application needs no right but to read and write the tables', async () => {
    const pool = await fresh()
    await migratePostgres(pool)
    await pool.query(`CREATE ROLE app LOGIN PASSWORD 'app'`)
    const database = `fresh_${databases}`
    const application = server.pool({ connectionString: server.url({ user: 'app', password: 'app', database }) })
    const store = postgresStore(application)
    await assert.rejects(store.ping(), /refuses access.*GRANT SELECT, INSERT, UPDATE, DELETE/)
    await assert.rejects(migratePostgres(application), /refuses access|GRANT/)
    for (const table of ['schema', 'records', 'generations', 'followers']) {
      await pool.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON latchkey_${table} TO app`)
    }
    await store.ping()
    await works(application)
    await store.endUser('alice', { reason: 'revoked', at: 1, keepUntil: 1 })
    await store.endEverybody({ reason: 'revoked', at: 1, keepUntil: 1 })
    await store.sweep(now, 10)
    const following = await store.follow(
      () => {},
      () => {},
    )
    await following.confirm()
    await store.close()
  })

  test('a database of another encoding is refused', async () => {
    databases += 1
    const database = `fresh_${databases}`
    await server.sql(`CREATE DATABASE ${database} ENCODING LATIN1 LOCALE 'C' TEMPLATE template0`)
    const pool = server.pool({ connectionString: server.url({ database }) })
    await assert.rejects(migratePostgres(pool), /holds LATIN1.*createdb --encoding=UTF8/)
  })

  test('names that PostgreSQL would change or cut short are refused', async () => {
    const pool = await fresh()
    for (const prefix of ['', 'Latchkey_', 'a-b', '1a', 'a"b', 'x'.repeat(31), 'ä']) {
      assert.throws(() => postgresStore(pool, { prefix }), /prefix is/)
      assert.throws(() => postgresSchema({ prefix }), /prefix is/)
    }
    for (const schema of ['', 'a.b', 'a"b', 'x'.repeat(64)]) {
      assert.throws(() => postgresStore(pool, { schema }), /schema is/)
    }
    const longest = { prefix: 'p'.repeat(30), schema: 's'.repeat(63) }
    await pool.query(`CREATE SCHEMA ${longest.schema}`)
    await migratePostgres(pool, longest)
    await works(pool, longest)
    await assert.rejects(migratePostgres(pool, { schema: 'nowhere' }), /no schema of that name. Create it/)
  })
})

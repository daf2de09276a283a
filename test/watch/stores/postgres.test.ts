import assert from 'node:assert/strict'
import { before, beforeEach, it } from 'node:test'
import { sampleAlert, sampleEntry } from 'latchkey/testing'
import { migrateWatch, postgresWatch, type WatchPool } from 'latchkey/watch/stores/postgres'
import pg from 'pg'
import type { WatchStore } from '../../../src/watch/store.ts'
import { describeWithPostgres } from '../../servers/postgres.ts'

const fifty = Array.from({ length: 50 }, (_, i) => i)

describeWithPostgres('the watch in PostgreSQL', server => {
  before(() => migrateWatch(server.pool()))
  beforeEach(() =>
    server.sql(
      'TRUNCATE latchkey_watch_entries, latchkey_watch_alerts, latchkey_watch_windows, latchkey_watch_counters, latchkey_watch_points',
    ),
  )

  it('its tables are made by any number of processes at once, and again without harm', async () => {
    await Promise.all(fifty.slice(0, 8).map(() => migrateWatch(server.pool(), { prefix: 'crowd_' })))
    const store = postgresWatch(server.pool(), { prefix: 'crowd_' })
    const entry = sampleEntry()
    await store.append([entry])
    await migrateWatch(server.pool(), { prefix: 'crowd_' })
    assert.deepEqual((await store.entries({ limit: 5 })).entries, [entry])
    await store.close()
  })

  it('lives in the schema and under the prefix that the application wants, apart from all others', async () => {
    await server.sql('CREATE SCHEMA "Security"')
    const place = { schema: 'Security', prefix: 'app_' }
    await migrateWatch(server.pool(), place)
    const store = postgresWatch(server.pool(), place)
    await store.append([sampleEntry()])
    await store.raise(sampleAlert(), 1_000)
    await store.see([{ key: 'w', member: 'a', at: 1_000, windowMs: 500, most: 5 }])
    await store.tally([{ key: 'c', by: 1, at: 1_000, forgetAfterMs: 500 }])
    await store.add([{ name: 'alerts', minute: 1, value: 1 }])
    await store.ping()
    for (const table of ['entries', 'alerts', 'windows', 'counters', 'points'])
      assert.equal((await server.sql(`SELECT FROM "Security".app_watch_${table}`)).length, 1, table)
    assert.deepEqual((await postgresWatch(server.pool()).entries({ limit: 5 })).entries, [])
  })

  const refusals: readonly (readonly [what: string, store: () => WatchStore | Promise<WatchStore>, says: RegExp])[] = [
    [
      'tables that are missing',
      () => postgresWatch(server.pool(), { prefix: 'nowhere_' }),
      /nowhere_watch_\* are missing.*migrateWatch/,
    ],
    [
      'tables of a newer version',
      async () => {
        await migrateWatch(server.pool(), { prefix: 'newer_' })
        await server.sql('UPDATE newer_watch_schema SET version = 9')
        return postgresWatch(server.pool(), { prefix: 'newer_' })
      },
      /newer Latchkey/,
    ],
    [
      'tables of another program',
      async () => {
        await server.sql(`CREATE TABLE other_watch_schema AS SELECT 'mine' AS application, 1 AS version`)
        return postgresWatch(server.pool(), { prefix: 'other_' })
      },
      /another program/,
    ],
    [
      'a wrong password',
      () => postgresWatch(server.pool({ connectionString: server.url({ password: 'wrong' }) })),
      /refuses the password/,
    ],
    [
      'a read-only server',
      () => postgresWatch(server.pool({ options: '-c default_transaction_read_only=on' })),
      /read-only/,
    ],
  ]
  for (const [what, open, says] of refusals) {
    it(`names the fix for ${what}, and no password`, async () => {
      const store = await open()
      for (const result of await Promise.allSettled([store.append([sampleEntry()]), store.ping()])) {
        assert.equal(result.status, 'rejected')
        assert.match(result.reason.message, says)
        assert.doesNotMatch(`${result.reason.stack} ${result.reason.cause?.message}`, /a password of tests/)
      }
      await store.close()
    })
  }

  it('works again once that is over', async () => {
    const store = postgresWatch(server.pool(), { prefix: 'later_' })
    await assert.rejects(store.heads(), /missing/)
    await migrateWatch(server.pool(), { prefix: 'later_' })
    assert.deepEqual(await store.heads(), {})
    await store.close()
  })

  for (const isolation of ['read committed', 'repeatable read', 'serializable']) {
    it(`of 12 sightings at once one opens an alert, and no window loses anybody, also under ${isolation}`, async () => {
      const options = `-c default_transaction_isolation=${isolation.replaceAll(' ', '\\ ')}`
      const store = postgresWatch(server.pool({ max: 6, options }))
      const twelve = fifty.slice(0, 12)
      const raised = await Promise.all(twelve.map(() => store.raise(sampleAlert(), 1_000)))
      assert.equal(raised.filter(({ isNew }) => isNew).length, 1)
      assert.equal((await store.alerts({ limit: 5 })).alerts[0]?.count, 12)
      const see = (i: number) => store.see([{ key: 'w', member: `${i}`, at: 1_000, windowMs: 500, most: 256 }])
      await Promise.all(twelve.map(see))
      assert.equal((await see(0))[0]?.length, 12)
      const tally = (by: number) => store.tally([{ key: 'c', by, at: 1_000, forgetAfterMs: 500 }])
      await Promise.all(twelve.map(() => tally(1)))
      assert.deepEqual(await tally(0), [12])
      await store.close()
    })
  }

  it('counts alerts to 10,000 and no further, because somebody looks every few seconds', async () => {
    const store = postgresWatch(server.pool())
    await server.sql(`
      INSERT INTO latchkey_watch_alerts SELECT 'id ' || n, 'two-places', n, 1, NULL, NULL, NULL, '{}',
        CASE WHEN n % 10 < 6 THEN 'open' ELSE 'acknowledged' END, 1, n, n, NULL, NULL FROM generate_series(1, 20000) AS n`)
    assert.deepEqual(await store.countAlerts(), { open: 10_000, acknowledged: 8_000 })
  })

  it('finds with an index whatever is looked for', async () => {
    const store = postgresWatch(server.pool())
    const entries = Array.from({ length: 5_000 }, (_, i) =>
      sampleEntry({ chain: 'c'.repeat(22), seq: i + 1, at: i, sid: `sid ${i}`, userId: `user ${i}`, address: `${i}` }),
    )
    await store.append(entries)
    await server.sql('ANALYZE latchkey_watch_entries')
    const order = 'ORDER BY at DESC, chain DESC, seq DESC LIMIT 51'
    for (const where of [
      'sid = $$x$$',
      'user_id = $$x$$',
      'address = $$x$$',
      'severity >= 2',
      `type = ANY ('{operator.acted}'::text[])`,
      'true',
      'at < 100',
    ]) {
      const plan = await server.sql(`EXPLAIN SELECT mac FROM latchkey_watch_entries WHERE ${where} ${order}`)
      assert.doesNotMatch(JSON.stringify(plan), /Seq Scan/, where)
    }
    await store.close()
  })

  it('an application that changed how pg reads numbers and texts changes nothing here', async () => {
    const store = postgresWatch(server.pool({ types: { getTypeParser: () => () => 'mine' } }))
    const entry = sampleEntry()
    await store.append([entry])
    assert.deepEqual((await store.entries({ limit: 5 })).entries, [entry])
    assert.equal((await store.raise(sampleAlert(), 1_000)).alert.count, 1)
    await store.close()
  })

  it('a pool that would wait for connections for ever, and names that PostgreSQL would change, are refused', () => {
    const pool = new pg.Pool({ connectionString: server.url() })
    assert.throws(() => postgresWatch(pool), /connectionTimeoutMillis/)
    for (const prefix of ['', 'A_', 'x'.repeat(31), '1_', 'a;b', 'a"b'])
      assert.throws(() => postgresWatch(server.pool(), { prefix }), /prefix/)
    for (const schema of ['', 'a b', 'a"b', 'x'.repeat(64)])
      assert.throws(() => postgresWatch(server.pool(), { schema }), /schema/)
  })

  it('closing lets what is under way finish, and leaves the pool to its owner', async () => {
    const pool = server.pool()
    const store = postgresWatch(pool)
    const entry = sampleEntry()
    const appending = store.append([entry])
    await store.close()
    await appending
    await assert.rejects(store.heads(), /closed/)
    assert.equal((await pool.query('SELECT 1 AS n')).rows[0]?.n, 1)
    assert.equal((await server.sql('SELECT FROM latchkey_watch_entries')).length, 1)
  })

  it('an idle connection that breaks does not end the process', () => {
    const listeners: unknown[] = []
    const pool: WatchPool = {
      query: async () => ({ rows: [] }),
      on: (event, listener) => listeners.push(event, listener),
    }
    postgresWatch(pool)
    postgresWatch(pool)
    assert.equal(listeners.length, 2, 'one listener for each pool')
  })
})

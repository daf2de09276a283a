import assert from 'node:assert/strict'
import { test } from 'node:test'
import { migratePostgres, postgresStore } from 'latchkey/stores/postgres'
import { sampleMark, sampleRecord } from 'latchkey/testing'
import type pg from 'pg'
import type { SessionDirectory, SessionStore, StoredRecord } from '../../../src/session/store.ts'
import { migrations } from '../../../src/stores/postgres/migrations.ts'
import { namesFor } from '../../../src/stores/postgres/names.ts'
import { describeWithPostgres } from '../../servers/postgres.ts'

const { createdAt: now } = sampleRecord()

describeWithPostgres('postgres store: directory', server => {
  let opened = 0

  async function openNew(): Promise<{
    pool: pg.Pool
    prefix: string
    store: SessionStore
    directory: SessionDirectory
  }> {
    const pool = server.pool()
    opened += 1
    const prefix = `listing_${opened}_`
    await migratePostgres(pool, { prefix })
    const store = postgresStore(pool, { prefix })
    assert.ok(store.directory)
    return { pool, prefix, store, directory: store.directory }
  }

  async function everything(directory: SessionDirectory, limit: number): Promise<StoredRecord[]> {
    const found: StoredRecord[] = []
    let cursor: string | null = null
    do {
      const page = await directory.page(cursor, limit)
      found.push(...page.records)
      cursor = page.next
    } while (cursor !== null)
    return found
  }

  /** So many sessions, a thousand of each instant; every third ended. */
  const filling = (prefix: string, count: number) => `
    INSERT INTO ${prefix}records (sid, version, user_id, created_at, last_seen_at, expires_at, ended, body)
    SELECT 'sid-' || n, 1, CASE n % 2 WHEN 0 THEN NULL ELSE 'user ' || n END, ${now} + n / 1000, ${now}, ${now} + 9000000000,
      CASE n % 3 WHEN 0 THEN '{"reason":"revoked","at":1,"keepUntil":2}' END, repeat('x', 500)
    FROM generate_series(0, ${count - 1}) AS n; ANALYZE ${prefix}records`

  test('tables of version 1 are brought to version 2 with all that is in them', async () => {
    const pool = server.pool()
    const place = { prefix: 'before_' }
    const [first = ''] = migrations(namesFor(place))
    await pool.query(first)
    await pool.query(filling(place.prefix, 30))
    const store = postgresStore(pool, place)
    await assert.rejects(async () => store.read('sid-1'), /older Latchkey.*npx latchkey migrate/)
    assert.deepEqual(await migratePostgres(pool, place), { from: 1, to: 2 })
    assert.equal((await store.read('sid-1'))?.userId, 'user 1')
    assert.equal(await store.directory?.count(), 20)
    await store.close()
  })

  test('newest first, and of one instant by sid, whatever the size of the pages', async () => {
    const { pool, prefix, store, directory } = await openNew()
    await pool.query(filling(prefix, 3_000))
    const all = await everything(directory, 500)
    assert.equal(all.length, 2_000)
    assert.deepEqual(
      all.map(({ createdAt }) => createdAt),
      all.map(({ createdAt }) => createdAt).toSorted((a, b) => b - a),
    )
    assert.deepEqual(await everything(directory, 333), all)
    await store.close()
  })

  test('a page is looked up in an index, without sorting and without a step over tombstones', async () => {
    const { pool, prefix, store, directory } = await openNew()
    await pool.query(filling(prefix, 30_000))
    await directory.page(null, 50)
    const { rows } = await pool.query(
      `EXPLAIN SELECT * FROM ${prefix}records WHERE ended IS NULL AND (created_at, sid) < (${now + 20}, '') ORDER BY created_at DESC, sid DESC LIMIT 50`,
    )
    const plan = rows.map(row => row['QUERY PLAN']).join('\n')
    assert.match(plan, new RegExp(`Index Scan Backward using ${prefix}live_records `))
    assert.doesNotMatch(plan, /Sort|Filter/)
    await store.close()
  })

  test('saves and touches are still written into the same page of the table (HOT): the index costs them nothing', async () => {
    const { pool, prefix, store } = await openNew()
    const client = await pool.connect()
    const record = sampleRecord({ body: 'x'.repeat(300) })
    await store.create(record, { now })
    const hot = async () => {
      const { rows } = await client.query(
        `SELECT pg_stat_get_xact_tuples_updated(c.oid)::int AS all, pg_stat_get_xact_tuples_hot_updated(c.oid)::int AS hot FROM pg_class c WHERE relname = '${prefix}records'`,
      )
      return rows[0]
    }
    // In one transaction, whose numbers are exact.
    await client.query('BEGIN')
    await client.query(
      `SELECT ${prefix}save(ARRAY[$1], ARRAY[2::bigint], ARRAY[$2::bigint], ARRAY[$3::bigint], ARRAY[$4::bigint], ARRAY['y'], 'as set')`,
      [record.sid, record.createdAt, record.lastSeenAt + 1, record.expiresAt + 1],
    )
    await client.query(`SELECT ${prefix}touch(ARRAY[$1], ARRAY[$2::bigint], ARRAY[$3::bigint])`, [
      record.sid,
      record.lastSeenAt + 2,
      record.expiresAt + 2,
    ])
    assert.deepEqual(await hot(), { all: 2, hot: 2 })
    await client.query('COMMIT')
    client.release()
    await store.close()
  })

  test('a sample of many is of all ages and kinds, and none of it ended', async () => {
    const { pool, prefix, store, directory } = await openNew()
    await pool.query(filling(prefix, 60_000))
    assert.equal(await directory.count(), 40_000)
    const sample = await directory.sample(2_000)
    assert.ok(sample.length > 1_000 && sample.length < 3_000, `${sample.length} of about 2,000`)
    assert.ok(sample.every(({ ended }) => ended === null))
    const guests = sample.filter(({ userId }) => userId === null).length / sample.length
    assert.ok(guests > 0.4 && guests < 0.6, `${guests} of the sample are guests`)
    const newest = sample.filter(({ createdAt }) => createdAt >= now + 40).length / sample.length
    assert.ok(newest > 0.15 && newest < 0.55, `${newest} of the sample are of the newest third`)
    await store.close()
  })

  test('a damaged record is left out, and everybody else is there', async () => {
    const { pool, prefix, store, directory } = await openNew()
    const records: StoredRecord[] = []
    for (let i = 0; i < 8; i += 1) {
      const record = sampleRecord({ userId: `user ${i}`, createdAt: now + i })
      await store.create(record, { now })
      records.push(record)
    }
    const damage = (column: string, index: number) =>
      pool.query(`UPDATE ${prefix}records SET ${column} = '\\x' WHERE sid = $1`, [records[index]?.sid])
    await damage('user_id', 2)
    await damage('body', 5)
    await damage('sid', 6)
    const sound = records.filter((_, index) => ![2, 5, 6].includes(index)).reverse()
    assert.deepEqual(await everything(directory, 2), sound)
    assert.equal((await directory.sample(100)).length, 5)
    await store.close()
  })

  test('after the end of everybody there is nobody, and newcomers are found', async () => {
    const { pool, prefix, store, directory } = await openNew()
    await pool.query(filling(prefix, 3_000))
    await store.endEverybody(sampleMark())
    assert.deepEqual([await directory.count(), await everything(directory, 50)], [0, []])
    const record = sampleRecord()
    await store.create(record, { now })
    assert.deepEqual(await everything(directory, 50), [record])
    await store.close()
  })

  test('a closed store refuses', async () => {
    const { store, directory } = await openNew()
    await store.close()
    for (const ask of [() => directory.page(null, 5), () => directory.count(), () => directory.sample(5)]) {
      await assert.rejects(ask, /closed/)
    }
  })
})

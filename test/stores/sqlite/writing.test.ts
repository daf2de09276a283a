import assert from 'node:assert/strict'
import { copyFileSync, readFileSync, truncateSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue, type StatementResultingChanges, StatementSync } from 'node:sqlite'
import { describe, mock, test } from 'node:test'
import { sqliteStore } from 'latchkey/stores/sqlite'
import { sampleMark, sampleRecord } from 'latchkey/testing'
import type { SessionStore } from '../../../src/session/store.ts'
import { freshPath } from './directory.ts'

const { createdAt: now } = sampleRecord()

/** Opens a store and notes, for every COMMIT, what `PRAGMA synchronous` was on its connection. */
function observed() {
  const path = freshPath()
  const connections: DatabaseSync[] = []
  const prepare = mock.method(DatabaseSync.prototype, 'prepare', function (this: DatabaseSync, sql: string) {
    connections.push(this)
    return originalPrepare.call(this, sql)
  })
  const store = sqliteStore(path)
  prepare.mock.restore()
  const [connection] = connections
  assert.ok(connection)
  const commits: string[] = []
  const run = mock.method(StatementSync.prototype, 'run', function (this: StatementSync, ...values: SQLInputValue[]) {
    if (this.sourceSQL === 'COMMIT') {
      commits.push(connection.prepare('PRAGMA synchronous').get()?.synchronous === 2 ? 'FULL' : 'NORMAL')
    }
    return originalRun.call(this, ...values)
  })
  const close = async () => {
    run.mock.restore()
    await store.close()
  }
  return { path, store, commits, close }
}
const originalPrepare = DatabaseSync.prototype.prepare
const originalRun: (this: StatementSync, ...values: SQLInputValue[]) => StatementResultingChanges =
  StatementSync.prototype.run

describe('sqlite store: transactions', () => {
  test('all writes of one turn are one transaction, and each is answered for itself', async () => {
    const { store, commits, close } = observed()
    const records = Array.from({ length: 20 }, () => sampleRecord())
    await Promise.all(records.map(record => store.create(record, { now })))
    assert.equal(commits.length, 1)
    const answers = await Promise.all([
      ...records.map(record => store.save({ ...record, version: 2 }, { durable: false })),
      store.save({ ...sampleRecord(), version: 2 }, { durable: false }),
    ])
    assert.deepEqual(answers, [...records.map(() => 'saved'), 'gone'])
    assert.equal(commits.length, 2)
    await close()
  })

  test('a caller is answered after COMMIT: another connection sees the write by then, and not before', async () => {
    const { path, store, close } = observed()
    const other = new DatabaseSync(path)
    const count = () => other.prepare('SELECT count(*) AS n FROM records').get()?.n
    const created = store.create(sampleRecord(), { now })
    assert.equal(count(), 0)
    await created
    assert.equal(count(), 1)
    other.close()
    await close()
  })

  test('when one write of a turn fails, only its caller gets the error', async () => {
    const { store, close } = observed()
    const live = sampleRecord()
    await store.create(live, { now })
    const [before, impossible, after] = [sampleRecord(), sampleRecord({ createdAt: 1.5 }), sampleRecord()]
    const results = await Promise.allSettled([
      store.create(before, { now }),
      store.create(impossible, { now, limit: { max: 1, evict: sampleMark() } }),
      store.create(after, { now }),
      store.end(live.sid, sampleMark()),
    ])
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
    )
    assert.deepEqual(results[3], { status: 'fulfilled', value: live }, 'what the failed one evicted was rolled back')
    assert.equal(await store.read(impossible.sid), null)
    assert.equal((await store.list('alice')).length, 2)
    await close()
  })

  const record = sampleRecord()
  const operations: [what: string, synchronous: string, run: (store: SessionStore) => Promise<unknown>][] = [
    ['create', 'FULL', store => store.create(sampleRecord(), { now })],
    ['a durable save', 'FULL', store => store.save({ ...record, version: 2 }, { durable: true })],
    ['a plain save', 'NORMAL', store => store.save({ ...record, version: 2 }, { durable: false })],
    ['end', 'FULL', store => store.end(record.sid, sampleMark())],
    ['endUser', 'FULL', store => store.endUser('alice', sampleMark())],
    ['endEverybody', 'FULL', store => store.endEverybody(sampleMark())],
    ['sweep', 'NORMAL', store => store.sweep(now, 10)],
    ['touches on close', 'NORMAL', store => store.touch(record.sid, now + 1, now + 1).then(() => store.close())],
  ]
  for (const [what, synchronous, run] of operations) {
    test(`${what} is committed with synchronous = ${synchronous}`, async () => {
      const { store, commits, close } = observed()
      await store.create(record, { now })
      await store.save({ ...sampleRecord(), version: 2 }, { durable: synchronous === 'NORMAL' })
      commits.length = 0
      await run(store)
      // A large one commits bit by bit; the last flush takes all of it along.
      assert.equal(commits.at(-1), synchronous)
      await close()
    })
  }

  test('a power cut takes plain saves at most: without the end of the -wal file, what was durable is there', async () => {
    const path = freshPath()
    const store = sqliteStore(path)
    const [ended, saved] = [sampleRecord(), sampleRecord()]
    await store.create(ended, { now })
    await store.create(saved, { now })
    await store.end(ended.sid, sampleMark())
    const durableLength = readFileSync(`${path}-wal`).length
    await store.save({ ...saved, version: 2, body: 'second' }, { durable: false })
    const length = readFileSync(`${path}-wal`).length
    for (const [left, body] of [
      [length, 'second'],
      [length - 1, 'opaque'],
      [length - 5_000, 'opaque'],
      [durableLength, 'opaque'],
    ] as const) {
      const copy = freshPath()
      copyFileSync(path, copy)
      copyFileSync(`${path}-wal`, `${copy}-wal`)
      truncateSync(`${copy}-wal`, Math.max(left, durableLength))
      const after = sqliteStore(copy)
      assert.equal((await after.read(ended.sid))?.ended?.reason, 'signed-out')
      assert.equal((await after.read(saved.sid))?.body, body, `${left} of ${length} bytes`)
      await after.close()
    }
    await store.close()
  })
})

describe('sqlite store: touches', () => {
  test('cost no transaction of their own: the next write takes them along', async () => {
    const { path, store, commits, close } = observed()
    const record = sampleRecord()
    await store.create(record, { now })
    const other = new DatabaseSync(path)
    const stored = () => other.prepare('SELECT last_seen_at AS at FROM records WHERE sid = ?').get(record.sid)?.at
    for (let i = 1; i <= 50; i += 1) await store.touch(record.sid, now + i, now + i)
    assert.equal((await store.read(record.sid))?.lastSeenAt, now + 50, 'this process reads it at once')
    assert.equal(stored(), now)
    await store.create(sampleRecord(), { now })
    assert.equal(stored(), now + 50)
    assert.equal(commits.length, 2)
    other.close()
    await close()
  })

  test('alone they are written after a second', async () => {
    mock.timers.enable({ apis: ['setTimeout'] })
    const { store, commits, close } = observed()
    const record = sampleRecord()
    await store.create(record, { now })
    await store.touch(record.sid, now + 1, now + 1)
    mock.timers.tick(999)
    assert.equal(commits.length, 1)
    mock.timers.tick(1)
    assert.equal(commits.length, 2)
    mock.timers.reset()
    await close()
  })
})

test('sqlite store: after close every method rejects and says why', async () => {
  const store = sqliteStore(freshPath())
  const { sid } = sampleRecord()
  await store.close()
  await assert.rejects(async () => store.read(sid), /store is closed/)
  await assert.rejects(store.list('alice'), /store is closed/)
  await assert.rejects(store.generation('alice'), /store is closed/)
  await assert.rejects(store.create(sampleRecord(), { now }), /store is closed/)
  await assert.rejects(store.save(sampleRecord(), { durable: false }), /store is closed/)
  await assert.rejects(store.end(sid, sampleMark()), /store is closed/)
  await assert.rejects(store.ping(), /store is closed/)
})

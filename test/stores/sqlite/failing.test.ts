import assert from 'node:assert/strict'
import { closeSync, openSync, writeSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { describe, mock, test } from 'node:test'
import { sqliteStore } from 'latchkey/stores/sqlite'
import { sampleMark, sampleRecord } from 'latchkey/testing'
import { freshPath } from './directory.ts'

const { createdAt: now } = sampleRecord()

describe('sqlite store: a full disk', () => {
  test('rejects what does not fit, keeps what was there, and works again when there is room', async () => {
    const { store, connection } = withConnection()
    const first = sampleRecord()
    await store.create(first, { now })
    // The setting that makes SQLite report SQLITE_FULL as a full disk does; it belongs to the connection.
    const pages = Number(connection.prepare('PRAGMA page_count').get()?.page_count)
    connection.exec(`PRAGMA max_page_count = ${pages}`)
    const large = 'x'.repeat(50_000)
    const results = await Promise.allSettled([
      store.create(sampleRecord({ body: large }), { now }),
      store.save({ ...first, version: 2, body: large }, { durable: false }),
      store.end(first.sid, sampleMark()),
    ])
    assert.deepEqual(
      results.map(({ status }) => status),
      ['rejected', 'rejected', 'fulfilled'],
      'signing out still works',
    )
    assert.match(
      String(results[0]?.status === 'rejected' && results[0].reason.message),
      /disk is full.*Free some space/,
    )
    assert.equal(results[0]?.status === 'rejected' && results[0].reason.cause.errcode, 13)
    assert.equal((await store.read(first.sid))?.ended?.reason, 'signed-out')
    connection.exec('PRAGMA max_page_count = 1000000')
    assert.equal((await store.create(sampleRecord({ body: large }), { now })).outcome, 'created')
    await store.close()
  })

  test('a touch that could not be written is told to the next touch, once', async () => {
    const { store, connection } = withConnection()
    const record = sampleRecord()
    await store.create(record, { now })
    connection.exec('PRAGMA query_only = ON')
    await store.touch(record.sid, now + 1, now + 1)
    await assert.rejects(store.save({ ...record, version: 2 }, { durable: false }), /cannot be written.*permission/)
    await assert.rejects(store.ping(), /cannot be written/, 'a health check finds it too')
    assert.equal((await store.read(record.sid))?.lastSeenAt, now, 'it is lost, not pretended')
    await assert.rejects(store.touch(record.sid, now + 2, now + 2), /cannot be written/)
    connection.exec('PRAGMA query_only = OFF')
    await store.touch(record.sid, now + 3, now + 3)
    await store.ping()
    assert.equal((await store.read(record.sid))?.lastSeenAt, now + 3)
    await store.close()
  })
})

describe('sqlite store: a damaged file', () => {
  test('rejects with the fix and the cause; nothing is made up and nothing crashes', async () => {
    const path = freshPath()
    const store = sqliteStore(path)
    const records = Array.from({ length: 200 }, (_, i) => sampleRecord({ userId: `user ${i}`, body: 'x'.repeat(500) }))
    await Promise.all(records.map(record => store.create(record, { now })))
    await store.close()
    const file = openSync(path, 'r+')
    for (let page = 8; page < 30; page += 1) writeSync(file, Buffer.alloc(4_096, 0xa5), 0, 4_096, page * 4_096)
    closeSync(file)
    const damaged = sqliteStore(path)
    const answers = await Promise.allSettled(records.map(async record => damaged.read(record.sid)))
    const rejected = answers.filter(answer => answer.status === 'rejected')
    assert.ok(rejected.length > 0)
    for (const { reason } of rejected) assert.match(reason.message, /is damaged. Restore a backup, or move it away/)
    for (const [i, answer] of answers.entries()) {
      if (answer.status === 'fulfilled' && answer.value) assert.deepEqual(answer.value, records[i])
    }
    await Promise.allSettled(records.map(record => damaged.end(record.sid, sampleMark())))
    await damaged.close()
  })

  for (const [what, sql] of [
    ['mark', `UPDATE records SET ended = '{"reason":"signed'`],
    ['body', `UPDATE records SET body = '\\'`],
  ] as const) {
    test(`a damaged ${what} is the fault of the record, not of the store`, async () => {
      const { store, connection } = withConnection()
      const record = sampleRecord()
      await store.create(record, { now })
      connection.exec(sql)
      await assert.rejects(async () => store.read(record.sid), { code: 'corrupt-record', message: /is damaged/ })
      await store.close()
    })
  }
})

/** A store and the connection it works on. */
function withConnection() {
  const exec = mock.method(DatabaseSync.prototype, 'exec')
  const store = sqliteStore(freshPath())
  const connection = exec.mock.calls[0]?.this
  exec.mock.restore()
  assert.ok(connection instanceof DatabaseSync)
  return { store, connection }
}

import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import type { SessionStore, StoredRecord } from 'latchkey'
import { sqliteStore } from 'latchkey/stores/sqlite'
import { sampleMark, sampleRecord } from 'latchkey/testing'
import { freshPath } from './directory.ts'

const { createdAt: now } = sampleRecord()

function directoryOf(store: SessionStore) {
  assert.ok(store.directory)
  return store.directory
}

/** A file with so many sessions, of which every third ended and every other of the rest is a guest's. */
async function filled(count: number): Promise<string> {
  const path = freshPath()
  await sqliteStore(path).close()
  const database = new DatabaseSync(path)
  database.exec(`
    WITH RECURSIVE number (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM number WHERE n < ${count - 1})
    INSERT INTO records SELECT printf('sid-%d', n), 1, iif(n % 2, 'user ' || n, NULL), ${now} + n, ${now} + n, ${now} + 9e9,
      iif(n % 3, NULL, '{"reason":"revoked","at":1,"keepUntil":2}'), 'body' FROM number`)
  database.close()
  return path
}

describe('sqlite store: directory', () => {
  it('many are counted and sampled a step at a time, and others work in between', async () => {
    const store = sqliteStore(await filled(90_000))
    const directory = directoryOf(store)
    let turns = 0
    let isOver = false
    const others = (async () => {
      for (; !isOver; turns += 1) await new Promise(resume => setImmediate(resume))
    })()
    assert.equal(await directory.count(), 60_000)
    const sample = await directory.sample(2_000)
    isOver = true
    await others
    assert.ok(turns >= 6, `${turns} turns`)
    assert.ok(sample.length > 1_500 && sample.length < 2_500, `${sample.length} of about 2,000`)
    assert.equal(new Set(sample.map(({ sid }) => sid)).size, sample.length)
    const guests = sample.filter(({ userId }) => userId === null).length / sample.length
    assert.ok(guests > 0.4 && guests < 0.6, `${guests} of the sample are guests`)
    const newest = sample.filter(({ createdAt }) => createdAt > now + 60_000).length / sample.length
    assert.ok(newest > 0.25 && newest < 0.42, `${newest} of the sample are of the newest third`)
    await store.close()
  })

  it('newest first, and no tombstone is even stepped over', async () => {
    const store = sqliteStore(await filled(30_000))
    const page = await directoryOf(store).page(null, 3)
    assert.deepEqual(
      page.records.map(({ sid }) => sid),
      ['sid-29999', 'sid-29998', 'sid-29996'],
    )
    await store.endEverybody(sampleMark())
    const kept = sampleRecord()
    await store.create(kept, { now })
    assert.deepEqual(await directoryOf(store).page(null, 500), { records: [kept], next: null })
    await store.close()
  })

  it('a file of before is given its index when it is opened; an older Latchkey that has it open goes on', async () => {
    const path = await filled(10)
    const old = new DatabaseSync(path)
    old.exec('DROP INDEX live_records')
    const store = sqliteStore(path)
    assert.equal(await directoryOf(store).count(), 6)
    old.exec(`UPDATE records SET ended = '{"reason":"revoked","at":1,"keepUntil":2}', body = '' WHERE sid = 'sid-1'`)
    assert.equal(await directoryOf(store).count(), 5, 'and keeps the index')
    assert.equal(old.prepare('PRAGMA user_version').get()?.user_version, 1)
    old.close()
    await store.close()
  })

  it('a damaged record is left out, and everybody else is there', async () => {
    const path = freshPath()
    const store = sqliteStore(path)
    const records: StoredRecord[] = []
    for (let i = 0; i < 8; i += 1) {
      const record = sampleRecord({ userId: `user ${i}` })
      await store.create(record, { now })
      records.push(record)
    }
    const damaging = new DatabaseSync(path)
    damaging.prepare(`UPDATE records SET user_id = '\\x' WHERE sid = ?`).run(records[2]?.sid ?? '')
    damaging.prepare(`UPDATE records SET body = '\\' WHERE sid = ?`).run(records[5]?.sid ?? '')
    damaging.prepare(`UPDATE records SET sid = '\\u' WHERE sid = ?`).run(records[6]?.sid ?? '')
    damaging.close()
    const found: string[] = []
    let cursor: string | null = null
    do {
      const page = await directoryOf(store).page(cursor, 2)
      found.push(...page.records.map(({ sid }) => sid))
      cursor = page.next
    } while (cursor !== null)
    const sound = records.filter((_, index) => ![2, 5, 6].includes(index)).reverse()
    assert.deepEqual(
      found,
      sound.map(({ sid }) => sid),
    )
    assert.equal((await directoryOf(store).sample(100)).length, 5)
    await store.close()
  })
})

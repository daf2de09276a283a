import assert from 'node:assert/strict'
import { describe } from 'node:test'
import type { SessionDirectory, SessionStore, StoredRecord } from '../../session/store.ts'
import { sampleMark, sampleRecord } from '../sample-record.ts'
import { type Check, next, put, sids } from './check.ts'

/**
 * All sessions, page by page: nobody twice, nobody missing, whatever happens in between. A store without a directory has
 * nothing to prove here, unless it must have one.
 */
export function listing(checkAlways: Check, isRequired: boolean): void {
  const { createdAt: start } = sampleRecord()
  const mark = sampleMark()
  const check: Check = (sentence, run) =>
    checkAlways(sentence, async store => {
      if (store.directory || isRequired) await run(store)
    })

  describe('directory', () => {
    check('an empty store has one empty page, counts nobody and has nobody to pick', async store => {
      const directory = directoryOf(store)
      assert.deepEqual(await everything(directory, 50), [])
      assert.equal(await directory.count(), 0)
      assert.deepEqual(await directory.sample(10), [])
    })

    check('holds every live record, whole and once: of users, of guests, expired ones too', async store => {
      const records = [
        await put(store, { body: 'é\n"\\', lastSeenAt: start + 5 }),
        await put(store),
        await put(store, { userId: 'bob' }),
        await put(store, { userId: null }),
        await put(store, { userId: "\0 %_*?'; -- \\ 😀" }),
        await put(store, { createdAt: start - 10, lastSeenAt: start - 10, expiresAt: start + 1 }),
      ]
      const ended = await put(store)
      await store.end(ended.sid, mark)
      const directory = directoryOf(store)
      assert.deepEqual(inOrder(await everything(directory, 500)), inOrder(records))
      assert.equal(await directory.count(), records.length)
      assert.deepEqual(inOrder(await directory.sample(100)), inOrder(records))
    })

    check('pages of any size have at most so many, and together everybody once', async store => {
      const records: StoredRecord[] = []
      for (let i = 0; i < 60; i += 1) records.push(await put(store, { userId: i % 3 === 0 ? 'alice' : `user ${i}` }))
      for (const limit of [1, 7, 59, 60, 61, 500]) {
        assert.deepEqual(sids(await everything(directoryOf(store), limit)), sids(records), `pages of ${limit}`)
      }
    })

    check('who stays is on one page only, although others come and go between the pages', async store => {
      const directory = directoryOf(store)
      const records: StoredRecord[] = []
      for (let i = 0; i < 60; i += 1) records.push(await put(store, { userId: `user ${i % 12}`, createdAt: start + i }))
      const staying = records.filter((_, index) => index % 3 !== 0)
      const leaving = records.filter((_, index) => index % 3 === 0)
      const seen: string[] = []
      let cursor: string | null = null
      for (let pages = 0; ; pages += 1) {
        const page = await directory.page(cursor, 7)
        seen.push(...page.records.map(({ sid }) => sid))
        cursor = page.next
        if (cursor === null) break
        // The last one shown among those who may leave: a cursor must not need it.
        const shown = leaving.find(({ sid }) => page.records.at(-1)?.sid === sid) ?? leaving[pages]
        if (shown) await store.end(shown.sid, mark)
        const [one, two] = [staying[pages], staying[pages + 20]]
        if (one) await store.touch(one.sid, one.lastSeenAt + 1, one.expiresAt + 1)
        if (two) await store.save(next(two, { body: 'changed', lastSeenAt: two.lastSeenAt + 9 }), { durable: false })
        await put(store, { userId: `newcomer ${pages}` })
        await put(store, { userId: null, createdAt: start + 1_000 + pages })
      }
      assert.equal(new Set(seen).size, seen.length, 'nobody twice')
      const missing = staying.filter(({ sid }) => !seen.includes(sid))
      assert.deepEqual(missing, [], 'nobody missing')
    })

    check('ending a user, or everybody, empties it', async store => {
      const directory = directoryOf(store)
      await put(store)
      await put(store)
      const bob = await put(store, { userId: 'bob' })
      await store.endUser('alice', mark)
      assert.deepEqual(await everything(directory, 50), [bob])
      assert.equal(await directory.count(), 1)
      await store.endEverybody(mark)
      assert.deepEqual(await everything(directory, 50), [])
      assert.equal(await directory.count(), 0)
      assert.deepEqual(await directory.sample(50), [])
    })

    check('a record that has just changed is shown as it is', async store => {
      const record = await put(store)
      await store.save(next(record, { body: 'second' }), { durable: false })
      const [found] = await everything(directoryOf(store), 50)
      assert.deepEqual(found, next(record, { body: 'second' }))
    })

    check('a sample holds about so many, each once, and of everybody about as many as there are', async store => {
      const many = 600
      const records = Array.from({ length: many }, (_, i) =>
        sampleRecord({ userId: i < many / 2 ? null : `user ${i}` }),
      )
      await Promise.all(records.map(record => store.create(record, { now: record.createdAt })))
      const directory = directoryOf(store)
      assert.equal(await directory.count(), many)
      const sample = await directory.sample(200)
      const known = new Set(records.map(({ sid }) => sid))
      assert.ok(sample.length >= 50 && sample.length <= 400, `${sample.length} of about 200`)
      assert.equal(new Set(sids(sample)).size, sample.length, 'each once')
      assert.ok(sample.every(({ sid }) => known.has(sid)))
      const guests = sample.filter(({ userId }) => userId === null).length / sample.length
      assert.ok(guests > 0.2 && guests < 0.8, `half of them are guests, of the sample ${guests}`)
      assert.deepEqual(sids(await directory.sample(2_000)), sids(records), 'all, where there are not more')
    })

    check('a cursor that it never gave out is refused with a UsageError', async store => {
      for (let i = 0; i < 5; i += 1) await put(store)
      const directory = directoryOf(store)
      const { next: good } = await directory.page(null, 2)
      assert.equal(typeof good, 'string')
      // biome-ignore format: a table of short texts
      const nonsense = ['', ' ', 'null', '-', '..', '../..', "'; --", '\0', '😀', '\ud800', '[]', '{}', 'NaN', '1e3', '1.5', `${good} `, `${good}.`, '9'.repeat(300), Buffer.from('[1]').toString('base64url'), Buffer.from('["1","\\u0000"]').toString('base64url')]
      for (const cursor of nonsense) {
        const shown = JSON.stringify(cursor).slice(0, 60)
        await assert.rejects(directory.page(cursor, 2), { name: 'UsageError' }, shown)
      }
      assert.equal((await directory.page(good, 2)).records.length, 2)
    })
  })
}

function directoryOf({ directory }: SessionStore): SessionDirectory {
  assert.ok(directory, 'it has a directory')
  return directory
}

/** All pages of this size; a page may be short, or empty, and still not be the last. */
async function everything(directory: SessionDirectory, limit: number): Promise<StoredRecord[]> {
  const records: StoredRecord[] = []
  let cursor: string | null = null
  do {
    const page = await directory.page(cursor, limit)
    assert.ok(page.records.length <= limit, `${page.records.length} on a page of at most ${limit}`)
    assert.notEqual(page.next, cursor ?? '', 'a cursor moves on')
    assert.ok((page.next ?? '').length <= 500, 'a cursor is short')
    records.push(...page.records)
    cursor = page.next
  } while (cursor !== null)
  return records
}

function inOrder(records: readonly StoredRecord[]): StoredRecord[] {
  return records.toSorted((a, b) => (a.sid < b.sid ? -1 : 1))
}

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, describe, it, mock } from 'node:test'
import { sqliteFactors } from 'latchkey/mfa/stores/sqlite'
import { sqliteStore } from 'latchkey/stores/sqlite'
import { sampleAlert, sampleEntry } from 'latchkey/testing'
import { sqliteWatch } from 'latchkey/watch/stores/sqlite'

const directory = mkdtempSync(join(tmpdir(), 'latchkey-sqlite-watch-'))
after(() => rmSync(directory, { recursive: true }))
let files = 0
const newFile = () => join(directory, `${files++}.db`)
const chain = 'c'.repeat(22)
const fifty = Array.from({ length: 50 }, (_, i) => i)

describe('the watch in a SQLite file', () => {
  it('is readable for its owner only', async () => {
    const file = newFile()
    const store = sqliteWatch(file)
    await store.append([sampleEntry()])
    for (const suffix of ['', '-wal', '-shm']) assert.equal(statSync(file + suffix).mode & 0o777, 0o600, suffix)
    await store.close()
  })

  it('what was pruned leaves the file with everything that names its user', async () => {
    const file = newFile()
    const store = sqliteWatch(file)
    const entry = sampleEntry({ userId: 'somebody who left' })
    await store.append([entry])
    assert.equal(await store.prune({ [entry.chain]: { seq: 1, mac: '' } }, 10), 1)
    await store.close()
    assert.ok(!readFileSync(file, 'latin1').includes('somebody who left'))
  })

  const foreign: readonly (readonly [what: string, make: (file: string) => void | Promise<void>, says: RegExp])[] = [
    ['the file of the sessions', async file => sqliteStore(file).close(), /something else, perhaps of the sessions/],
    ['the file of the factors', async file => sqliteFactors(file).close(), /something else/],
    [
      'another program’s database',
      file => {
        const database = new DatabaseSync(file)
        database.exec('CREATE TABLE entries (id)')
        database.close()
      },
      /something else.*Give the watch a file of its own/,
    ],
    [
      'a newer format',
      file => {
        const database = new DatabaseSync(file)
        database.exec('PRAGMA application_id = 0x4c4b5741; PRAGMA user_version = 9; CREATE TABLE x (y)')
        database.close()
      },
      /newer Latchkey.*Update latchkey/,
    ],
    ['no database', file => writeFileSync(file, 'x'.repeat(5_000)), /not a SQLite database/],
  ]
  for (const [what, make, says] of foreign) {
    it(`refuses ${what}, and leaves it as it is`, async () => {
      const file = newFile()
      await make(file)
      const before = readFileSync(file)
      assert.throws(() => sqliteWatch(file), says)
      assert.ok(readFileSync(file).equals(before))
    })
  }

  it('names what is wrong with a path', () => {
    assert.throws(() => sqliteWatch(''), /give the path/)
    assert.throws(() => sqliteWatch(':memory:'), /memoryWatch/)
    assert.throws(() => sqliteWatch(join(directory, 'missing', 'x.db')), /directory of .* does not exist/)
  })

  it('says that the disk is full and what to do, keeps what was there, and works again when there is room', async () => {
    const exec = mock.method(DatabaseSync.prototype, 'exec')
    const store = sqliteWatch(newFile())
    const connection = exec.mock.calls[0]?.this
    exec.mock.restore()
    assert.ok(connection instanceof DatabaseSync)
    const entries = Array.from({ length: 500 }, (_, i) =>
      sampleEntry({ chain, seq: i + 1, detail: { text: 'x'.repeat(500) } }),
    )
    await store.append(entries.slice(0, 5))
    // The setting that makes SQLite report SQLITE_FULL as a full disk does; it belongs to the connection.
    const pages = Number(connection.prepare('PRAGMA page_count').get()?.page_count)
    connection.exec(`PRAGMA max_page_count = ${pages}`)
    await assert.rejects(
      store.append(entries.slice(5)),
      /disk is full.*Free some space, or keep the trail for a shorter time/,
    )
    assert.equal((await store.entries({ limit: 100 })).entries.length, 5, 'none of them')
    connection.exec('PRAGMA max_page_count = 1000000')
    await store.append(entries.slice(5))
    assert.deepEqual(await store.chain(chain, 0, 1_000), entries)
    connection.exec('PRAGMA query_only = ON')
    await assert.rejects(store.ping(), /cannot be written/, 'a health check finds it')
    await store.close()
  })

  it('waits for another process’s lock without stopping this one, and is rejected when it takes too long', async () => {
    const file = newFile()
    const store = sqliteWatch(file, { lockTimeout: '100ms' })
    const entry = sampleEntry()
    await store.append([entry])
    const other = new DatabaseSync(file)
    other.exec('BEGIN IMMEDIATE')
    let turns = 0
    const turning = setInterval(() => (turns += 1), 1)
    await assert.rejects(store.append([sampleEntry()]), /locked by another process/)
    clearInterval(turning)
    assert.ok(turns > 0, 'the event loop went on')
    assert.deepEqual((await store.entries({ limit: 5 })).entries, [entry], 'readers wait for nobody')
    const raising = store.raise(sampleAlert(), 1_000)
    other.exec('COMMIT')
    other.close()
    assert.equal((await raising).isNew, true)
    await store.close()
  })

  it('of 50 sightings over five connections one opens an alert, and no window loses anybody', async () => {
    const file = newFile()
    const stores = Array.from({ length: 5 }, () => sqliteWatch(file, { lockTimeout: '30s' }))
    const raised = await Promise.all(fifty.map(i => stores[i % 5]?.raise(sampleAlert(), 1_000)))
    assert.equal(raised.filter(answer => answer?.isNew).length, 1)
    assert.equal((await stores[0]?.alerts({ limit: 5 }))?.alerts[0]?.count, 50)
    const sighting = (i: number) => ({ key: 'w', member: `${i}`, at: 1_000, windowMs: 500, most: 256 })
    await Promise.all(fifty.map(i => stores[i % 5]?.see([sighting(i)])))
    assert.equal((await stores[1]?.see([sighting(0)]))?.[0]?.length, 50)
    await Promise.all(stores.map(store => store.close()))
  })

  it('prunes in steps between which others have their turn', async () => {
    const store = sqliteWatch(newFile())
    await store.append(Array.from({ length: 3_000 }, (_, i) => sampleEntry({ chain, seq: i + 1, at: i })))
    const heads = await store.prunable(2_500)
    assert.equal(heads[chain]?.seq, 2_500)
    let turns = 0
    const pruning = store.prune(heads, 2_000).finally(() => clearInterval(turning))
    const turning = setInterval(() => (turns += 1))
    assert.equal(await pruning, 2_000)
    assert.ok(turns >= 1, `${turns}`)
    assert.equal((await store.chain(chain, 0, 1))[0]?.seq, 2_001)
    assert.equal(await store.prune(heads, 2_000), 500)
    await store.close()
  })

  it('a row that nobody wrote so is no entry, and an error where its chain is verified', async () => {
    const file = newFile()
    const store = sqliteWatch(file)
    const entry = sampleEntry()
    await store.append([entry])
    const other = new DatabaseSync(file)
    for (const change of [`detail = '{'`, `detail = 'null'`, `user_id = 'a\\x'`]) {
      other.exec(`UPDATE entries SET detail = '{}', user_id = 'a' WHERE true; UPDATE entries SET ${change}`)
      assert.deepEqual(await store.entries({ limit: 1 }), { entries: [], next: null, unreadable: 1 }, change)
      await assert.rejects(store.chain(entry.chain, 0, 1), Error, change)
    }
    other.close()
    await store.close()
  })

  it('counts alerts to 10,000 and no further, because somebody looks every few seconds', async () => {
    const file = newFile()
    const store = sqliteWatch(file)
    const other = new DatabaseSync(file)
    other.exec(`
      WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 20000)
      INSERT INTO alerts SELECT 'id ' || n, 'two-places', n, 1, NULL, NULL, NULL, '{}',
        CASE WHEN n % 10 < 6 THEN 'open' ELSE 'acknowledged' END, 1, n, n, NULL, NULL FROM numbers`)
    other.close()
    assert.deepEqual(await store.countAlerts(), { open: 10_000, acknowledged: 8_000 })
    await store.close()
  })

  it('a store that was closed says so', async () => {
    const store = sqliteWatch(newFile())
    await store.close()
    await assert.rejects(store.entries({ limit: 1 }), /is closed/)
  })
})

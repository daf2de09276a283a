import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, describe, it } from 'node:test'
import { sqliteFactors } from 'latchkey/mfa/stores/sqlite'
import { sqliteStore } from 'latchkey/stores/sqlite'
import { sampleFactor, sampleFailures } from 'latchkey/testing'

const directory = mkdtempSync(join(tmpdir(), 'latchkey-sqlite-factors-'))
after(() => rmSync(directory, { recursive: true }))
let files = 0
const newFile = () => join(directory, `${files++}.db`)

describe('factors in a SQLite file', () => {
  it('are readable for their owner only', async () => {
    const file = newFile()
    const store = sqliteFactors(file)
    await store.create(sampleFactor())
    for (const suffix of ['', '-wal', '-shm']) assert.equal(statSync(file + suffix).mode & 0o777, 0o600, suffix)
    await store.close()
  })

  it('are on the disk when they were answered', async () => {
    const file = newFile()
    const store = sqliteFactors(file)
    await store.create(sampleFactor())
    const other = new DatabaseSync(file)
    assert.equal(other.prepare('PRAGMA journal_mode').get()?.journal_mode, 'wal')
    assert.equal(other.prepare('SELECT count(*) AS n FROM factors').get()?.n, 1)
    other.close()
    await store.close()
  })

  it('leave the file with everything that names their user', async () => {
    const file = newFile()
    const store = sqliteFactors(file)
    await store.create(sampleFactor({ userId: 'somebody who left' }))
    await store.removeUser('somebody who left')
    await store.close()
    const { readFileSync } = await import('node:fs')
    assert.ok(!readFileSync(file, 'latin1').includes('somebody who left'))
  })

  const foreign: readonly (readonly [what: string, make: (file: string) => void | Promise<void>, says: RegExp])[] = [
    ['the file of the sessions', async file => sqliteStore(file).close(), /something else, perhaps of sessions/],
    [
      'another program’s database',
      file => {
        const database = new DatabaseSync(file)
        database.exec('CREATE TABLE factors (id)')
        database.close()
      },
      /something else/,
    ],
    [
      'a newer format',
      file => {
        const database = new DatabaseSync(file)
        database.exec('PRAGMA application_id = 0x4c4b4641; PRAGMA user_version = 9; CREATE TABLE x (y)')
        database.close()
      },
      /newer Latchkey.*Update latchkey/,
    ],
    ['no database', file => writeFileSync(file, 'x'.repeat(5_000)), /not a SQLite database/],
  ]
  for (const [what, make, says] of foreign) {
    it(`refuse ${what}, and leave it as it is`, async () => {
      const file = newFile()
      await make(file)
      const before = statSync(file).size
      assert.throws(() => sqliteFactors(file), says)
      assert.equal(statSync(file).size, before)
    })
  }

  it('name what is wrong with a path', () => {
    assert.throws(() => sqliteFactors(''), /give the path/)
    assert.throws(() => sqliteFactors(':memory:'), /memoryFactors/)
    assert.throws(() => sqliteFactors(join(directory, 'missing', 'x.db')), /directory of .* does not exist/)
  })

  it('wait for another process’s lock without stopping this one, and are rejected when it takes too long', async () => {
    const file = newFile()
    const store = sqliteFactors(file, { lockTimeout: '100ms' })
    const record = sampleFactor()
    await store.create(record)
    const other = new DatabaseSync(file)
    other.exec('BEGIN IMMEDIATE')
    let turns = 0
    const turning = setInterval(() => (turns += 1), 1)
    await assert.rejects(store.save({ ...record, version: 2 }), /locked by another process/)
    clearInterval(turning)
    assert.ok(turns > 0, 'the event loop went on')
    assert.deepEqual(await store.find(record.id), record, 'readers wait for nobody')

    const saving = store.saveFailures(sampleFailures())
    other.exec('COMMIT')
    other.close()
    assert.equal(await saving, 'saved')
    await store.close()
  })

  it('of several connections to one file each save is one’s', async () => {
    const file = newFile()
    const stores = Array.from({ length: 5 }, () => sqliteFactors(file, { lockTimeout: '30s' }))
    const record = sampleFactor()
    await stores[0]?.create(record)
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) => stores[i % 5]?.save({ ...record, version: 2, body: `${i}` })),
    )
    assert.equal(answers.filter(answer => answer === 'saved').length, 1)
    assert.equal((await stores[4]?.find(record.id))?.body, String(answers.indexOf('saved')))
    await Promise.all(stores.map(store => store.close()))
  })

  it('a row that nobody wrote so is an error, not a factor', async () => {
    const file = newFile()
    const store = sqliteFactors(file)
    const record = sampleFactor()
    await store.create(record)
    const other = new DatabaseSync(file)
    for (const change of [`kind = 'sms'`, `user_id = 'a\\x'`, `body = '\\u00'`]) {
      other.exec(
        `UPDATE factors SET kind = 'totp', user_id = 'alice', body = '' WHERE true; UPDATE factors SET ${change}`,
      )
      await assert.rejects(store.find(record.id), Error, change)
    }
    other.close()
    await store.close()
  })

  it('a store that was closed says so', async () => {
    const store = sqliteFactors(newFile())
    await store.close()
    await assert.rejects(store.list('ada'), /is closed/)
  })
})

import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, mock, test } from 'node:test'
import { sqliteStore } from 'latchkey/stores/sqlite'
import { sampleMark, sampleRecord } from 'latchkey/testing'
import { freshPath } from './directory.ts'

const { createdAt: now } = sampleRecord()

describe('sqlite store: its files', () => {
  test('are private (0600) from their first moment, whatever the umask, -wal and -shm too', async () => {
    const path = freshPath()
    const umask = process.umask(0)
    try {
      const store = sqliteStore(path)
      await store.create(sampleRecord(), { now })
      for (const file of [path, `${path}-wal`, `${path}-shm`]) {
        assert.equal((statSync(file).mode & 0o777).toString(8), '600', file)
      }
      await store.close()
    } finally {
      process.umask(umask)
    }
  })

  test('are one after close: the -wal file has been copied back', async () => {
    const path = freshPath()
    const store = sqliteStore(path)
    await store.create(sampleRecord(), { now })
    await store.close()
    assert.deepEqual([existsSync(`${path}-wal`), existsSync(`${path}-shm`)], [false, false])
    assert.equal(new DatabaseSync(path).prepare('SELECT count(*) AS n FROM records').get()?.n, 1)
  })

  test('hold neither the body of an ended session nor the user of a swept one', async () => {
    const path = freshPath()
    const store = sqliteStore(path)
    const [ended, swept] = [
      sampleRecord({ body: 'body-of-the-ended' }),
      sampleRecord({ userId: 'user-that-was-swept' }),
    ]
    await store.create(ended, { now })
    await store.create(swept, { now })
    await store.end(ended.sid, sampleMark())
    await store.end(swept.sid, sampleMark({ keepUntil: now }))
    await store.sweep(now, 10)
    await store.close()
    const bytes = readFileSync(path).toString('latin1')
    assert.ok(bytes.includes(ended.sid), 'the tombstone is there')
    for (const gone of ['body-of-the-ended', 'user-that-was-swept', swept.sid]) assert.ok(!bytes.includes(gone), gone)
  })

  test('stay where they are when the process changes its directory', async () => {
    const path = freshPath()
    const before = process.cwd()
    process.chdir(dirname(path))
    try {
      const store = sqliteStore('file:relative.db?mode=memory')
      process.chdir(before)
      await store.create(sampleRecord(), { now })
      assert.ok(existsSync(join(dirname(path), 'file:relative.db?mode=memory')), 'a path is a path, never a URI')
      await store.close()
    } finally {
      process.chdir(before)
    }
  })

  test('may be an empty file that was there before', async () => {
    const path = freshPath()
    writeFileSync(path, '', { mode: 0o600 })
    const store = sqliteStore(path)
    assert.equal((await store.create(sampleRecord(), { now })).outcome, 'created')
    await store.close()
  })
})

test('sqlite store: a file to which another process is just adding the tables is not taken for another program', async () => {
  const path = freshPath()
  const { prepare } = DatabaseSync.prototype
  const looking = mock.method(DatabaseSync.prototype, 'prepare', function (this: DatabaseSync, sql: string) {
    if (sql === 'PRAGMA user_version') {
      looking.mock.restore()
      // It has to wait, so it may fail here; it must not succeed between two looks.
      try {
        sqliteStore(path, { lockTimeout: '20ms' }).close()
      } catch {}
    }
    return prepare.call(this, sql)
  })
  const store = sqliteStore(path)
  assert.equal((await store.create(sampleRecord(), { now })).outcome, 'created')
  await store.close()
})

describe('sqlite store: a file that is not ours is refused by name and stays as it is', () => {
  const cases: [what: string, make: (path: string) => void, message: RegExp][] = [
    [
      'the database of another program',
      path => database(path, 'CREATE TABLE users (name TEXT)'),
      /another program.*file of their own/,
    ],
    [
      'one in WAL mode',
      path => database(path, 'PRAGMA journal_mode = WAL; CREATE TABLE users (name TEXT)'),
      /another program/,
    ],
    ['an empty database of another program', path => database(path, 'PRAGMA application_id = 7'), /another program/],
    ['a database with a version but no tables', path => database(path, 'PRAGMA user_version = 3'), /another program/],
    [
      'one of ours of a newer format',
      path => database(path, 'PRAGMA application_id = 0x4c4b4559; PRAGMA user_version = 2; CREATE TABLE new (x)'),
      /newer Latchkey \(format 2, this one knows 1\).*Update latchkey/,
    ],
    [
      'a text file',
      path => writeFileSync(path, 'to whom it may concern\n'.repeat(100)),
      /not a SQLite database.*Check the path/,
    ],
    [
      'a damaged database',
      path => writeFileSync(path, `SQLite format 3\0${'\xff'.repeat(2_000)}`, 'latin1'),
      /not a SQLite database/,
    ],
    ['a directory', path => mkdirSync(path), /cannot be opened/],
  ]
  for (const [what, make, message] of cases) {
    test(what, () => {
      const path = freshPath()
      make(path)
      const before = statSync(path).isFile() ? readFileSync(path) : null
      assert.throws(
        () => sqliteStore(path),
        (error: Error) => message.test(error.message) && error.message.includes(path),
      )
      if (before) assert.deepEqual(readFileSync(path), before)
      assert.deepEqual([existsSync(`${path}-wal`), existsSync(`${path}-shm`)], [false, false])
    })
  }

  test('a missing directory', () => {
    const path = join(freshPath(), 'sessions.db')
    assert.throws(() => sqliteStore(path), {
      name: 'UsageError',
      message: /directory of .*sessions\.db does not exist/,
    })
  })

  for (const path of ['', ':memory:']) {
    test(`the path ${JSON.stringify(path)}`, () => {
      assert.throws(() => sqliteStore(path), { name: 'UsageError', message: /memoryStore/ })
    })
  }
})

function database(path: string, sql: string): void {
  const made = new DatabaseSync(path)
  made.exec(sql)
  made.close()
}

import assert from 'node:assert/strict'
import fs from 'node:fs'
import { join } from 'node:path'
import { describe, mock, test } from 'node:test'
import { fileStore } from 'latchkey/stores/file'
import { sampleMark, sampleRecord } from 'latchkey/testing'
import type { SessionStore, StoredRecord } from '../../../src/session/store.ts'
import { fileOf, filesEnding, newDirectory, put, withStore } from './session-directory.ts'

type Call =
  | 'openSync'
  | 'writeFileSync'
  | 'fdatasync'
  | 'fsync'
  | 'closeSync'
  | 'renameSync'
  | 'rmSync'
  | 'readFileSync'
  | 'readdirSync'

/** Makes a call of `node:fs` fail from its `nth` time on, as the system would, until `mock.restoreAll()`. */
function failing(call: Call, code: string, { nth = 1, of = '' } = {}): void {
  const original = fs[call] as (...values: unknown[]) => unknown
  let times = 0
  mock.method(fs, call, (...values: unknown[]) => {
    if (!String(values[0]).includes(of)) return original(...values)
    times += 1
    if (times < nth) return original(...values)
    const error = Object.assign(new Error(`${code}: made up by the test, ${call}`), { code })
    const done = values.at(-1)
    if (typeof done === 'function') return void setImmediate(() => done(error))
    // A full disk takes what fits; a failed close closes all the same.
    if (call === 'writeFileSync') original(values[0], String(values[1]).slice(0, 10))
    if (call === 'closeSync') original(...values)
    throw error
  })
}

type Operation = (
  store: SessionStore,
  mine: readonly [StoredRecord, StoredRecord],
  fresh: StoredRecord,
) => Promise<unknown>
const evict = sampleMark({ reason: 'evicted' })
const operations: Record<string, Operation> = {
  create: (store, _, fresh) => store.create(fresh, { now: 0 }),
  'create that evicts': (store, _, fresh) => store.create(fresh, { now: 0, limit: { max: 1, evict } }),
  'durable save': (store, [record]) => store.save({ ...record, version: 2 }, { durable: true }),
  save: (store, [record]) => store.save({ ...record, version: 2 }, { durable: false }),
  end: (store, [{ sid }]) => store.end(sid, sampleMark()),
  endUser: store => store.endUser('alice', sampleMark()),
  endEverybody: store => store.endEverybody(sampleMark()),
  ping: store => store.ping(),
}

/** What a store tells of alice. */
async function stateOf(store: SessionStore, records: readonly StoredRecord[]) {
  return {
    read: await Promise.all(records.map(({ sid }) => store.read(sid))),
    list: (await store.list('alice')).map(({ sid }) => sid).sort(),
    generation: await store.generation('alice'),
  }
}

async function withAlice<T>(
  use: (store: SessionStore, mine: [StoredRecord, StoredRecord], directory: string) => Promise<T>,
) {
  const directory = newDirectory()
  return withStore(directory, async store => use(store, [await put(store), await put(store)], directory))
}

describe('file store: a disk that fails', () => {
  const failures: [call: Call, code: string, nth?: number][] = [
    ['openSync', 'EMFILE'],
    ['openSync', 'EACCES'],
    ['openSync', 'ENOSPC'],
    ['writeFileSync', 'ENOSPC'],
    ['writeFileSync', 'EIO'],
    ['fdatasync', 'EIO'],
    ['closeSync', 'EDQUOT'],
    ['renameSync', 'EACCES'],
    ['openSync', 'EMFILE', 2],
    ['writeFileSync', 'ENOSPC', 2],
    ['fdatasync', 'EIO', 2],
    ['renameSync', 'EIO', 2],
  ]
  for (const [name, operation] of Object.entries(operations)) {
    test(`${name}: rejects with the cause, changed nothing, leaves nothing behind, and works again afterwards`, async () => {
      for (const [call, code, nth = 1] of failures) {
        const renames = name !== 'ping' // which only tries to write
        if ((nth > 1 && name !== 'create that evicts') || (call === 'renameSync' && !renames)) continue
        const shown = `${call} ${code} ${nth}`
        await withAlice(async (store, mine, directory) => {
          const fresh = sampleRecord()
          const before = await stateOf(store, [...mine, fresh])
          failing(call, code, { nth })
          await assert.rejects(operation(store, mine, fresh), { code }, shown)
          mock.restoreAll()
          assert.deepEqual(await stateOf(store, [...mine, fresh]), before, shown)
          assert.deepEqual([...filesEnding(directory, '.tmp'), ...filesEnding(directory, '.intent')], [], shown)
          await operation(store, mine, fresh)
          if (renames) assert.notDeepEqual(await stateOf(store, [...mine, fresh]), before, shown)
        })
      }
    })
  }

  test('at the very last step, flushing the directory, it is rejected and has happened, in memory as in the files', async () => {
    for (const [name, operation] of Object.entries(operations)) {
      if (name === 'save' || name === 'ping') continue
      const directory = newDirectory()
      const store = fileStore(directory)
      const mine = [await put(store), await put(store)] as const
      const fresh = sampleRecord()
      failing('fsync', 'EIO')
      await assert.rejects(operation(store, mine, fresh), { code: 'EIO' }, name)
      mock.restoreAll()
      const told = await stateOf(store, [...mine, fresh])
      await store.close()
      await withStore(directory, async again => assert.deepEqual(await stateOf(again, [...mine, fresh]), told, name))
    }
  })

  test('a failed flush is not taken for done by those who wait for the next one', async () => {
    await withAlice(async store => {
      failing('fsync', 'EIO')
      const failed = [put(store, { userId: null }), put(store, { userId: null }), put(store, { userId: null })]
      for (const result of await Promise.allSettled(failed)) assert.equal(result.status, 'rejected')
      mock.restoreAll()
      await put(store, { userId: null })
    })
  })
})

describe('file store: what cannot be read', () => {
  for (const code of ['EIO', 'EMFILE', 'EACCES']) {
    test(`${code} on a record is an outage: it is rejected, not told as gone or damaged, and over when it is over`, async () => {
      await withAlice(async (store, [record], directory) => {
        failing('readFileSync', code, { of: fileOf(directory, record) })
        await assert.rejects(async () => store.read(record.sid), { code })
        await assert.rejects(store.list('alice'), { code })
        await assert.rejects(store.end(record.sid, sampleMark()), { code })
        await assert.rejects(store.endUser('alice', sampleMark()), { code })
        await assert.rejects(store.save({ ...record, version: 2 }, { durable: false }), { code })
        mock.restoreAll()
        assert.deepEqual(await store.read(record.sid), record)
        assert.deepEqual(filesEnding(directory, '.corrupt'), [])
        assert.equal((await store.list('alice')).length, 2)
      })
    })
  }

  test('out of descriptors while opening: nothing is put aside, and the next operation opens', async () => {
    const directory = newDirectory()
    const record = await withStore(directory, store => put(store))
    for (const call of ['readdirSync', 'readFileSync', 'openSync'] as const) {
      await withStore(directory, async store => {
        failing(call, 'EMFILE')
        await assert.rejects(async () => store.read(record.sid), { code: 'EMFILE' })
        mock.restoreAll()
        assert.deepEqual(await store.read(record.sid), record)
      })
    }
  })

  test('one record on a bad sector does not keep the others from opening', async () => {
    const directory = newDirectory()
    const [bad, good] = await withStore(directory, async store => [await put(store), await put(store)])
    await withStore(directory, async store => {
      failing('readFileSync', 'EIO', { of: fileOf(directory, bad) })
      assert.deepEqual(await store.read(good.sid), good)
      mock.restoreAll()
      await assert.rejects(async () => store.read(bad.sid), { code: 'corrupt-record' })
    })
  })
})

describe('file store: failures behind the scenes', () => {
  test('a touch that cannot be written is seen all the same, and told at the latest by close, which unlocks', async () => {
    const directory = newDirectory()
    const store = fileStore(directory)
    const record = await put(store)
    failing('writeFileSync', 'ENOSPC')
    await store.touch(record.sid, record.lastSeenAt + 1, record.expiresAt + 1)
    assert.equal((await store.read(record.sid))?.lastSeenAt, record.lastSeenAt + 1)
    await assert.rejects(store.close(), { code: 'ENOSPC' })
    mock.restoreAll()
    assert.deepEqual(filesEnding(directory, '.tmp'), [])
    await withStore(directory, async again => assert.deepEqual(await again.read(record.sid), record))
  })

  test('sessions that ended together stay ended when the disk is full before their files say so', async () => {
    const directory = newDirectory()
    const store = fileStore(directory)
    const records = [await put(store), await put(store)]
    await store.endUser('alice', sampleMark())
    failing('writeFileSync', 'ENOSPC')
    await assert.rejects(store.close(), { code: 'ENOSPC' })
    mock.restoreAll()
    await withStore(directory, async again => {
      assert.deepEqual(await again.list('alice'), [])
      for (const { sid } of records) assert.equal((await again.read(sid))?.ended?.reason, 'signed-out')
    })
    assert.deepEqual(filesEnding(directory, '.intent'), [])
  })

  test('a sweep that fails in the middle tells of those that left and goes on next time', async () => {
    await withAlice(async store => {
      const far = Number.MAX_SAFE_INTEGER
      failing('rmSync', 'EACCES', { nth: 2 })
      assert.equal((await store.sweep(far, 10)).length, 1)
      await assert.rejects(store.sweep(far, 10), { code: 'EACCES' })
      mock.restoreAll()
      assert.equal((await store.sweep(far, 10)).length, 1)
    })
  })

  test('a flood of writes opens few files at a time', async () => {
    const { openSync, closeSync } = fs
    await withStore(newDirectory(), async store => {
      await store.ping()
      let [open, most] = [0, 0]
      mock.method(fs, 'openSync', (...values: Parameters<typeof openSync>) => {
        open += 1
        most = Math.max(most, open)
        return openSync(...values)
      })
      mock.method(fs, 'closeSync', (descriptor: number) => {
        open -= 1
        closeSync(descriptor)
      })
      await Promise.all(Array.from({ length: 200 }, () => put(store, { userId: null })))
      mock.restoreAll()
      assert.ok(most <= 8, `${most} at a time`)
    })
  })
})

describe('file store: what comes while the disk is busy', () => {
  /** Holds up the disk: nothing that is being written gets there before the returned function is called. */
  function busyDisk(): () => void {
    const { fdatasync } = fs
    const waiting: (() => void)[] = []
    mock.method(fs, 'fdatasync', (descriptor: number, done: (error: Error | null) => void) => {
      waiting.push(() => fdatasync(descriptor, done))
    })
    return () => {
      mock.restoreAll()
      for (const go of waiting) go()
    }
  }

  test('a save or an end of a session that an operator deletes meanwhile does not bring it back', async () => {
    await withAlice(async (store, [saved, ended], directory) => {
      await put(store, { userId: null })
      const calls: [StoredRecord, () => Promise<unknown>, unknown][] = [
        [saved, () => store.save({ ...saved, version: 2 }, { durable: true }), 'gone'],
        [ended, () => store.end(ended.sid, sampleMark()), null],
      ]
      for (const [record, call, answer] of calls) {
        const goOn = busyDisk()
        const result = call()
        fs.rmSync(fileOf(directory, record))
        assert.equal(await store.read(record.sid), null)
        goOn()
        assert.equal(await result, answer)
        assert.equal(await store.read(record.sid), null)
        assert.ok(!fs.existsSync(fileOf(directory, record)))
      }
      assert.deepEqual(filesEnding(directory, '.tmp'), [])
    })
  })

  test('a damaged file that is found meanwhile is kept as it is', async () => {
    await withAlice(async (store, [record], directory) => {
      const goOn = busyDisk()
      const result = store.save({ ...record, version: 2 }, { durable: true })
      fs.writeFileSync(fileOf(directory, record), 'damaged')
      await assert.rejects(async () => store.read(record.sid), { code: 'corrupt-record' })
      goOn()
      assert.equal(await result, 'gone')
      const [aside] = filesEnding(directory, '.corrupt')
      assert.equal(fs.readFileSync(join(directory, aside ?? ''), 'utf8'), 'damaged')
    })
  })

  test('a touch while the one before is being written is not lost', async () => {
    mock.timers.enable({ apis: ['setTimeout'] })
    const directory = newDirectory()
    const { sid, lastSeenAt, expiresAt } = await withStore(directory, async store => {
      const record = await put(store)
      await store.touch(record.sid, record.lastSeenAt + 1, record.expiresAt + 1)
      const goOn = busyDisk()
      mock.timers.tick(1_000)
      await new Promise(resolve => setImmediate(resolve))
      await store.touch(record.sid, record.lastSeenAt + 2, record.expiresAt + 2)
      mock.timers.reset()
      goOn()
      await put(store) // takes its turn after the first touch was written
      assert.equal((await store.read(record.sid))?.lastSeenAt, record.lastSeenAt + 2)
      return record
    })
    await withStore(directory, async store => {
      const { lastSeenAt: seen, expiresAt: expires } = (await store.read(sid)) ?? assert.fail('it is gone')
      assert.deepEqual([seen, expires], [lastSeenAt + 2, expiresAt + 2])
    })
  })

  test('a session that is being written all the time can still be ended', async () => {
    await withAlice(async (store, [record]) => {
      let [version, ended] = [1, false]
      const writing = (async () => {
        while (!ended) {
          const answer = await store.save({ ...record, version: version + 1 }, { durable: false })
          if (answer === 'gone') return
          version += 1
        }
      })()
      assert.ok(await store.end(record.sid, sampleMark()))
      ended = true
      await writing
    })
  })
})

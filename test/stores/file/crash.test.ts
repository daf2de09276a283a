import assert from 'node:assert/strict'
import fs from 'node:fs'
import { basename } from 'node:path'
import { describe, mock, test } from 'node:test'
import { fileStore } from 'latchkey/stores/file'
import { sampleMark, sampleRecord } from 'latchkey/testing'
import type { SessionStore, StoredRecord } from '../../../src/session/store.ts'
import { filesEnding, newDirectory, put, withStore } from './session-directory.ts'

/**
 * `kill -9` at every point that the disk can tell apart: before each call that changes it, and in the middle of each
 * write, the directory is copied. A copy is what a process that died there leaves behind.
 */
async function crashesDuring(directory: string, work: () => Promise<unknown>): Promise<string[]> {
  const copies: string[] = []
  const copy = () => {
    const target = newDirectory()
    mock.restoreAll()
    // Not the lock: closing the copied file would let go of the lock of this process on it.
    fs.cpSync(directory, target, { recursive: true, filter: path => basename(path) !== 'lock' })
    watch()
    copies.push(target)
  }
  const watch = () => {
    for (const name of ['openSync', 'renameSync', 'rmSync', 'fdatasync', 'fsync'] as const) {
      const original = fs[name] as (...values: unknown[]) => unknown
      mock.method(fs, name, (...values: unknown[]) => {
        copy()
        return original(...values)
      })
    }
    const { writeFileSync } = fs
    mock.method(fs, 'writeFileSync', (file: number, text: string) => {
      writeFileSync(file, text.slice(0, text.length / 2))
      copy()
      writeFileSync(file, text.slice(text.length / 2))
    })
  }
  watch()
  try {
    await work()
    copy()
  } finally {
    mock.restoreAll()
  }
  return copies
}

/** What a store tells of these sessions, short enough to compare by eye: `v1 opaque, v2 evicted, none | alice: 0`. */
async function stateOf(store: SessionStore, records: readonly StoredRecord[]): Promise<string> {
  const told = []
  for (const { sid } of records) {
    const record = await store.read(sid)
    told.push(record ? `v${record.version} ${record.ended ? record.ended.reason : record.body}` : 'none')
  }
  const listed = async (userId: string) => {
    const sids = (await store.list(userId)).map(({ sid }) => records.findIndex(record => record.sid === sid))
    return `${userId}: ${sids.join(' ')}`
  }
  return `${told.join(', ')} | ${await listed('alice')} | ${await listed('bob')}`
}

/** Three of alice's, one of bob's, and one of alice's that does not exist yet; each created a little later. */
function fiveRecords() {
  const { createdAt } = sampleRecord()
  const record = (age: number, userId: string) => sampleRecord({ userId, createdAt: createdAt - age })
  return {
    mine: [record(4, 'alice'), record(3, 'alice'), record(2, 'alice')],
    bobs: record(1, 'bob'),
    fresh: record(0, 'alice'),
  }
}

type Operation = (store: SessionStore, sessions: ReturnType<typeof fiveRecords>) => Promise<unknown>
const limit = { max: 2, evict: sampleMark({ reason: 'evicted' }) }
const operations: Record<string, Operation> = {
  create: (store, { fresh }) => store.create(fresh, { now: 0 }),
  'create that evicts two': (store, { fresh }) => store.create(fresh, { now: 0, limit }),
  'durable save': (store, { mine: [first] }) => store.save(second(first), { durable: true }),
  save: (store, { mine: [first] }) => store.save(second(first), { durable: false }),
  end: (store, { mine: [first] }) => store.end(first?.sid ?? '', sampleMark()),
  endUser: store => store.endUser('alice', sampleMark()),
  'endUser but one': (store, { mine: [first] }) => store.endUser('alice', sampleMark(), first?.sid),
  endEverybody: store => store.endEverybody(sampleMark()),
}

function second(record: StoredRecord | undefined): StoredRecord {
  assert.ok(record)
  return { ...record, version: 2, body: 'second' }
}

describe('file store: kill -9 at every point', () => {
  for (const [name, operation] of Object.entries(operations)) {
    test(`${name}: it happened as a whole or not at all, and once it was told it stays`, async () => {
      const directory = newDirectory()
      const sessions = fiveRecords()
      const { mine, bobs, fresh } = sessions
      const store = fileStore(directory)
      const all = [...mine, bobs, fresh]
      for (const record of [...mine, bobs]) await put(store, record)
      const before = await stateOf(store, all)
      const during = await crashesDuring(directory, () => operation(store, sessions))
      const done = await stateOf(store, all)
      const closing = await crashesDuring(directory, () => store.close())
      assert.notEqual(done, before)

      const states = []
      for (const crashed of during) states.push(await withStore(crashed, again => stateOf(again, all)))
      assert.equal(states.at(-1), done, 'when it resolved it was done')
      const turn = states.indexOf(done)
      assert.deepEqual(states, [...Array(turn).fill(before), ...Array(states.length - turn).fill(done)])
      for (const crashed of closing) {
        await withStore(crashed, async again =>
          assert.equal(await stateOf(again, all), done, 'nor does it come undone later'),
        )
        assert.deepEqual(filesEnding(crashed, '.tmp'), [], 'what was left over is cleaned up')
        assert.deepEqual(filesEnding(crashed, '.intent'), [])
        assert.deepEqual(filesEnding(crashed, '.corrupt'), [])
      }
    })
  }

  test('a crash while a crash is recovered from changes nothing, however often', async () => {
    const directory = newDirectory()
    const { mine, bobs, fresh } = fiveRecords()
    const store = fileStore(directory)
    const all = [...mine, bobs, fresh]
    for (const record of [...mine, bobs]) await put(store, record)
    const copies = await crashesDuring(directory, async () => {
      await store.create(fresh, { now: 0, limit: { ...limit, max: 1 } })
      await store.endUser('bob', sampleMark())
    })
    const done = await stateOf(store, all)
    await store.close()

    let crashed = copies.at(-1) ?? ''
    assert.equal(filesEnding(crashed, '.intent').length, 2, 'both steps are still to be finished')
    for (let round = 0; round < 3; round += 1) {
      const again = fileStore(crashed)
      const recovering = await crashesDuring(crashed, async () => {
        assert.equal(await stateOf(again, all), done)
        await again.close()
      })
      for (const copy of recovering) await withStore(copy, async last => assert.equal(await stateOf(last, all), done))
      crashed = recovering[recovering.length >> 2] ?? ''
    }
  })

  test('a sign-in that began before a crash is overtaken, and so is everyone that was before', async () => {
    const directory = newDirectory()
    const store = fileStore(directory)
    const generations = [await store.generation('alice'), await store.generation('bob')]
    await store.endUser('alice', sampleMark())
    generations.push(await store.generation('alice'))
    const [crashed] = (await crashesDuring(directory, async () => {})).slice(-1)
    await store.close()
    await withStore(crashed ?? '', async again => {
      for (const generation of generations) {
        for (const userId of ['alice', 'bob']) {
          assert.deepEqual(await again.create(sampleRecord({ userId }), { now: 0, generation }), {
            outcome: 'overtaken',
          })
        }
      }
      const generation = await again.generation('alice')
      assert.equal((await again.create(sampleRecord(), { now: 0, generation })).outcome, 'created')
    })
  })

  test('the numbers of a clean close hold for one opening: a crash after it does not bring them back', async () => {
    const directory = newDirectory()
    const generation = await withStore(directory, store => store.generation('alice'))
    const store = fileStore(directory)
    assert.equal(await store.generation('alice'), generation)
    await store.endUser('alice', sampleMark())
    const [crashed] = (await crashesDuring(directory, async () => {})).slice(-1)
    await store.close()
    await withStore(crashed ?? '', async again => {
      assert.deepEqual(await again.create(sampleRecord(), { now: 0, generation }), { outcome: 'overtaken' })
    })
  })

  test('a crash loses a touch that was not written yet, and nothing else of the session', async () => {
    const directory = newDirectory()
    const store = fileStore(directory)
    const record = await put(store)
    const [crashed] = (
      await crashesDuring(directory, () => store.touch(record.sid, record.lastSeenAt + 1, record.expiresAt + 1))
    ).slice(-1)
    await store.close()
    await withStore(crashed ?? '', async again => assert.deepEqual(await again.read(record.sid), record))
    await withStore(directory, async again =>
      assert.equal((await again.read(record.sid))?.lastSeenAt, record.lastSeenAt + 1),
    )
  })
})

describe('file store: a power cut', () => {
  async function calls(work: (store: SessionStore, record: StoredRecord) => Promise<unknown>): Promise<string> {
    return withStore(newDirectory(), async store => {
      const record = await put(store)
      const names: string[] = []
      for (const name of ['renameSync', 'fdatasync', 'fsync'] as const) {
        const original = fs[name] as (...values: unknown[]) => unknown
        mock.method(fs, name, (...values: unknown[]) => {
          names.push(name)
          return original(...values)
        })
      }
      await work(store, record)
      mock.restoreAll()
      return names.join(' ')
    })
  }

  const content = 'fdatasync renameSync'
  const durable = `${content} fsync`
  const expected: Record<
    string,
    [work: (store: SessionStore, record: StoredRecord) => Promise<unknown>, order: string]
  > = {
    create: [store => put(store), durable],
    'durable save': [(store, record) => store.save(second(record), { durable: true }), durable],
    end: [(store, { sid }) => store.end(sid, sampleMark()), durable],
    endUser: [store => store.endUser('alice', sampleMark()), durable],
    endEverybody: [store => store.endEverybody(sampleMark()), durable],
    'create that evicts': [
      store => store.create(sampleRecord(), { now: 0, limit: { ...limit, max: 1 } }),
      'fdatasync fdatasync renameSync renameSync fsync',
    ],
    'save that is not durable': [(store, record) => store.save(second(record), { durable: false }), content],
    touch: [(store, { sid }) => store.touch(sid, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER), ''],
  }
  for (const [name, [work, order]] of Object.entries(expected)) {
    test(`${name}: content is on the disk before it has its name, names before it is told`, async () => {
      assert.equal(await calls(work), order)
    })
  }

  test('an intent is taken away only after every file it vouched for is on the disk', async () => {
    const directory = newDirectory()
    const store = fileStore(directory)
    await put(store)
    await put(store)
    await store.endUser('alice', sampleMark())
    const order: string[] = []
    const { fsync, rmSync } = fs
    mock.method(
      fs,
      'renameSync',
      ((rename: typeof fs.renameSync) => (from: string, to: string) => {
        order.push(to.endsWith('generations.json') ? 'generations' : 'tombstone')
        rename(from, to)
      })(fs.renameSync),
    )
    mock.method(fs, 'fsync', (descriptor: number, done: (error: Error | null) => void) => {
      order.push('flush')
      fsync(descriptor, done)
    })
    mock.method(fs, 'rmSync', (path: string, options: object) => {
      order.push('intent gone')
      rmSync(path, options)
    })
    await store.close()
    mock.restoreAll()
    assert.deepEqual(order.slice(0, 4), ['tombstone', 'tombstone', 'flush', 'intent gone'])
  })

  test('operations that wait at the same time share the flush of the directory', async () => {
    const { fsync } = fs
    await withStore(newDirectory(), async store => {
      await store.ping()
      const counted = mock.method(fs, 'fsync', fsync)
      await Promise.all(Array.from({ length: 50 }, () => put(store, { userId: null })))
      mock.restoreAll()
      assert.ok(counted.mock.callCount() < 50, `${counted.mock.callCount()} flushes`)
    })
  })
})

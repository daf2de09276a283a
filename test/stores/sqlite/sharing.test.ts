import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { sqliteStore } from 'latchkey/stores/sqlite'
import { sampleMark, sampleRecord } from 'latchkey/testing'
import { freshPath } from './directory.ts'

const { createdAt: now } = sampleRecord()

function start(program: string, ...args: string[]): ChildProcess {
  return fork(join(import.meta.dirname, program), args, { execArgv: ['--conditions=latchkey-source'] })
}

/** Another process that holds an exclusive transaction until `release`. */
async function lockedBy(path: string): Promise<() => Promise<void>> {
  const child = start('hold-lock.ts', path)
  await once(child, 'message')
  return async () => {
    const gone = once(child, 'exit')
    child.send('let go')
    await gone
  }
}

describe('sqlite store: several processes', () => {
  test('start on a new file at the same moment, write at once, and lose no update', async () => {
    const path = freshPath()
    const children = [1, 2, 3].map(() => start('increment.ts', path, '40'))
    const codes = await Promise.all(children.map(async child => (await once(child, 'exit'))[0]))
    assert.deepEqual(codes, [0, 0, 0])
    const store = sqliteStore(path)
    const counter = await store.read('counter')
    assert.deepEqual([counter?.body, counter?.version], ['120', 121])
    await store.close()
  })

  test('a locked database rejects writes after lockTimeout, is still read, never stops the event loop, and recovers', async () => {
    const path = freshPath()
    const store = sqliteStore(path, { lockTimeout: '150ms' })
    const record = sampleRecord()
    await store.create(record, { now })
    const release = await lockedBy(path)
    let turns = 0
    const counting = setInterval(() => {
      turns += 1
    }, 1)
    const writes = [
      store.save({ ...record, version: 2 }, { durable: false }),
      store.end(record.sid, sampleMark()),
      store.create(sampleRecord(), { now }),
      store.ping(),
    ]
    assert.deepEqual(await store.read(record.sid), record)
    for (const result of await Promise.allSettled(writes)) {
      assert.equal(result.status, 'rejected')
      assert.match(result.reason.message, /stayed locked by another process for 150 ms; nothing was written/)
      assert.ok(result.reason.message.includes(path))
    }
    await assert.rejects(store.ping(), /stayed locked/, 'a ping in a turn of its own')
    clearInterval(counting)
    assert.ok(turns > 5, `the event loop turned ${turns} times meanwhile`)
    await release()
    assert.deepEqual(await store.end(record.sid, sampleMark()), record, 'nothing of the rejected writes happened')
    await store.close()
  })

  test('a write that finds the database locked happens when the lock is free', async () => {
    const path = freshPath()
    const store = sqliteStore(path, { lockTimeout: '30s' })
    const release = await lockedBy(path)
    const writes = [1, 2, 3].map(() => store.create(sampleRecord(), { now }))
    await new Promise(resume => setImmediate(resume))
    assert.equal((await store.list('alice')).length, 0)
    await release()
    assert.deepEqual(
      (await Promise.all(writes)).map(({ outcome }) => outcome),
      ['created', 'created', 'created'],
    )
    await store.close()
  })

  test('close waits for writes that wait for the lock', async () => {
    const path = freshPath()
    const store = sqliteStore(path, { lockTimeout: '30s' })
    const release = await lockedBy(path)
    const written = store.create(sampleRecord(), { now })
    const closed = store.close()
    await new Promise(resume => setImmediate(resume))
    await release()
    await closed
    assert.equal((await written).outcome, 'created')
  })

  test('what one ends, the other does not answer', async () => {
    const path = freshPath()
    const [here, there] = [sqliteStore(path), sqliteStore(path)]
    const record = sampleRecord()
    const generation = await there.generation('alice')
    await here.create(record, { now, generation })
    assert.deepEqual(await there.read(record.sid), record)
    await here.endUser('alice', sampleMark())
    assert.equal((await there.read(record.sid))?.ended?.reason, 'signed-out')
    assert.deepEqual(await there.create(sampleRecord(), { now, generation }), { outcome: 'overtaken' })
    await Promise.all([here.close(), there.close()])
  })
})

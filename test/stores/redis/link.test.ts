import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { describe, it } from 'node:test'
import { type RedisCommandOptions, redisStore } from 'latchkey/stores/redis'
import { sampleMark, sampleRecord } from 'latchkey/testing'
import type { SharedStore } from '../../../src/session/store.ts'

interface Sent {
  readonly isReadonly?: boolean | undefined
  readonly args: string[]
  readonly options: RedisCommandOptions
}

/** A client that answers nothing and keeps what it was asked, as node-redis does while it waits to send. */
class SilentClient extends EventEmitter {
  isReady = true
  readonly sent: Sent[] = []

  sendCommand(args: string[], options: RedisCommandOptions): Promise<unknown> {
    this.sent.push({ args, options })
    return new Promise((_, reject) => {
      options.abortSignal?.addEventListener('abort', () => reject(new Error('The command was aborted')))
    })
  }

  duplicate(): never {
    throw new Error('not asked for')
  }
}

class SilentCluster extends EventEmitter {
  isReady = true
  readonly slots = Array.from({ length: 16_384 }, () => ({ master: {} }))
  readonly sent: Sent[] = []

  sendCommand(_key: unknown, isReadonly: boolean | undefined, args: string[], options: RedisCommandOptions) {
    this.sent.push({ isReadonly, args, options })
    return Promise.reject(new Error('no answer'))
  }

  getNodeClientForKey(): never {
    throw new Error('not asked for')
  }

  duplicate(): never {
    throw new Error('not asked for')
  }
}

const record = sampleRecord()
const operations: Record<string, (store: SharedStore) => unknown> = {
  read: store => store.read(record.sid),
  create: store => store.create(record, { now: 0 }),
  save: store => store.save({ ...record, version: 2 }, { durable: true }),
  touch: store => store.touch(record.sid, 1, 2),
  end: store => store.end(record.sid, sampleMark()),
  endUser: store => store.endUser('alice', sampleMark()),
  generation: store => store.generation('alice'),
  list: store => store.list('alice'),
  ping: store => store.ping(),
}

describe('Redis: how commands are sent', () => {
  for (const [name, ask] of Object.entries(operations)) {
    it(`${name} is refused at once while the client is not connected, and nothing is kept for later`, async () => {
      const client = new SilentClient()
      client.isReady = false
      await assert.rejects(async () => ask(redisStore(client)), /not connected/)
      assert.deepEqual(client.sent, [])
    })

    it(`${name} needs no timer of the client`, () => {
      const client = new SilentClient()
      Promise.resolve(ask(redisStore(client))).catch(() => {})
      assert.equal(client.sent.length, 1)
      assert.ok(client.sent.every(({ options }) => 'timeout' in options && options.timeout === undefined))
      client.emit('error', new Error('over'))
    })

    it(`${name} never goes to a replica of a cluster`, async () => {
      const cluster = new SilentCluster()
      await assert.rejects(async () => ask(redisStore(cluster)), /no answer/)
      assert.ok(cluster.sent.length > 0 && cluster.sent.every(({ isReadonly }) => isReadonly === false))
    })
  }

  it('what may write and was not sent when the connection is lost is dropped; what comes later is not', async () => {
    const client = new SilentClient()
    const store = redisStore(client)
    const refused = assert.rejects(store.end(record.sid, sampleMark()), /not connected/)
    client.emit('error', new Error('Socket closed unexpectedly'))
    await refused
    store.end(record.sid, sampleMark()).catch(() => {})
    assert.deepEqual(
      client.sent.map(({ options }) => options.abortSignal?.aborted),
      [true, false],
    )
    client.emit('error', new Error('over'))
  })

  it('the reason why there is no connection is in the message', async () => {
    const client = new SilentClient()
    const store = redisStore(client)
    client.emit('error', new Error('connect ECONNREFUSED 127.0.0.1:6379'))
    client.isReady = false
    await assert.rejects(store.ping(), /not connected \(connect ECONNREFUSED 127\.0\.0\.1:6379\)/)
    client.emit('error', new Error('WRONGPASS invalid username-password pair or user is disabled.'))
    await assert.rejects(store.ping(), /password/)
  })

  it('a closed store refuses, and no longer listens to the client', async () => {
    const client = new SilentClient()
    const store = redisStore(client)
    await store.close()
    await store.close()
    assert.equal(client.listenerCount('error'), 0)
    await assert.rejects(store.end(record.sid, sampleMark()), /closed/)
  })
})

import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { type RedisWindowsClient, redisWindows } from 'latchkey/watch/stores/redis'
import { createClient } from 'redis'
import { describeWithRedis, type RedisServer, startRedis } from '../../servers/redis.ts'
import { connectTo } from '../../stores/redis/clients.ts'

const fifty = Array.from({ length: 50 }, (_, i) => i)
const sighting = (member: string, key = 'window') => ({ key, member, at: 1_000, windowMs: 60_000, most: 256 })

describe('windows in Redis, without one', () => {
  it('a client or a prefix that cannot be used is refused, with what to do', () => {
    const client: RedisWindowsClient = { isReady: true, sendCommand: async () => null }
    assert.throws(() => redisWindows({} as never), /createClient or createCluster/)
    for (const prefix of ['', '{a}', 'a}']) assert.throws(() => redisWindows(client, { prefix }), /prefix/)
  })

  it('a client that is not connected is an error at once, and nothing is sent later', async () => {
    const client = createClient({ url: 'redis://127.0.0.1:1' })
    const windows = redisWindows(client)
    await assert.rejects(windows.see([sighting('a')]), /not connected/)
    await assert.rejects(windows.tally([{ key: 'c', by: 1, at: 1, forgetAfterMs: 1 }]), /not connected/)
  })

  it('what Redis refuses is told with what to do', async () => {
    const answers = [
      ['OOM command not allowed', /maxmemory/],
      ['READONLY You can’t write', /replica/],
      ['NOAUTH Authentication required', /password/],
      ['Socket closed', /Redis failed: Socket closed/],
    ] as const
    for (const [answer, says] of answers) {
      const client: RedisWindowsClient = { isReady: true, sendCommand: () => Promise.reject(new Error(answer)) }
      await assert.rejects(redisWindows(client).see([sighting('a')]), says)
    }
  })
})

describeWithRedis('windows in Redis', () => {
  let server: RedisServer
  before(async () => {
    server = await startRedis()
  })

  it('two clients that see at the same time lose nothing of each other', async () => {
    const [one, other] = [redisWindows(await connectTo(server)), redisWindows(await connectTo(server))]
    await Promise.all(fifty.map(i => (i % 2 ? one : other).see([sighting(`${i}`)])))
    assert.equal((await one.see([sighting('0')]))[0]?.length, 50)
  })

  it('goes on when the server forgot the scripts', async () => {
    const windows = redisWindows(await connectTo(server), { prefix: 'flushed:' })
    await windows.see([sighting('a')])
    await server.cli('script', 'flush')
    assert.equal((await windows.see([sighting('b'), sighting('c'), sighting('d', 'other')]))[1]?.length, 3)
  })

  it('is one command for each key, all sent before any is answered', async () => {
    const client = await connectTo(server)
    const warm = redisWindows(client, { prefix: 'warm:' })
    await warm.see([sighting('a')])
    let [underWay, most, sent] = [0, 0, 0]
    const counting: RedisWindowsClient = {
      isReady: true,
      sendCommand: async (args, options) => {
        sent += 1
        underWay += 1
        most = Math.max(most, underWay)
        return client.sendCommand(args, options).finally(() => (underWay -= 1))
      },
    }
    const answers = await redisWindows(counting, { prefix: 'counted:' }).see(
      fifty.map(i => sighting(`${i}`, `k${i % 5}`)),
    )
    assert.deepEqual([sent, most], [5, 5])
    assert.equal(answers.at(-1)?.length, 10)
  })

  it('every key is forgotten by Redis some minutes after what is in it is over', async () => {
    const windows = redisWindows(await connectTo(server), { prefix: 'passing:' })
    await windows.see([sighting('a')])
    await windows.tally([{ key: 'c', by: 1, at: 1_000, forgetAfterMs: 60_000 }])
    await windows.tally([{ key: 'asked', by: 0, at: 1_000, forgetAfterMs: 60_000 }])
    const keys = (await server.cli('keys', 'passing:*')).trim().split('\n').sort()
    assert.deepEqual(keys, ['passing:c:c', 'passing:w:window'], 'asking makes nothing')
    for (const key of keys) {
      const left = Number(await server.cli('pttl', key))
      assert.ok(left > 60_000 && left <= 60_000 + 5 * 60_000, `${key} ${left}`)
    }
  })
})

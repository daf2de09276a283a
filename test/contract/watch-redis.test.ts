import { before, describe } from 'node:test'
import type { RedisClient, RedisCluster } from 'latchkey/stores/redis'
import { windowsContract } from 'latchkey/testing'
import { redisWindows } from 'latchkey/watch/stores/redis'
import { describeWithRedis, startRedis, startRedisCluster } from '../servers/redis.ts'
import { connectTo, connectToCluster } from '../stores/redis/clients.ts'

let opened = 0

/** Fresh and empty: nobody else has its prefix. */
function enrol(name: string, client: () => RedisClient | RedisCluster): void {
  windowsContract(name, () => redisWindows(client(), { prefix: `contract-${opened++}:` }), { forgets: 'by itself' })
}

describeWithRedis('Redis', () => {
  describe('one server', () => {
    let client: RedisClient
    let resp2: RedisClient
    before(async () => {
      const server = await startRedis()
      client = await connectTo(server)
      resp2 = await connectTo(server, { RESP: 2 })
    })
    enrol('redis', () => client)
    enrol('redis over RESP2', () => resp2)
  })

  describe('a cluster', () => {
    let client: RedisCluster
    before(async () => {
      client = await connectToCluster(await startRedisCluster())
    })
    enrol('redis cluster', () => client)
  })
})

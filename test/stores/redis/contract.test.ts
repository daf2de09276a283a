import { before, describe } from 'node:test'
import { type RedisClient, type RedisCluster, type RedisStoreOptions, redisStore } from 'latchkey/stores/redis'
import { storeContract } from 'latchkey/testing'
import type { SessionStore } from '../../../src/session/store.ts'
import { describeWithRedis, startRedis, startRedisCluster } from '../../servers/redis.ts'
import { connectTo, connectToCluster } from './clients.ts'

const opened = new WeakMap<SessionStore, RedisStoreOptions>()
let stores = 0

/** Fresh and empty: nobody else has its prefix. */
function enrol(name: string, client: () => RedisClient | RedisCluster, options: RedisStoreOptions = {}): void {
  const open = (its: RedisStoreOptions) => {
    const store = redisStore(client(), its)
    opened.set(store, its)
    return store
  }
  storeContract(name, () => open({ ...options, prefix: `contract-${stores++}:` }), {
    directory: true,
    expiry: 'server',
    reopen: closed => open(opened.get(closed) ?? {}),
  })
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
      const cluster = await startRedisCluster()
      client = await connectToCluster(cluster)
    })
    enrol('redis cluster', () => client)
    enrol('redis cluster, each end confirmed by a replica', () => client, {
      waitForReplicas: { replicas: 1, timeout: '1s' },
    })
  })
})

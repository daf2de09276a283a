import { describe } from 'node:test'
import { nearCache } from 'latchkey/stores/near-cache'
import { redisStore } from 'latchkey/stores/redis'
import { oneUse } from '../../actors/one-use.ts'
import { type Server, startAnotherNode, startServer } from '../../actors/server.ts'
import { describeWithRedis, startRedis } from '../../servers/redis.ts'
import { connectTo } from './clients.ts'

const policy = { atIdle: 'lock' } as const

describeWithRedis('T12 what is good once, on two nodes over Redis', () => {
  async function twoNodes(over: (store: ReturnType<typeof redisStore>) => Server['store']): Promise<[Server, Server]> {
    const redis = await startRedis()
    const store = async () => over(redisStore(await connectTo(redis)))
    const first = startServer({ store: await store(), policy })
    return [first, startAnotherNode(first, { store: await store(), policy })]
  }

  oneUse(() => twoNodes(store => store))
  describe('with a cache in front of each', () => oneUse(() => twoNodes(store => nearCache(store))))
})

/** Real Redis servers and clusters for tests, each test file's own, gone when its suites are over. */
import { after, describe } from 'node:test'
import { redisServerPath } from '../../tools/provision.ts'
import * as servers from '../../tools/servers/redis.ts'

export { type RedisCluster, type RedisServer, succeeds, until } from '../../tools/servers/redis.ts'

/** A suite on real servers. Without Redis it is skipped, which `npm test` counts and names; under CI=true it fails instead. */
export function describeWithRedis(name: string, tests: () => void): void {
  const missing = 'Redis is missing. Install it: node tools/provision.ts'
  const skip = redisServerPath() === null && process.env.CI !== 'true' ? missing : false
  describe(name, { skip }, () => {
    after(closeAll)
    tests()
  })
}

/** Starts a server that is stopped when the suite is over. */
export async function startRedis(settings?: readonly string[]): Promise<servers.RedisServer> {
  const server = await servers.startRedis(settings)
  started.push(server)
  return server
}

/** Starts a cluster that is stopped when the suite is over. */
export async function startRedisCluster(): Promise<servers.RedisCluster> {
  const cluster = await servers.startRedisCluster()
  started.push(cluster)
  return cluster
}

/** Has a client closed when its suite is over: an open one would keep the process alive. */
export function closeAfter(client: { destroy(): void }): void {
  clients.push(client)
}

const started: { stop(): Promise<void> }[] = []
const clients: { destroy(): void }[] = []

async function closeAll(): Promise<void> {
  for (const client of clients.splice(0)) client.destroy()
  await Promise.all(started.splice(0).map(server => server.stop()))
}

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { RedisClient, RedisCluster as RedisClusterClient } from 'latchkey/stores/redis'
import { createClient, createCluster, type RedisClusterOptions } from 'redis'
import { closeAfter, type RedisCluster, type RedisServer, succeeds, until } from '../../servers/redis.ts'

/** Connects a client that is closed when the tests of the file are over. */
export async function connectTo(
  { url }: Pick<RedisServer, 'url'>,
  options: { RESP?: 2 | 3 } = {},
): Promise<RedisClient> {
  const client = createClient({ url, ...options })
  client.on('error', () => {}) // told through the store
  await client.connect()
  closeAfter(client)
  return client
}

/** The same for a cluster. It learns within half a second that a node was replaced. */
export async function connectToCluster(
  { rootNodes }: RedisCluster,
  defaults: NonNullable<RedisClusterOptions['defaults']> = {},
): Promise<RedisClusterClient> {
  const topologyRefreshOnReconnectionAttemptStrategy = 300
  const client = createCluster({ rootNodes: [...rootNodes], defaults, topologyRefreshOnReconnectionAttemptStrategy })
  client.on('error', () => {})
  await client.connect()
  closeAfter(client)
  return client
}

/** Moves the first slots of a node to another one, with all that is in them, while everything runs. */
export async function moveSlots({ nodes }: RedisCluster, from: number, to: number, count: number): Promise<void> {
  const ids = await Promise.all([from, to].map(index => nodes[index]?.cli('cluster', 'myid')))
  const [source = '', target = ''] = ids.map(id => id?.trim())
  const options = ['--cluster-from', source, '--cluster-to', target, '--cluster-slots', String(count), '--cluster-yes']
  const redisCli = (...args: string[]) => promisify(execFile)('redis-cli', ['--cluster', ...args])
  const address = `127.0.0.1:${nodes[0]?.port}`
  await until('the nodes agree', () => succeeds(redisCli('check', address)))
  await redisCli('reshard', address, ...options)
}

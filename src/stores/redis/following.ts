import type { Following } from '../../session/store.ts'
import type { RedisClient, RedisCluster, RedisSubscriber } from './client.ts'
import { explained } from './failure.ts'
import { plain } from './link.ts'

/** Who is told what. */
export interface Follower {
  /** The sid of a record that changed, or `null` when any may have. */
  readonly told: (sid: string | null) => void
  /** Once, when not everything is told any more. */
  readonly lost: (cause: unknown) => void
}

/** Published instead of a sid when every session may have changed. */
const everything = '*'

/**
 * Follows the changes on one server.
 *
 * A script publishes before it is answered, and a server sends a connection its messages and answers in order. So when a PING
 * on the connection that listens is answered, everything that had changed before it was asked has been told.
 */
export function followServer(client: RedisClient, channel: string, follower: Follower): Promise<Following> {
  return follow([client.duplicate()], channel, follower, line => line.sendCommand(['PING'], plain))
}

/**
 * Follows the changes in a cluster, over a connection to each of its nodes, replicas too.
 *
 * A message goes to whoever listens on the node that did the write as on a single server, and over the cluster's bus, some
 * time later, to all other nodes. Whoever listens on every node need not wait for the bus, whoever is master of what, also
 * while slots move and after a failover. What is left is a node that joins, or comes back after it was given up. The others
 * know of it before it can become master of anything, so each confirmation asks every node who is there.
 */
export async function followCluster(cluster: RedisCluster, channel: string, follower: Follower): Promise<Following> {
  const node = await cluster.getNodeClientForKey(channel)
  const nodes = readNodes(String(await node.sendCommand(['CLUSTER', 'NODES'], plain)))
  const listened = idsOf(nodes)
  // RESP3: a connection that listens may also ask.
  const lines = nodes.map(({ host, port }) =>
    node.duplicate({ RESP: 3, socket: { ...node.options?.socket, ...(host && { host }), port } }),
  )
  return follow(lines, channel, follower, async line => {
    const present = readNodes(String(await line.sendCommand(['CLUSTER', 'NODES'], plain)))
    if (idsOf(present) !== listened) throw new Error('The cluster has other nodes than before.')
  })
}

interface Node {
  readonly id: string
  /** Empty when a node does not know its own yet. */
  readonly host: string
  readonly port: number
}

/** The nodes in an answer to CLUSTER NODES but those that the majority gave up: what such a node writes does not count. */
function readNodes(text: string): Node[] {
  const nodes: Node[] = []
  for (const line of text.trim().split('\n')) {
    const [id = '', address = '', flags = ''] = line.split(' ')
    const [, host = '', port] = /^(.*):(\d+)@/.exec(address) ?? []
    if (!flags.split(',').includes('fail') && Number(port) > 0) nodes.push({ id, host, port: Number(port) })
  }
  return nodes
}

function idsOf(nodes: readonly Node[]): string {
  return nodes
    .map(({ id }) => id)
    .sort()
    .join()
}

/** The connections are never made again by themselves: what happened in between would be unknown. */
async function follow(
  lines: RedisSubscriber[],
  channel: string,
  { told, lost }: Follower,
  ask: (line: RedisSubscriber) => Promise<unknown>,
): Promise<Following> {
  let state: 'opening' | 'open' | 'over' = 'opening'
  const failure = Promise.withResolvers<never>()
  failure.promise.catch(() => {}) // told through `lost` when nobody waits for it any more
  const stop = () => {
    state = 'over'
    for (const line of lines) line.destroy()
  }
  const fail = (cause: unknown) => {
    if (state === 'over') return
    const wasOpen = state === 'open'
    stop()
    failure.reject(explained(cause))
    if (wasOpen) lost(explained(cause))
  }
  const open = async (line: RedisSubscriber) => {
    await line.connect()
    await line.subscribe(channel, message => {
      if (state !== 'over') told(message === everything ? null : message)
    })
    await ask(line)
  }
  for (const line of lines) {
    line.on('error', fail)
    line.on('end', () => fail(new Error('The connection was closed.')))
  }
  await Promise.race([Promise.all(lines.map(open)).catch(fail), failure.promise])
  if (isOver()) return failure.promise
  state = 'open'
  return {
    async confirm() {
      if (isOver()) throw new Error('These changes are not followed any more.')
      try {
        await Promise.all(lines.map(ask)) // rejected when a line is lost
      } catch (cause) {
        fail(cause)
        throw explained(cause)
      }
    },
    async stop() {
      if (!isOver()) stop()
    },
  }

  function isOver(): boolean {
    return state === 'over'
  }
}

import { setMaxListeners } from 'node:events'
import type { RedisClient, RedisCluster, RedisCommandOptions } from './client.ts'
import { NotConnected } from './failure.ts'
import { slotOf } from './slots.ts'

/**
 * What every command is sent with: no timer of the client's (the engine has one deadline for all, and node-redis would spend
 * about 13 µs a command), and replies as texts, whatever the application asks of the same client.
 */
export const plain: RedisCommandOptions = { timeout: undefined, typeMapping: {} }

/**
 * How what may write reaches the server, or the node of a cluster that has the tag. While there is no connection it is
 * rejected at once, and if the connection is lost before it went out, it never does: node-redis would keep it and send it
 * when there is one again, long after its caller was told that it failed.
 */
export interface Writer {
  write(tag: string, args: string[]): Promise<unknown>
  /** Lets go of the client; one that is the user's stays open. */
  release(): void | Promise<void>
}

/** The same, and a faster way for what only reads. */
export interface Link extends Writer {
  read(tag: string, args: string[]): Promise<unknown>
}

/** Over a client of one server. */
export function linkToServer(client: RedisClient): Link {
  const health = new Health(client)
  const send = (args: string[], options: RedisCommandOptions) =>
    client.isReady ? client.sendCommand(args, options) : Promise.reject(new NotConnected(health.trouble))
  return {
    read: (_tag, args) => send(args, plain),
    write: (_tag, args) => send(args, health.now),
    release: () => health.release(),
  }
}

/** Over a client of a cluster. Everything goes to masters, also where the client reads from replicas: those lag behind. */
export function linkToCluster(cluster: RedisCluster): Link {
  const health = new Health(cluster)
  const send = (tag: string, args: string[], options: RedisCommandOptions) =>
    canReach(cluster, tag)
      ? cluster.sendCommand(`{${tag}}`, false, args, options)
      : Promise.reject(new NotConnected(health.trouble))
  return {
    read: (tag, args) => send(tag, args, plain),
    write: (tag, args) => send(tag, args, health.now),
    release: () => health.release(),
  }
}

/** A node that nobody talked to yet (`minimizeConnections`) has no client and gets one with the first command. */
function canReach(cluster: RedisCluster, tag: string): boolean {
  return cluster.isReady && cluster.slots[slotOf(tag)]?.master.client?.isReady !== false
}

/** What went wrong with a client, and options under which a command is dropped when something does before it is sent. */
export class Health {
  /** What went wrong last, for messages. */
  trouble: unknown
  /** The options. */
  now: RedisCommandOptions
  readonly #client: Pick<RedisClient, 'on' | 'off'>
  #controller: AbortController

  /** Listens for errors, so that a client to whose `error` nobody else listens does not end the process. */
  constructor(client: Pick<RedisClient, 'on' | 'off'>) {
    this.#client = client
    this.#controller = new AbortController()
    this.now = droppedBy(this.#controller)
    for (const event of troubles) client.on(event, this.#note)
  }

  release(): void {
    for (const event of troubles) this.#client.off(event, this.#note)
  }

  readonly #note = (error: unknown) => {
    this.trouble = error
    const before = this.#controller
    this.#controller = new AbortController()
    this.now = droppedBy(this.#controller)
    before.abort()
  }
}

/** `node-error` is that of a cluster client. */
const troubles = ['error', 'node-error']

function droppedBy({ signal }: AbortController): RedisCommandOptions {
  setMaxListeners(0, signal) // one for each command that waits to be sent
  return { ...plain, abortSignal: signal }
}

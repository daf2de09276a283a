/*
 * What the store uses of node-redis 6 (the npm package `redis`), described by shape, so that the package is a peer only of
 * those who use it. https://github.com/redis/node-redis
 */

/** Settings of one command. */
export interface RedisCommandOptions {
  /** Milliseconds after which the client gives up. `undefined`: never, which saves a timer and an AbortSignal per command. */
  readonly timeout?: number | undefined
  /** How replies become JavaScript values; `{}` is the client's plain way: texts are strings. */
  readonly typeMapping?: Record<never, never>
  /** Drops the command if it was not sent yet. */
  readonly abortSignal?: AbortSignal
  /** Commands of one chain go out over one connection, in order, all of them or none after a reconnection. */
  readonly chainId?: symbol
}

/** A connected client, as `createClient().connect()` resolves to: anything that has these members. */
export interface RedisClient {
  /** Whether the connection is up at this moment. */
  readonly isReady: boolean
  /** Sends a command. */
  sendCommand(args: string[], options?: RedisCommandOptions): Promise<unknown>
  /** Its settings. */
  readonly options?: { readonly socket?: object | undefined } | undefined
  /** A client with the same settings but these, not connected yet. */
  duplicate(overrides?: { RESP?: 3; socket?: object }): RedisSubscriber
  /** `error` is told whenever the connection is lost or cannot be made. */
  on(event: string, listener: (...args: unknown[]) => void): unknown
  /** Undoes `on`. */
  off(event: string, listener: (...args: unknown[]) => void): unknown
}

/** A client of the store's own, made by `duplicate()`. */
export interface RedisSubscriber extends RedisClient {
  /** Connects; rejects when that is hopeless. */
  connect(): Promise<unknown>
  /** Receives what is published on a channel. */
  subscribe(channel: string, listener: (message: string) => void): Promise<unknown>
  /** Closes the connection at once. */
  destroy(): void
}

/** A connected cluster client, as `createCluster().connect()` resolves to: anything that has these members. */
export interface RedisCluster {
  /** Whether the nodes of the cluster are known. */
  readonly isReady: boolean
  /** Who has each of the 16,384 hash slots. */
  readonly slots: readonly { readonly master: { readonly client?: { readonly isReady: boolean } | undefined } }[]
  /** Sends a command to the node that has `firstKey`, and follows redirections. */
  sendCommand(
    firstKey: string | undefined,
    isReadonly: boolean | undefined,
    args: string[],
    options?: RedisCommandOptions,
  ): Promise<unknown>
  /** The client of the node that has the key. */
  getNodeClientForKey(key: string): Promise<RedisNode>
  /** A cluster client with the same settings, not connected yet. */
  duplicate(): OwnRedisCluster
  /** `error` and `node-error` are told whenever a connection is lost or cannot be made. */
  on(event: string, listener: (...args: unknown[]) => void): unknown
  /** Undoes `on`. */
  off(event: string, listener: (...args: unknown[]) => void): unknown
}

/** The client of one node of a cluster. */
export type RedisNode = RedisClient

/** A cluster client of the store's own. */
export interface OwnRedisCluster extends RedisCluster {
  /** Connects; rejects when that is hopeless. */
  connect(): Promise<unknown>
  /** Closes all connections at once. */
  destroy(): void
}

/*
 * What the windows use of node-redis 6 (the npm package `redis`), described by shape, so that the package is a peer only of
 * those who use it. https://github.com/redis/node-redis
 */

/** Settings of one command. */
export interface RedisWindowsCommandOptions {
  /** How replies become JavaScript values; `{}` is the client's plain way: texts are strings. */
  readonly typeMapping?: Record<never, never>
}

/** A connected client, as `createClient().connect()` resolves to: anything that has these members. */
export interface RedisWindowsClient {
  /** Whether the connection is up at this moment. */
  readonly isReady: boolean
  /** Sends a command. */
  sendCommand(args: string[], options?: RedisWindowsCommandOptions): Promise<unknown>
}

/** A connected cluster client, as `createCluster().connect()` resolves to: anything that has these members. */
export interface RedisWindowsCluster {
  /** Whether the nodes of the cluster are known. */
  readonly isReady: boolean
  /** Sends a command to the node that has `firstKey`, and follows redirections. */
  sendCommand(
    firstKey: string | undefined,
    isReadonly: boolean | undefined,
    args: string[],
    options?: RedisWindowsCommandOptions,
  ): Promise<unknown>
  /** The client of the node that has the key; only a cluster client has this. */
  getNodeClientForKey(key: string): unknown
}

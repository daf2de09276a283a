import { fromColumn, toColumn } from '../../databases/column-text.ts'
import { isUnknownScript } from '../../databases/redis/failure.ts'
import { UsageError } from '../../errors.ts'
import type { Seen, Windows } from '../store.ts'
import type { RedisWindowsClient, RedisWindowsCluster } from './redis/client.ts'
import { explained } from './redis/failure.ts'
import { type Script, scripts } from './redis/scripts.ts'

export type { RedisWindowsClient, RedisWindowsCluster, RedisWindowsCommandOptions } from './redis/client.ts'

/** Settings of the windows in Redis. */
export interface RedisWindowsOptions {
  /**
   * What all keys begin with. Default `'latchkey:watch:'`. Processes with the same prefix on the same Redis share what their
   * detectors remember; without braces, which mean something to Redis Cluster.
   */
  readonly prefix?: string
}

/**
 * Keeps what detectors remember in Redis 6.2 or later (or Valkey), on one server or in a Cluster, over a node-redis 6 client
 * that you made and connected; for `windows` of `createWatch`, where a database would be too slow. The trail is not kept here.
 *
 * All that is seen in one window in one call is one atomic step, and all calls together are one round trip. Redis forgets by
 * itself, so `forgetWindows` finds nothing to do. It may also forget early: when it is restarted, or evicts keys.
 *
 * Throws a `UsageError` for a client or an option that it cannot use. Operations reject at once while the client is not
 * connected, and with an `Error` that says what to do when Redis refuses.
 */
export function redisWindows(
  client: RedisWindowsClient | RedisWindowsCluster,
  options: RedisWindowsOptions = {},
): Windows {
  const { prefix = 'latchkey:watch:' } = options
  if (typeof client?.isReady !== 'boolean' || typeof client.sendCommand !== 'function') {
    throw new UsageError('redisWindows: pass a client of node-redis 6 or later, made by createClient or createCluster.')
  }
  if (typeof prefix !== 'string' || prefix === '' || /[{}]/.test(prefix)) {
    throw new UsageError(
      `redisWindows: prefix is ${JSON.stringify(prefix)}: give a text without braces, such as 'shop:watch:'.`,
    )
  }

  return {
    async see(sightings) {
      const answers = await runForEachKey(client, scripts.see, `${prefix}w:`, sightings, sighting => [
        toColumn(sighting.member),
        ...[sighting.at, sighting.windowMs, sighting.most].map(String),
      ])
      return answers.map(answer => windowIn(answer as string[]))
    },

    async tally(counts) {
      const answers = await runForEachKey(client, scripts.tally, `${prefix}c:`, counts, count =>
        [count.by, count.at, count.forgetAfterMs].map(String),
      )
      return answers.map(Number)
    },

    async forgetWindows() {
      return 0
    },
  }
}

/** Runs the script once for each key, with all that belongs to it in its order, and answers in the order of the items. */
async function runForEachKey<Item extends { readonly key: string }>(
  client: RedisWindowsClient | RedisWindowsCluster,
  script: Script,
  prefix: string,
  items: readonly Item[],
  argsOf: (item: Item) => string[],
): Promise<unknown[]> {
  const answers: unknown[] = []
  const places = Map.groupBy(items.keys(), place => items[place]?.key ?? '')
  await Promise.all(
    [...places].map(async ([key, ofKey]) => {
      const args = ofKey.flatMap(place => items.slice(place, place + 1).flatMap(argsOf))
      const found = (await run(client, script, `${prefix}${toColumn(key)}`, args)) as unknown[]
      for (const [index, place] of ofKey.entries()) answers[place] = found[index]
    }),
  )
  return answers
}

/** A node that does not know the script is sent its text; its refusal says that nothing was done. */
async function run(
  client: RedisWindowsClient | RedisWindowsCluster,
  script: Script,
  key: string,
  args: string[],
): Promise<unknown> {
  try {
    return await send(client, key, ['EVALSHA', script.sha, '1', key, ...args]).catch(error => {
      if (isUnknownScript(error)) return send(client, key, ['EVAL', script.text, '1', key, ...args])
      throw error
    })
  } catch (error) {
    throw explained(error)
  }
}

/** Replies are texts, whatever the application asks of the same client. A client without a connection would keep the command. */
async function send(client: RedisWindowsClient | RedisWindowsCluster, key: string, args: string[]): Promise<unknown> {
  if (!client.isReady)
    throw new Error('it is not connected. Start it, and check the address that the client was given.')
  const plain = { typeMapping: {} }
  return 'getNodeClientForKey' in client ? client.sendCommand(key, false, args, plain) : client.sendCommand(args, plain)
}

/** A window from an answer that has member, first and last in turn. */
function windowIn(answer: readonly string[]): Seen[] {
  const window: Seen[] = []
  for (let i = 0; i + 2 < answer.length; i += 3) {
    const [member = '', firstAt, lastAt] = answer.slice(i, i + 3)
    window.push({ member: fromColumn(member), firstAt: Number(firstAt), lastAt: Number(lastAt) })
  }
  return window
}

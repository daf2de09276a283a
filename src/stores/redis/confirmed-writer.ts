import { setTimeout as wait } from 'node:timers/promises'
import type { OwnRedisCluster, RedisClient, RedisCluster, RedisNode, RedisSubscriber } from './client.ts'
import { isElsewhere, NotConnected, UnconfirmedError } from './failure.ts'
import { Health, plain, type Writer } from './link.ts'

/** How many replicas have to confirm a write, and within which time. */
export interface Confirmation {
  readonly replicas: number
  readonly timeoutMs: number
}

/** How long the first command waits for the connection to be made. */
const openingMs = 1_000

/**
 * Sends each command together with WAIT, and fails when fewer replicas have the write in time.
 *
 * It has a connection of its own (one per master), because WAIT holds up everything behind it. Both go out as one chain:
 * asked on another connection than the one that wrote, as after a reconnection, WAIT would confirm what nobody wrote.
 */
export class ConfirmedWriter implements Writer {
  readonly #own: RedisSubscriber | OwnRedisCluster
  readonly #confirmation: Confirmation
  readonly #opened: Promise<unknown>
  readonly #health: Health

  constructor(client: RedisClient | RedisCluster, confirmation: Confirmation) {
    this.#confirmation = confirmation
    this.#own = client.duplicate()
    this.#health = new Health(this.#own)
    this.#opened = this.#own.connect().catch(() => {}) // kept in `trouble`
  }

  async write(tag: string, args: string[]): Promise<unknown> {
    if (!this.#own.isReady) await this.#opening()
    if (!this.#own.isReady) throw new NotConnected(this.#health.trouble)
    for (let redirections = 0; ; redirections += 1) {
      try {
        return await this.#sendTo(await this.#node(tag), args)
      } catch (error) {
        if (!isElsewhere(error) || redirections === 5 || !('getNodeClientForKey' in this.#own)) throw error
        // Redirected itself, it makes the client learn where the slot is now.
        await this.#own.sendCommand(`{${tag}}`, false, ['EXISTS', `{${tag}}`], plain)
      }
    }
  }

  async release(): Promise<void> {
    // A cluster client that is closed while it connects goes on connecting, and nobody could close that any more.
    if (!this.#own.isReady) await this.#opening()
    this.#own.destroy()
  }

  #opening(): Promise<unknown> {
    return Promise.race([this.#opened, wait(openingMs, undefined, { ref: false })])
  }

  async #node(tag: string): Promise<RedisNode> {
    const node = 'getNodeClientForKey' in this.#own ? await this.#own.getNodeClientForKey(`{${tag}}`) : this.#own
    if (!node.isReady) throw new NotConnected(this.#health.trouble)
    return node
  }

  async #sendTo(node: RedisNode, args: string[]): Promise<unknown> {
    const { replicas, timeoutMs } = this.#confirmation
    const options = { ...this.#health.now, chainId: Symbol('a write and its WAIT') }
    const answer = node.sendCommand(args, options)
    const confirmed = node.sendCommand(['WAIT', String(replicas), String(timeoutMs)], options)
    confirmed.catch(() => {}) // when the write fails, nobody asks for this
    await answer
    const count = Number(await confirmed)
    if (count < replicas) throw new UnconfirmedError(count, replicas, timeoutMs)
    return answer
  }
}

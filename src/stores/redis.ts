import { UsageError } from '../errors.ts'
import { type Duration, durationMs } from '../session/duration.ts'
import type {
  CreateOptions,
  CreateResult,
  EndMark,
  Following,
  SessionDirectory,
  SharedStore,
  StoredRecord,
} from '../session/store.ts'
import type { RedisClient, RedisCluster } from './redis/client.ts'
import { type Confirmation, ConfirmedWriter } from './redis/confirmed-writer.ts'
import { RedisDirectory } from './redis/directory.ts'
import { DamagedValue, explained, isDamaged, isOtherType } from './redis/failure.ts'
import { followCluster, followServer } from './redis/following.ts'
import { isSid, Keys, tagOf, tagOfUser, tags } from './redis/keys.ts'
import { type Link, linkToCluster, linkToServer, type Writer } from './redis/link.ts'
import { readRecord, writeBody, writeInstant, writeRecord } from './redis/record-text.ts'
import { runScript } from './redis/running.ts'
import { type Script, type Scripts, scriptsThatTell } from './redis/scripts.ts'

export type {
  OwnRedisCluster,
  RedisClient,
  RedisCluster,
  RedisCommandOptions,
  RedisNode,
  RedisSubscriber,
} from './redis/client.ts'

/** Settings of the Redis store. */
export interface RedisStoreOptions {
  /**
   * What all keys begin with, and the channel of changes. Default `'latchkey:'`. Stores with the same prefix on the same
   * Redis share their sessions; without braces, which mean something to Redis Cluster.
   */
  readonly prefix?: string
  /**
   * Whether an end (of a session, of all of a user, of everybody) and a durable save wait until so many replicas have it:
   * `replicas`, 1 or more, within `timeout`, which holds up the operation and should be well below the engine's
   * `storeTimeout`. When they do not confirm in time, the operation rejects: it was done on the master, and a failover in
   * the next moments may undo it. Default `false`: a failover may undo what was written in the last moments.
   */
  readonly waitForReplicas?: { readonly replicas: number; readonly timeout: Duration } | false
}

/**
 * Keeps records in Redis 7.0 or later (or Valkey), on one server or in a Cluster, over a node-redis 6 client that you made
 * and connected. Any number of processes may share it.
 *
 * Every operation is one atomic step and one round trip; only `endEverybody` is 4,096. The server expires records by itself,
 * so `sweep` finds nothing to do. Operations reject at once while the client is not connected. `close` leaves your client open.
 *
 * Throws a `UsageError` for an option, or a client, that it cannot use. Operations reject with an `Error` that says what to
 * do when Redis refuses: wrong password, read-only replica, out of memory, loading, cluster down.
 */
export function redisStore(client: RedisClient | RedisCluster, options: RedisStoreOptions = {}): SharedStore {
  const { prefix = 'latchkey:', waitForReplicas = false } = options
  if (typeof client?.isReady !== 'boolean' || 'getSentinelNode' in client) {
    throw new UsageError(
      'redisStore: pass a client of node-redis 6 or later, made by createClient or createCluster (not a pool, not Sentinel).',
    )
  }
  if (typeof prefix !== 'string' || prefix === '' || /[{}]/.test(prefix)) {
    throw new UsageError(
      `redisStore: prefix is ${JSON.stringify(prefix)}: give a text without braces, such as 'shop:'.`,
    )
  }
  return new RedisStore(client, new Keys(prefix), waitForReplicas && confirmationOf(waitForReplicas))
}

function confirmationOf({ replicas, timeout }: { replicas: number; timeout: Duration }): Confirmation {
  if (!Number.isSafeInteger(replicas) || replicas < 1) {
    throw new UsageError(`redisStore: waitForReplicas.replicas is ${replicas}: give a whole number of 1 or more.`)
  }
  return { replicas, timeoutMs: durationMs(timeout, 'redisStore: waitForReplicas.timeout') }
}

/** How many tags `endEverybody` works on at a time. Redis does one after the other, and reads wait for those that are queued. */
const tagsAtOnce = 8

/** What a ping writes to: one key on a single server, enough to meet every master in a cluster of a usual size. */
const pingedTags = { server: 1, cluster: 64 }

class RedisStore implements SharedStore {
  readonly name = 'redis'
  readonly persistent = true
  readonly directory: SessionDirectory
  readonly #client: RedisClient | RedisCluster
  readonly #keys: Keys
  readonly #scripts: Scripts
  readonly #link: Link
  /** For what must survive a failover. */
  readonly #durable: Writer
  readonly #writes = new Set<Promise<unknown>>()
  #closing: Promise<void> | null = null
  #closed = false

  constructor(client: RedisClient | RedisCluster, keys: Keys, confirmation: Confirmation | false) {
    this.#client = client
    this.#keys = keys
    this.#link = isCluster(client) ? linkToCluster(client) : linkToServer(client)
    this.#scripts = scriptsThatTell(keys.channel, isCluster(client) ? 'cluster' : 'server')
    this.#durable = confirmation ? new ConfirmedWriter(client, confirmation) : this.#link
    this.directory = new RedisDirectory({
      link: this.#link,
      keys,
      scripts: this.#scripts,
      isCluster: isCluster(client),
      run: (tag, script, keys, args) => this.#run(this.#link, tag, script, keys, args),
    })
  }

  read(sid: string): null | Promise<StoredRecord | null> {
    if (!isSid(sid)) return null
    return this.#link.read(tagOf(sid), ['GET', this.#keys.record(sid)]).then(
      text => (text === null ? null : readRecord(sid, text)),
      error => {
        throw isOtherType(error) ? new DamagedValue(sid, { cause: error }) : explained(error)
      },
    )
  }

  async create(record: StoredRecord, { now, generation, limit }: CreateOptions): Promise<CreateResult> {
    const { sid, userId } = record
    const tag = tagOf(sid)
    if (!isSid(sid)) throw new RangeError('A sid is 22 base64url characters.')
    if (userId !== null && tag !== tagOfUser(userId)) {
      if (await this.read(sid)) return { outcome: 'exists' }
      throw new RangeError(`The sid ${sid} does not begin with the 12 bits that all sids of its user have.`)
    }
    const keys = [this.#keys.record(sid), this.#keys.tag(tag), ...(userId === null ? [] : [this.#keys.user(userId)])]
    const evict = limit === undefined ? null : limit.evict
    const [outcome, ...evicted] = (await this.#write(this.#link, tag, this.#scripts.create, keys, [
      sid,
      writeRecord(record),
      writeInstant(record.lastSeenAt),
      writeInstant(record.expiresAt),
      generation === undefined ? '' : String(generation),
      writeInstant(now),
      limit === undefined ? '' : String(limit.max),
      limit?.except ?? '',
      ...(evict === null || evict === 'refuse' ? ['refuse', '', ''] : marked(evict)),
    ])) as [CreateResult['outcome'], ...string[]]
    return outcome === 'created' ? { outcome, evicted: readRecords(evicted) } : { outcome }
  }

  async save(record: StoredRecord, { durable }: { durable: boolean }): Promise<'saved' | 'conflict' | 'gone'> {
    const { sid, version, createdAt, lastSeenAt, expiresAt, body } = record
    if (!isSid(sid)) return 'gone'
    const { form, text } = writeBody(body)
    const times = [createdAt, lastSeenAt, expiresAt].map(writeInstant)
    const args = [sid, String(version), ...times, form, text]
    const answer = await this.#change(durable ? this.#durable : this.#link, sid, this.#scripts.save, [], args)
    return answer as 'saved' | 'conflict' | 'gone'
  }

  async touch(sid: string, lastSeenAt: number, expiresAt: number): Promise<void> {
    if (!isSid(sid)) return
    const args = [sid, writeInstant(lastSeenAt), writeInstant(expiresAt)]
    await this.#change(this.#link, sid, this.#scripts.touch, [], args)
  }

  async end(sid: string, mark: EndMark): Promise<StoredRecord | null> {
    if (!isSid(sid)) return null
    const keys = [this.#keys.tag(tagOf(sid))]
    const text = await this.#change(this.#durable, sid, this.#scripts.end, keys, [sid, ...marked(mark)])
    return text === null ? null : readRecord(sid, text)
  }

  async endUser(userId: string, mark: EndMark, except?: string): Promise<StoredRecord[]> {
    const tag = tagOfUser(userId)
    const keys = [this.#keys.user(userId), this.#keys.tag(tag)]
    const args = [...marked(mark), except ?? '']
    const answer = await this.#write(this.#durable, tag, this.#scripts.endUser, keys, args)
    const [ended, missing] = answer as [string[], string[]]
    const others = await this.#endMissing(missing, mark, except)
    return [...readRecords(ended), ...others]
  }

  async endEverybody(mark: EndMark): Promise<number> {
    const left = [...tags]
    let ended = 0
    const work = async () => {
      for (let tag = left.pop(); tag !== undefined; tag = left.pop()) {
        const count = await this.#endTag(tag, mark)
        ended += count // not `+= await`: others add meanwhile
      }
    }
    // Where one tag fails (a node is down), the others are ended all the same, and then the failure is told.
    const results = await Promise.allSettled(Array.from({ length: tagsAtOnce }, work))
    for (const result of results) if (result.status === 'rejected') throw result.reason
    return ended
  }

  async generation(userId: string): Promise<number> {
    const tag = tagOfUser(userId)
    const keys = [this.#keys.user(userId), this.#keys.tag(tag)]
    return Number(await this.#run(this.#link, tag, this.#scripts.generation, keys, []))
  }

  async list(userId: string): Promise<StoredRecord[]> {
    const tag = tagOfUser(userId)
    const found = await this.#run(this.#link, tag, this.#scripts.list, [this.#keys.user(userId)], [])
    return readRecords(found as string[]).sort((a, b) => b.createdAt - a.createdAt)
  }

  async sweep(): Promise<StoredRecord[]> {
    return []
  }

  /** Writes, because a replica, or a server without memory, still answers reads. */
  async ping(): Promise<void> {
    const count = isCluster(this.#client) ? pingedTags.cluster : pingedTags.server
    const some = tags.filter((_, index) => index % (tags.length / count) === 0)
    const write = (tag: string) => this.#link.write(tag, ['SET', this.#keys.ping(tag), '1', 'PX', '60000'])
    await Promise.all(some.map(write)).catch(error => {
      throw explained(error)
    })
  }

  async follow(told: (sid: string | null) => void, lost: (cause: unknown) => void): Promise<Following> {
    const follower = { told, lost }
    return isCluster(this.#client)
      ? followCluster(this.#client, this.#keys.channel, follower)
      : followServer(this.#client, this.#keys.channel, follower)
  }

  close(): Promise<void> {
    this.#closing ??= this.#finish()
    return this.#closing
  }

  async #finish(): Promise<void> {
    while (this.#writes.size > 0) await Promise.allSettled(this.#writes)
    this.#closed = true
    await this.#link.release()
    if (this.#durable !== this.#link) await this.#durable.release()
  }

  async #endTag(tag: string, mark: EndMark): Promise<number> {
    const answer = await this.#write(this.#durable, tag, this.#scripts.endTag, [this.#keys.tag(tag)], marked(mark))
    const [ended, missing] = answer as [number, string[]]
    const others = await this.#endMissing(missing, mark)
    return ended + others.length
  }

  /**
   * Sids of an index for which the script found no record. They expired, nearly always. But while a slot moves, the index may
   * be on the new node already and the record not: asked for itself, it is found where it is.
   */
  async #endMissing(sids: string[], mark: EndMark, except?: string): Promise<StoredRecord[]> {
    if (sids.length === 0 || !isCluster(this.#client)) return []
    const ended = await Promise.all(sids.filter(sid => sid !== except).map(sid => this.end(sid, mark)))
    return ended.filter(record => record !== null)
  }

  /** Runs a script that changes one record. */
  async #change(writer: Writer, sid: string, script: Script, otherKeys: string[], args: string[]): Promise<unknown> {
    try {
      return await this.#write(writer, tagOf(sid), script, [this.#keys.record(sid), ...otherKeys], args)
    } catch (error) {
      throw error instanceof Error && isDamaged(error.cause) ? new DamagedValue(sid, { cause: error.cause }) : error
    }
  }

  #write(writer: Writer, tag: string, script: Script, keys: string[], args: string[]): Promise<unknown> {
    const written = this.#run(writer, tag, script, keys, args)
    this.#writes.add(written)
    const over = () => this.#writes.delete(written)
    written.then(over, over)
    return written
  }

  async #run(writer: Writer, tag: string, script: Script, keys: string[], args: string[]): Promise<unknown> {
    if (this.#closed) throw new Error('The store is closed.')
    try {
      return await runScript(writer, tag, script, keys, args)
    } catch (error) {
      throw explained(error)
    }
  }
}

/** A mark as the scripts take it. */
function marked(mark: EndMark): [mark: string, at: string, keepUntil: string] {
  return [JSON.stringify(mark), writeInstant(mark.at), writeInstant(mark.keepUntil)]
}

/** Records from an answer that has sid and text in turn. */
function readRecords(answer: string[]): StoredRecord[] {
  const records: StoredRecord[] = []
  for (let i = 0; i + 1 < answer.length; i += 2) records.push(readRecord(answer[i] ?? '', answer[i + 1]))
  return records
}

function isCluster(client: RedisClient | RedisCluster): client is RedisCluster {
  return 'getNodeClientForKey' in client
}

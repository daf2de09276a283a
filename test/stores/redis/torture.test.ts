import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { redisStore } from 'latchkey/stores/redis'
import { Browser } from '../../actors/browser.ts'
import { newSecretText, type Server, startServer } from '../../actors/server.ts'
import { describeWithRedis, type RedisServer, startRedis, startRedisCluster } from '../../servers/redis.ts'
import { connectTo, connectToCluster } from './clients.ts'
import type { Order } from './torture-process.ts'

/** Increments, sign-out races, "end all" races: `REDIS_TORTURE=100000,5000,1000` for a longer night. */
const [increments = 0, signOuts = 0, endAlls = 0] = (process.env.REDIS_TORTURE ?? '4000,300,200').split(',').map(Number)
const prefix = 'torture:'
const program = join(import.meta.dirname, 'torture-process.ts')

type Task<Each = Order> = Each extends unknown ? Omit<Each, 'id'> : never

/** A process that does what it is asked to. */
class Worker {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>()
  #asked = 0

  constructor(urls: readonly string[], secret: string) {
    this.#child = fork(program, [urls.join(','), prefix, secret], { execArgv: ['--conditions=latchkey-source'] })
    this.#child.on('message', ({ id, result, error }: { id: number; result?: unknown; error?: string }) => {
      const asked = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error) asked?.reject(new Error(error))
      else asked?.resolve(result)
    })
  }

  ready(): Promise<unknown> {
    return once(this.#child, 'message')
  }

  ask(task: Task): Promise<unknown> {
    this.#asked += 1
    const order = { ...task, id: this.#asked }
    return new Promise((resolve, reject) => {
      this.#waiting.set(order.id, { resolve, reject })
      this.#child.send(order)
    })
  }

  stop(): void {
    this.#child.disconnect()
  }
}

const pick = <T>(items: readonly T[], index: number): T => items[index % items.length] ?? assert.fail('nothing to pick')

/** Runs rounds, ten of them at a time. */
async function rounds(count: number, round: (index: number) => Promise<void>): Promise<void> {
  let next = 0
  const work = async () => {
    while (next < count) await round(next++)
  }
  await Promise.all(Array.from({ length: 10 }, work))
}

function torture(
  start: () => Promise<{ servers: readonly RedisServer[]; store: () => Promise<ReturnType<typeof redisStore>> }>,
): void {
  const secret = newSecretText()
  let servers: readonly RedisServer[] = []
  let workers: Worker[] = []
  let server: Server
  before(async () => {
    const started = await start()
    servers = started.servers
    server = startServer({ secrets: [secret], store: await started.store() })
    const urls = servers.map(({ url }) => url)
    workers = Array.from({ length: 4 }, () => new Worker(urls, secret))
    await Promise.all(workers.map(worker => worker.ready()))
  })
  after(() => {
    for (const worker of workers) worker.stop()
  })

  it(`of ${increments} increments of one session by 4 processes none is lost`, async () => {
    const browser = new Browser(server)
    await browser.signIn('alice')
    const times = Math.ceil(increments / 4)
    const token = browser.token ?? ''
    const answers = await Promise.all(workers.map(worker => worker.ask({ does: 'increment', token, times })))
    assert.deepEqual(answers, Array(4).fill([200]))
    assert.deepEqual((await browser.see()).body?.data, { n: 4 * times })
  })

  it(`of ${signOuts} sessions that are ended while 3 other processes write to them none comes back`, async () => {
    const resurrected: string[] = []
    await rounds(signOuts, async index => {
      const browser = new Browser(server)
      const userId = `leaver ${index}`
      await browser.signIn(userId)
      const { id } = (await browser.see()).body ?? {}
      const token = browser.token ?? ''
      const asks = [0, 1, 2].map(
        kind => () => pick(workers, index + kind).ask({ does: 'write', token, kind: index + kind }) as Promise<unknown>,
      )
      // It comes first, last and everywhere in between, from the client or from an administrator.
      asks.splice(index % 4, 0, async () => {
        const worker = pick(workers, index + 3)
        const done = index % 2 === 1 && (await worker.ask({ does: 'sign out', token })) === 200
        if (!done) await worker.ask({ does: 'end user', userId })
      })
      await Promise.all(asks.map(ask => ask()))
      const record = await server.store.read(id ?? '')
      const listed = await server.store.list(userId)
      if (!record?.ended || record.body !== '' || listed.length > 0 || (await browser.see()).body?.userId) {
        resurrected.push(userId)
      }
    })
    assert.deepEqual(resurrected, [])
  })

  it(`in ${endAlls} races of 3 sign-ins with "end all" of the user none survives`, async () => {
    const survivors: string[] = []
    let signedIn = 0
    await rounds(endAlls, async index => {
      const userId = `racer ${index}`
      const generation = await server.store.generation(userId)
      const asks: (() => Promise<unknown>)[] = [0, 1, 2].map(offset => async () => {
        const answer = await pick(workers, index + offset).ask({ does: 'sign in', userId, generation })
        const { status } = answer as { status: number }
        assert.ok(status === 200 || status === 401, `${status}`)
        if (status === 200) signedIn += 1
      })
      asks.splice(index % 4, 0, () => pick(workers, index + 3).ask({ does: 'end user', userId }))
      await Promise.all(asks.map(ask => ask()))
      for (const { sid } of await server.store.list(userId)) survivors.push(sid)
    })
    assert.deepEqual(survivors, [])
    if (endAlls >= 100) assert.ok(signedIn > 0 && signedIn < 3 * endAlls, `${signedIn} were in time: it was a race`)
  })

  const everybodies = Math.max(1, Math.ceil(endAlls / 50))
  it(`in ${everybodies} races of 120 sign-ins with the end of everybody's sessions none survives`, async () => {
    let survivors = 0
    for (let round = 0; round < everybodies; round += 1) {
      const users = Array.from({ length: 120 }, (_, index) => `everybody ${round} ${index}`)
      const generations = await Promise.all(users.map(userId => server.store.generation(userId)))
      const asks: (() => Promise<unknown>)[] = users.map((userId, index) => () => {
        const generation = generations[index] ?? Number.NaN
        return pick(workers, index).ask({ does: 'sign in', userId, generation })
      })
      asks.splice((round * 40) % 120, 0, () => pick(workers, round).ask({ does: 'end everybody' }))
      await Promise.all(asks.map(ask => ask()))
      for (const userId of users) survivors += (await server.store.list(userId)).length
    }
    assert.equal(survivors, 0)
  })
}

describeWithRedis('Redis: torture by 4 processes', () => {
  describe('on one server', () => {
    torture(async () => {
      const one = await startRedis()
      return { servers: [one], store: async () => redisStore(await connectTo(one), { prefix }) }
    })
  })
  describe('on a cluster', () => {
    torture(async () => {
      const cluster = await startRedisCluster()
      return { servers: cluster.nodes, store: async () => redisStore(await connectToCluster(cluster), { prefix }) }
    })
  })
})

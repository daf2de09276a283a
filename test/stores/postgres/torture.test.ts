import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { migratePostgres, postgresStore } from 'latchkey/stores/postgres'
import { Browser } from '../../actors/browser.ts'
import { type Server, startServer } from '../../actors/server.ts'
import { describeWithPostgres } from '../../servers/postgres.ts'
import type { Task } from './torture-process.ts'

/** Increments, sign-out races, "end all" races: `TORTURE_SHARED=100000,5000,1000` for a longer night. */
const [increments = 0, signOuts = 0, endAlls = 0] = (process.env.TORTURE_SHARED ?? '4000,200,100')
  .split(',')
  .map(Number)
const processes = 4
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index)

/** Runs so many races, ten at a time. */
async function races(count: number, race: (round: number) => Promise<void>): Promise<void> {
  let next = 0
  const runner = async () => {
    while (next < count) await race(next++)
  }
  await Promise.all(numbers(10).map(runner))
}

/** A process that works on the same sessions. */
class Node {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>()
  #asked = 0

  constructor(url: string, secret: string) {
    const program = join(import.meta.dirname, 'torture-process.ts')
    this.#child = fork(program, [url, secret], { execArgv: ['--conditions=latchkey-source'] })
    this.#waiting.set(0, Promise.withResolvers())
    this.#child.on('message', ({ id, result, error }: { id: number; result: unknown; error?: string }) => {
      const asked = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error === undefined) asked?.resolve(result)
      else asked?.reject(new Error(error))
    })
    this.#child.on('exit', code => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`a process ended with ${code}`))
    })
  }

  ready(): Promise<unknown> {
    return this.#waiting.get(0)?.promise ?? Promise.resolve()
  }

  ask(task: Task): Promise<unknown> {
    this.#asked += 1
    const asked = Promise.withResolvers<unknown>()
    this.#waiting.set(this.#asked, asked)
    this.#child.send({ id: this.#asked, task })
    return asked.promise
  }

  async stop(): Promise<void> {
    const over = once(this.#child, 'exit')
    this.#child.send({ id: -1, task: { does: 'stop' } satisfies Task })
    await over
  }
}

describeWithPostgres(`postgres store: torture by ${processes} processes`, server => {
  let app: Server
  let nodes: readonly Node[] = []
  before(async () => {
    const pool = server.pool()
    await migratePostgres(pool)
    app = startServer({ store: postgresStore(pool) })
    nodes = numbers(processes).map(() => new Node(server.url(), app.secret))
    await Promise.all(nodes.map(node => node.ready()))
  })
  after(async () => {
    await Promise.all(nodes.map(node => node.stop()))
    await app.sessions.close()
  })
  const node = (index: number): Node => nodes[index % processes] ?? assert.fail()

  test(`of ${increments} concurrent increments of one session none is lost`, async () => {
    const browser = new Browser(app)
    await browser.signIn('alice')
    const times = Math.ceil(increments / processes)
    const task: Task = { does: 'increment', token: browser.token ?? '', times, atOnce: 4 }
    assert.deepEqual(await Promise.all(nodes.map(one => one.ask(task))), [0, 0, 0, 0], 'refused')
    assert.deepEqual((await browser.see()).body?.data, { n: times * processes })
  })

  test(`after ${signOuts} sign-outs while others write none of the sessions comes back`, async () => {
    let resurrected = 0
    await races(signOuts, async round => {
      const userId = `user ${round}`
      const browser = new Browser(app)
      await browser.signIn(userId)
      const { id } = (await browser.see()).body ?? {}
      const token = browser.token ?? ''
      const calls = numbers(8).map(i => () => node(i).ask({ does: 'write', token, round: round + i }))
      // It comes first, last and everywhere in between, by the client or by an administrator.
      calls.splice(round % 9, 0, async () => {
        const done = round % 2 === 1 && (await node(round).ask({ does: 'signOut', token })) === 200
        // A sign-out whose token was rotated away a moment ago is refused, and says so; then it does not count.
        if (!done) await node(round).ask({ does: 'endUser', userId })
        return token
      })
      const tokens = (await Promise.all(calls.map(call => call()))) as (string | null)[]
      const record = id === undefined || id === null ? null : await app.store.read(id)
      const seen = await Promise.all([...new Set(tokens)].map(one => new Browser(app, one).see()))
      const listed = await app.sessions.list(userId)
      if (!record?.ended || record.body !== '' || listed.length > 0 || seen.some(({ body }) => body?.userId))
        resurrected += 1
    })
    assert.equal(resurrected, 0)
  })

  test(`of the sign-ins during ${endAlls} "end all sessions" none survives`, async t => {
    let survivors = 0
    const outcomes: Record<number, number> = {}
    await races(endAlls, async round => {
      const userId = `ended ${round}`
      // Half of the users have signed in before, the others never.
      if (round % 2 === 0) await new Browser(app).signIn(userId)
      const generation = await app.sessions.generation(userId)
      const calls = nodes.map(one => () => one.ask({ does: 'signIn', userId, generation, times: 3 }))
      calls.splice(round % 5, 0, async () => {
        await node(round).ask({ does: 'endUser', userId })
        return []
      })
      const signIns = (await Promise.all(calls.map(call => call()))).flat() as {
        status: number
        token: string | null
      }[]
      for (const { status } of signIns) outcomes[status] = (outcomes[status] ?? 0) + 1
      survivors += (await app.sessions.list(userId)).length
      for (const { token } of signIns) if ((await new Browser(app, token).see()).body?.userId) survivors += 1
    })
    t.diagnostic(`sign-ins by status: ${JSON.stringify(outcomes)}`)
    assert.equal(survivors, 0)
    assert.deepEqual(
      Object.keys(outcomes).filter(status => status !== '200' && status !== '401'),
      [],
    )
  })
})

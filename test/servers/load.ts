import assert from 'node:assert/strict'
import { afterEach } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { StoreError } from 'latchkey'
import { Browser } from '../actors/browser.ts'
import type { Server } from '../actors/server.ts'

/** What a request came to, and how long its client waited. */
export interface Answer {
  readonly status: number
  readonly tookMs: number
  /** What the store said, where it was refused. */
  readonly why?: string
}

/** Clients under load, while their store is in trouble. */
export interface Load {
  /** Waits until every one of these clients (default: all) has been served again; fails after ten seconds. */
  recovered(which?: readonly number[]): Promise<void>
  /** How many changes of this client were acknowledged. */
  acknowledged(client: number): number
  /**
   * Ends the load and looks at what is there: everybody is who they were, and every change that was acknowledged is there,
   * none twice; of those that failed any may be. `lossy`: clients who may have lost acknowledged changes, for what the test
   * names as its reason. Answers with all answers there were, by client, and how many acknowledged changes are lost.
   */
  stop(lossy?: readonly number[]): Promise<{ answers: Answer[][]; lost: number }>
}

/** Browsers that are signed in as `user 0`, `user 1` and so on, or as these. */
export async function signedIn(app: Server, users: number | readonly string[]): Promise<Browser[]> {
  const names = typeof users === 'number' ? Array.from({ length: users }, (_, i) => `user ${i}`) : users
  const browsers = names.map(() => new Browser(app))
  await Promise.all(browsers.map((browser, i) => browser.signIn(names[i] ?? '')))
  const seen = await Promise.all(browsers.map(browser => browser.see()))
  assert.deepEqual(
    seen.map(({ body }) => body?.userId),
    names,
  )
  return browsers
}

/** A test that fails must not leave its load running. */
const running = new Set<() => void>()
afterEach(() => {
  for (const end of running) end()
  running.clear()
})

/** Clients that each count up in a session of their own until told to stop. What is refused must be a 503 that may be tried again. */
export async function startLoad(clients: readonly Browser[]): Promise<Load> {
  const users = (await Promise.all(clients.map(client => client.see()))).map(({ body }) => body?.userId)
  const answers: Answer[][] = clients.map(() => [])
  /** Per client the changes that were acknowledged, and those whose fate nobody knows. */
  const counts = clients.map(() => ({ done: 0, unknown: 0 }))
  const of = (client: number) => counts[client] ?? { done: 0, unknown: 0 }
  let isOver = false
  running.add(() => {
    isOver = true
  })
  const work = clients.map(async (client, i) => {
    const count = of(i)
    while (!isOver) {
      const beganAt = performance.now()
      const reply = await client.send(session =>
        session.update(data => Object.assign(data, { n: Number(data.n ?? 0) + 1 })),
      )
      const why = reply.error instanceof StoreError ? { why: String(reply.error.cause) } : {}
      answers[i]?.push({ status: reply.status, tookMs: performance.now() - beganAt, ...why })
      if (reply.status === 200) count.done += 1
      else {
        count.unknown += 1
        assert.equal(reply.status, 503)
        assert.ok(reply.error instanceof StoreError)
        assert.equal(reply.error.headers['retry-after'], '1')
        await wait(20)
      }
    }
  })
  const failed = Promise.all(work)
  failed.catch(() => {}) // told by `stop`

  return {
    acknowledged: client => of(client).done,
    async recovered(which = clients.map((_, i) => i)) {
      const before = which.map(i => of(i).done)
      const waiting = () => which.filter((client, i) => of(client).done === before[i])
      for (let i = 0; i < 500 && waiting().length > 0; i += 1) await wait(20)
      assert.deepEqual(waiting(), [], 'these clients are not served again')
    },
    async stop(lossy = []) {
      isOver = true
      await failed
      let lost = 0
      for (const [i, client] of clients.entries()) {
        const { done, unknown } = of(i)
        const { body } = await client.see()
        assert.equal(body?.userId, users[i], 'nobody becomes somebody else, or nobody')
        const n = Number(body?.data.n ?? 0)
        lost += Math.max(0, done - n)
        assert.ok(n >= done || lossy.includes(i), `${n} of ${done} acknowledged and ${unknown} unknown`)
        assert.ok(n <= done + unknown, `${n} although ${done} were acknowledged and ${unknown} are unknown`)
      }
      return { answers, lost }
    },
  }
}

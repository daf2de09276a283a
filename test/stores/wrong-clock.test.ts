import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import type { SessionEvent, SessionStore, Sessions } from 'latchkey'
import { migratePostgres, postgresStore } from 'latchkey/stores/postgres'
import { type RedisClient, redisStore } from 'latchkey/stores/redis'
import { type TestClock, testClock } from 'latchkey/testing'
import { Browser } from '../actors/browser.ts'
import { type Data, type Server, type ServerOptions, startAnotherNode, startServer, told } from '../actors/server.ts'
import { describeWithPostgres } from '../servers/postgres.ts'
import { describeWithRedis, startRedis } from '../servers/redis.ts'
import { connectTo } from './redis/clients.ts'

const s = 1_000
const m = 60 * s
const h = 60 * m
const d = 24 * h

/** The nodes: the clock of one is right, that of the other is off. */
type Name = 'right' | 'off'

/** Two nodes over one store, and the time that passes for both. */
function twoNodes(open: () => SessionStore, offMs: number, options: ServerOptions = {}) {
  const clock = testClock()
  const wrong: TestClock = { ...clock, now: () => clock.now() + offMs }
  const right = startServer({ store: open(), clock, ...options })
  const off = startAnotherNode(right, { store: open(), clock: wrong, ...options })
  const nodes: Record<Name, Server> = { right, off }
  return {
    nodes,
    pass: (ms: number) => clock.set(clock.now() + ms),
    told: (...types: SessionEvent['type'][]) => [...told(right, ...types), ...told(off, ...types)],
    close: () => Promise.all([right.sessions.close(), off.sessions.close()]),
  }
}

/** The same person at a node. */
const at = (node: Server, { token }: Browser) => new Browser(node, token)

/** A browser whose requests a load balancer deals out in turn. */
function dealtOut({ right, off }: Record<Name, Server>): Browser {
  let turn = 0
  const exchange: Sessions<Data>['exchange'] = request => (turn++ % 2 === 0 ? right : off).sessions.exchange(request)
  return new Browser({ sessions: { exchange } as Sessions<Data> })
}

/** Who is it? Asking counts as no use. */
async function who(browser: Browser): Promise<string | null> {
  const { body } = await browser.send(
    async session => {
      await session.load({ activity: false })
      return session.userId
    },
    { method: 'GET' },
  )
  return body ?? null
}

const lives: readonly (readonly [what: string, persistent: boolean, idleMs: number, absoluteMs: number])[] = [
  ['a session', false, 15 * m, 8 * h],
  ['a persistent session', true, 14 * d, 30 * d],
]
const ways: readonly (readonly [from: Name, to: Name])[] = [
  ['right', 'off'],
  ['off', 'right'],
  ['off', 'off'],
]

function suite(open: () => SessionStore): void {
  for (const offMs of [30 * s, -30 * s]) {
    describe(`the clock of one node is 30 seconds ${offMs > 0 ? 'fast' : 'slow'}`, () => clocks(open, offMs))
  }
}

function clocks(open: () => SessionStore, offMs: number): void {
  const off: Record<Name, number> = { right: 0, off: offMs }

  for (const [what, persistent, idleMs, absoluteMs] of lives) {
    for (const [from, to] of ways) {
      const lateMs = off[from] - off[to]
      const when = lateMs === 0 ? 'on time' : `30 seconds too ${lateMs > 0 ? 'late' : 'early'}`

      it(`${what} that was used on the ${from} node last times out idle on the ${to} node ${when}`, async () => {
        const { nodes, pass, told, close } = twoNodes(open, offMs)
        const browser = new Browser(nodes[from])
        await browser.signIn('alice', { persistent })
        pass(m)
        await browser.put({ n: 1 })
        const there = at(nodes[to], browser)
        pass(idleMs + lateMs - 1)
        assert.equal(await who(there), 'alice')
        pass(1)
        assert.equal(await who(there), null)
        assert.deepEqual(told('session.ended', 'token.replayed'), ['session.ended idle'])
        await close()
      })

      it(`${what} that began on the ${from} node is over on the ${to} node ${when}, however busy it is`, async () => {
        const { nodes, pass, told, close } = twoNodes(open, offMs)
        const browser = new Browser(nodes[from])
        await browser.signIn('alice', { persistent })
        const there = at(nodes[to], browser)
        const lastMs = absoluteMs + lateMs - 1
        const steps = Math.ceil((2 * absoluteMs) / idleMs)
        for (let step = 1; step <= steps; step += 1) {
          pass(Math.round((lastMs * step) / steps) - Math.round((lastMs * (step - 1)) / steps))
          assert.equal((await there.put({ step })).status, 200)
          assert.equal(await who(there), 'alice')
        }
        pass(1)
        assert.equal((await there.see()).body?.userId, null)
        assert.deepEqual(told('session.ended', 'token.replayed'), ['session.ended expired'])
        await close()
      })
    }
  }

  it('use on the node that is behind takes nothing back of what the node ahead wrote, on either', async () => {
    const { nodes, pass, close } = twoNodes(open, offMs)
    const [ahead, behind] = offMs > 0 ? [nodes.off, nodes.right] : [nodes.right, nodes.off]
    const browser = new Browser(ahead)
    await browser.signIn('alice')
    pass(1)
    await at(behind, browser).put({ n: 1 })
    pass(15 * m - 2)
    assert.equal(await who(browser), 'alice')
    assert.equal(await who(at(behind, browser)), 'alice')
    pass(1)
    assert.equal(await who(browser), null)
    await close()
  })

  it('somebody whose requests alternate between the nodes is signed out by nothing but the absolute time-out, and is no replay', async () => {
    const { nodes, pass, told, close } = twoNodes(open, offMs)
    const browser = dealtOut(nodes)
    await browser.signIn('alice')
    let rotations = 0
    for (let minute = 1; minute < 8 * 60 - 1; minute += 1) {
      pass(m)
      const { token } = browser
      // Now and then an answer is lost, and the browser comes again with the token that it still has.
      assert.equal((await browser.see({ lost: minute % 7 === 0 })).body?.userId, 'alice', `after ${minute} minutes`)
      if (minute % 5 === 0) assert.equal((await browser.put({ minute })).status, 200)
      if (browser.token !== token) rotations += 1
    }
    assert.ok(rotations > 30, `${rotations} rotations`)
    assert.deepEqual(told('session.ended', 'token.replayed', 'token.used-after-end', 'token.forged'), [])
    await close()
  })

  for (const [from, to] of ways) {
    const lateMs = off[from] - off[to]
    const graceMs = 30 * s + lateMs

    it(`after the successor was seen on the ${from} node, the ${to} node honours the old token for ${graceMs / s} seconds`, async () => {
      const { nodes, pass, told, close } = twoNodes(open, offMs)
      const browser = new Browser(nodes[from])
      await browser.signIn('alice')
      const before = at(nodes[to], browser)
      pass(10 * m)
      await browser.see()
      assert.notEqual(browser.token, before.token)
      await browser.see()
      if (graceMs > 0) {
        pass(graceMs - 1)
        assert.equal((await before.see({ lost: true })).body?.userId, 'alice')
        assert.deepEqual(told('token.replayed'), [])
        pass(1)
      }
      assert.equal((await before.see({ lost: true })).body?.userId, null)
      await close()
    })

    it(`a request to the ${to} node that was under way while others rotated on the ${from} node signs nobody out`, async () => {
      const { nodes, pass, told, close } = twoNodes(open, offMs)
      const browser = new Browser(nodes[from])
      await browser.signIn('alice')
      pass(10 * m)
      const slow = at(nodes[to], browser)
      await browser.see()
      await browser.see()
      await slow.see({ lost: true })
      assert.equal((await browser.see()).body?.userId, 'alice')
      assert.deepEqual(told('token.replayed'), [])
      await close()
    })

    it(`a thief who comes to the ${to} node with a token that was rotated away on the ${from} node is found out`, async () => {
      const { nodes, pass, told, close } = twoNodes(open, offMs)
      const browser = new Browser(nodes[from])
      await browser.signIn('alice')
      const thief = at(nodes[to], browser)
      await browser.rotate()
      await browser.see()
      pass(90 * s)
      assert.equal((await thief.see()).body?.userId, null)
      assert.deepEqual(told('token.replayed', 'session.ended'), ['token.replayed', 'session.ended replayed'])
      await close()
    })

    for (const [what, change] of [
      ['a sign-in', (browser: Browser) => browser.signIn('alice')],
      ['a step-up', (browser: Browser) => browser.stepUp()],
    ] as const) {
      it(`a request that was under way when ${what} happened on the ${from} node is refused on the ${to} node, and ends nothing`, async () => {
        const { nodes, pass, told, close } = twoNodes(open, offMs)
        const browser = new Browser(nodes[from])
        await browser.signIn('alice')
        const slow = at(nodes[to], browser)
        pass(m)
        await change(browser)
        pass(29 * s)
        assert.equal((await slow.see({ lost: true })).body?.userId, null)
        assert.equal((await browser.see()).body?.userId, 'alice')
        assert.deepEqual(told('token.replayed'), [])
        await close()
      })
    }

    it(`what ended on the ${from} node is over on the ${to} node at once`, async () => {
      const { nodes, close } = twoNodes(open, offMs)
      const browsers = [new Browser(nodes[from]), new Browser(nodes[from]), new Browser(nodes[to])]
      for (const browser of browsers) await browser.signIn('alice')
      await browsers[0]?.signOut({ lost: true })
      assert.deepEqual(await Promise.all(browsers.map(browser => who(at(nodes[to], browser)))), [
        null,
        'alice',
        'alice',
      ])
      await nodes[from].sessions.endUser('alice')
      assert.deepEqual(await Promise.all(browsers.map(browser => who(at(nodes[to], browser)))), [null, null, null])
      const again = new Browser(nodes[to])
      await again.signIn('alice')
      assert.equal(await who(at(nodes[from], again)), 'alice')
      await close()
    })
  }
}

describeWithPostgres('PostgreSQL under two clocks', server => {
  before(() => migratePostgres(server.pool()))
  let pool: ReturnType<typeof server.pool> | null = null
  suite(() => {
    pool ??= server.pool()
    return postgresStore(pool)
  })
})

describeWithRedis('Redis under two clocks', () => {
  let client: RedisClient
  before(async () => {
    client = await connectTo(await startRedis())
  })
  suite(() => redisStore(client))
})

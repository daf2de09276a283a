import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { SessionStore, StoreMeter, StoreOutcome } from 'latchkey'
import { memoryStore } from 'latchkey/stores/memory'
import { faults, faultyStore } from 'latchkey/testing'
import { Browser } from '../actors/browser.ts'
import { type ServerOptions, startServer } from '../actors/server.ts'

/** A meter that keeps what it is told; `told` without the times, which are no test's business. */
function meter() {
  const stored: { operation: string; ms: number; outcome: StoreOutcome }[] = []
  const looked: boolean[] = []
  const meter: StoreMeter = {
    stored: (operation, ms, outcome) => stored.push({ operation, ms, outcome }),
    looked: hit => looked.push(hit),
  }
  const told = () => stored.splice(0).map(({ operation, outcome }) => `${operation} ${outcome}`)
  return { meter, stored, looked, told }
}

async function start(options: ServerOptions = {}) {
  const server = startServer(options)
  const browser = new Browser(server)
  await browser.signIn('alice')
  return { server, browser, ...meter() }
}

/** A store whose answers are promises, as those of a database are. */
function distantStore(): SessionStore {
  const store = faultyStore(memoryStore())
  store.disturb(async proceed => proceed(), 'read')
  return store
}

describe('measuring the store', () => {
  for (const [where, store] of [
    ['at once', memoryStore()],
    ['in its own time', distantStore()],
  ] as const) {
    it(`tells each operation by its name, of a store that answers ${where}`, async () => {
      const { server, browser, meter, stored, looked, told } = await start({ store })
      server.sessions.measure(meter)
      await browser.put({ n: 1 })
      assert.deepEqual(told(), ['read done', 'save done'])
      await server.sessions.list('alice')
      await server.sessions.endUser('alice')
      await server.sessions.sweep()
      assert.ok(stored.every(({ ms }) => Number.isFinite(ms) && ms >= 0))
      assert.deepEqual(told(), ['list done', 'end-user done', 'sweep done'])
      assert.deepEqual(looked, [], 'a store without a cache is not one that always misses')
    })
  }

  it('reads no clock and wraps no promise while there is no meter', async t => {
    const { server, browser, meter, told } = await start()
    const stop = server.sessions.measure(meter)
    await browser.see()
    assert.deepEqual(told(), ['read done'])
    stop()
    const now = t.mock.method(performance, 'now')
    await browser.see()
    // Whatever else reads it: nothing between the question and an answer that is there at once does.
    const stacks = now.mock.calls.map(({ stack }) => String(stack.stack))
    assert.deepEqual(
      stacks.filter(stack => /store-meter|asked-store/.test(stack)),
      [],
    )
    assert.deepEqual(told(), [])
  })

  it('a failure is told as one: refused, lost, late, nonsense', async () => {
    const store = faultyStore(memoryStore())
    const { server, browser, meter, told } = await start({ store, storeTimeout: '50ms' })
    server.sessions.measure(meter)
    const ways = {
      refuses: faults.refuses,
      losesAnswer: faults.losesAnswer,
      hangs: faults.hangs,
      answersNonsense: async () => ({ sid: 7 }),
      throwsAtOnce: () => {
        throw new Error('no connection')
      },
    }
    for (const [name, fault] of Object.entries(ways)) {
      store.disturb(fault, 'read', 'save')
      assert.equal((await browser.put({ n: name })).status, 503, name)
      assert.deepEqual(told(), ['read failed'], name)
      store.disturb(fault, 'save', 'list')
      store.disturb(proceed => proceed(), 'read')
      assert.equal((await browser.put({ n: name })).status, 503, name)
      await assert.rejects(server.sessions.list('alice'))
      assert.deepEqual(told(), ['read done', 'save failed', 'list failed'], name)
    }
  })

  it('a record that is damaged is no failure of the store', async () => {
    const store = faultyStore(memoryStore())
    const { server, browser, meter, told } = await start({ store })
    server.sessions.measure(meter)
    store.disturb(() => Promise.reject(Object.assign(new Error('not JSON'), { code: 'corrupt-record' })), 'read')
    assert.equal((await browser.see()).body?.userId, null)
    assert.deepEqual(told(), ['read done'])
  })

  it('a save that somebody else overtook is a conflict, and then a save', async () => {
    const { server, browser, meter, told } = await start()
    const { sessions, store } = server
    const [info] = await sessions.list('alice')
    assert.ok(info)
    sessions.measure(meter)
    let overtaken = false
    await browser.send(async session => {
      await session.load()
      const record = await store.read(info.sid)
      assert.ok(record)
      overtaken = (await store.save({ ...record, version: record.version + 1 }, { durable: false })) === 'saved'
      session.data.n = 2
    })
    assert.ok(overtaken)
    assert.deepEqual(told(), ['read done', 'save conflict', 'read done', 'save done'])
  })

  it('several meters hear the same; one that throws, and one that is taken away, disturb nobody', async () => {
    const { server, browser, meter: one, told } = await start()
    const other = meter()
    const broken = (): never => {
      throw new Error('full')
    }
    server.sessions.measure({ stored: broken, looked: broken })
    const stop = server.sessions.measure(one)
    const again = server.sessions.measure(one)
    server.sessions.measure(other.meter)
    again()
    assert.equal((await browser.put({ n: 1 })).status, 200)
    assert.deepEqual(told(), ['read done', 'save done'])
    assert.deepEqual(other.told(), ['read done', 'save done'])
    stop()
    await browser.see()
    assert.deepEqual([told(), other.told()], [[], ['read done']])
  })
})

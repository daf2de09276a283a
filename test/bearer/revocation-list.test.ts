import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { decodeJwt } from 'jose'
import type { SharedStore } from 'latchkey'
import { memoryStore } from 'latchkey/stores/memory'
import { redisStore } from 'latchkey/stores/redis'
import { faults, faultyStore, testClock } from 'latchkey/testing'
import { createClient } from 'redis'
import { type Api, call, refresh, requestOf, signIn, startApi } from '../actors/api.ts'
import { startAnotherNode, startServer } from '../actors/server.ts'
import { closeAfter, describeWithRedis, startRedis } from '../servers/redis.ts'

/** A shared store in memory, whose channel the test can silence and break. */
function sharedMemory() {
  const store = faultyStore(memoryStore())
  const followers = new Set<{ told: (sid: string | null) => void; lost: (cause: unknown) => void }>()
  const channel = { isSilent: false, canFollow: true }
  const tell = (sid: string | null) => {
    if (!channel.isSilent) for (const { told } of followers) told(sid)
  }
  const shared: SharedStore = Object.assign(Object.create(store), {
    read: store.read.bind(store),
    create: store.create.bind(store),
    save: store.save.bind(store),
    touch: store.touch.bind(store),
    list: store.list.bind(store),
    generation: store.generation.bind(store),
    endUser: store.endUser.bind(store),
    close: async () => {},
    async end(...args: Parameters<SharedStore['end']>) {
      const ended = await store.end(...args)
      tell(args[0])
      return ended
    },
    async endEverybody(...args: Parameters<SharedStore['endEverybody']>) {
      const count = await store.endEverybody(...args)
      tell(null)
      return count
    },
    async follow(told: (sid: string | null) => void, lost: (cause: unknown) => void) {
      if (!channel.canFollow) throw new Error('no channel')
      const follower = { told, lost }
      followers.add(follower)
      return {
        confirm: () => (channel.isSilent ? new Promise<void>(() => {}) : Promise.resolve()),
        stop: async () => void followers.delete(follower),
      }
    },
  })
  const breakChannel = () => {
    for (const { lost } of [...followers]) lost(new Error('connection reset'))
  }
  return { store, shared, channel, breakChannel }
}

/** Waits until a call asks no store any more. */
async function settled(api: Api, token: string, calls: unknown[]): Promise<void> {
  for (let i = 0; i < 500; i += 1) {
    calls.length = 0
    await call(api, token)
    if (calls.length === 0) return
    await new Promise(resolve => setTimeout(resolve, 2))
  }
  assert.fail('the list was never trusted')
}

describe('a revocation list', () => {
  const apis: Api[] = []
  after(() => {
    for (const { bearer } of apis) bearer.close()
  })
  const start = async () => {
    const { store, ...rest } = sharedMemory()
    const api = startApi({ revocationList: true }, { store: rest.shared })
    apis.push(api)
    // What was issued before the list began is asked about for as long as it lives.
    await call(api, (await signIn(api, 'early')).access_token)
    await new Promise(resolve => setTimeout(resolve, 20))
    // Nor is what a node made whose clock is ahead by as much as two clocks may differ.
    api.server.clock.advance('7s')
    const answer = await signIn(api)
    await settled(api, answer.access_token, store.calls)
    return { api, store, answer, ...rest }
  }

  it('a good token is believed without a look-up, also when the store is down', async () => {
    const { api, store, answer } = await start()
    store.disturb(faults.refuses)
    assert.equal((await call(api, answer.access_token)).status, 200)
    assert.deepEqual(store.calls, [])
  })

  it('a session that ended elsewhere is refused from the moment that is told', async () => {
    const { api, shared, answer } = await start()
    const elsewhere = startAnotherNode(api.server, { store: shared })
    await elsewhere.sessions.end(String(decodeJwt(answer.access_token).sid))
    assert.equal((await call(api, answer.access_token)).status, 401)
  })

  it('after "everybody" each session is asked about', async () => {
    const { api, answer } = await start()
    await api.server.sessions.endEverybody()
    assert.equal((await call(api, answer.access_token)).status, 401)
  })

  it('what a node made whose clock is ahead is doubted as long as it must be', async () => {
    const { api, store, answer } = await start()
    const ahead = startAnotherNode(api.server, {
      store: api.server.store,
      clock: testClock(api.server.clock.now() + 4_000),
    })
    const early = await signIn(startApi({ keys: api.keys }, ahead), 'bob')
    await api.server.sessions.endEverybody()
    assert.equal((await call(api, early.access_token)).status, 401)
    api.server.clock.advance(`${early.expires_in + 6}s`)
    assert.equal((await call(api, early.access_token)).status, 401, 'nor is it forgotten before it is over')
    assert.ok(store.calls.includes('read') && answer)
  })

  it('a change that ended nothing costs one look-up', async () => {
    const { api, store, answer } = await start()
    await refresh(api, answer)
    await settled(api, answer.access_token, store.calls)
  })

  it('while the channel is silent, or gone, the store is asked; and 503 when it cannot say', async () => {
    for (const trouble of ['silent', 'gone'] as const) {
      const { api, store, shared, channel, breakChannel, answer } = await start()
      if (trouble === 'silent') channel.isSilent = true
      else {
        channel.canFollow = false
        breakChannel()
      }
      await new Promise(resolve => setTimeout(resolve, 120))
      const sid = String(decodeJwt(answer.access_token).sid)
      store.calls.length = 0
      assert.equal((await call(api, answer.access_token)).status, 200)
      assert.ok(store.calls.includes('read'), trouble)
      await shared.end(sid, { reason: 'revoked', at: 1, keepUntil: Date.now() * 2 })
      assert.equal((await call(api, answer.access_token)).status, 401, trouble)
      store.disturb(faults.refuses)
      assert.equal((await call(api, answer.access_token)).status, 503, trouble)
    }
  })

  it('what ended while the channel was gone is noticed when it is back', async () => {
    const { api, shared, channel, breakChannel, answer } = await start()
    channel.canFollow = false
    breakChannel()
    const sid = String(decodeJwt(answer.access_token).sid)
    await shared.end(sid, { reason: 'revoked', at: 1, keepUntil: Date.now() * 2 })
    channel.canFollow = true
    await new Promise(resolve => setTimeout(resolve, 300))
    assert.equal((await call(api, answer.access_token)).status, 401)
  })

  it('needs a store that tells of its changes, and is one of two ways', () => {
    const { server } = startApi()
    assert.throws(() => startApi({ revocationList: true }, server), /memory store tells nobody of its changes/)
    const { shared } = sharedMemory()
    const both = { revocationList: true, checkSession: true }
    assert.throws(() => startApi(both, { store: shared }), /both true: choose one/)
  })
})

describeWithRedis('a revocation list over Redis', () => {
  it('T18: an access token answers nowhere later than 100 ms after its session was ended on another node', async t => {
    const { url } = await startRedis()
    const [here, there] = await Promise.all([createClient({ url }).connect(), createClient({ url }).connect()])
    closeAfter(here)
    closeAfter(there)
    const server = startServer({ store: redisStore(here) })
    const api = startApi({ checkSession: true }, server)
    const node = startApi(
      { revocationList: true, keys: api.keys },
      startAnotherNode(server, { store: redisStore(there) }),
    )
    await call(node, (await signIn(api, 'early')).access_token)
    await new Promise(resolve => setTimeout(resolve, 50))
    server.clock.advance('7s')
    let longest = 0
    for (let n = 0; n < 30; n += 1) {
      server.clock.advance('2s')
      const { access_token: token, refresh_token } = await signIn(api, `user ${n}`)
      for (let i = 0; i < 20; i += 1) assert.equal((await call(node, token)).status, 200)
      await api.bearer.revoke(requestOf({ method: 'POST' }), refresh_token)
      const endedAt = performance.now()
      for (;;) {
        const askedAt = performance.now()
        if ((await call(node, token)).status === 401) break
        longest = Math.max(longest, askedAt - endedAt)
      }
    }
    t.diagnostic(`30 revocations: the longest afterlife was ${longest.toFixed(1)} ms`)
    assert.ok(longest <= 100, `${longest} ms`)
    node.bearer.close()
    api.bearer.close()
  })
})

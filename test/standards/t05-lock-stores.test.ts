import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { memoryStore } from 'latchkey/stores/memory'
import { nearCache } from 'latchkey/stores/near-cache'
import { redisStore } from 'latchkey/stores/redis'
import { sealedStore } from 'latchkey/stores/sealed'
import { signIn as programSignsIn, startApi } from '../actors/api.ts'
import { Browser } from '../actors/browser.ts'
import { lockedFor, look } from '../actors/locked-view.ts'
import { type Server, startAnotherNode, startServer, told } from '../actors/server.ts'
import { describeWithRedis, startRedis } from '../servers/redis.ts'
import { connectTo } from '../stores/redis/clients.ts'

const minute = 60_000
const lock = { atIdle: 'lock' } as const

describe('T05 what locks not', () => {
  it('the session of a program ends after the idle time-out: there is nobody in front of it', async () => {
    const server = startServer({ policy: lock })
    const api = startApi({}, server)
    const { refresh_token: token } = await programSignsIn(api, 'alice')
    const [info] = await server.sessions.list('alice')
    assert.equal(info?.carrier, 'bearer')
    server.clock.set(info?.idleExpiresAt ?? 0)
    assert.deepEqual(await server.sessions.list('alice'), [])
    assert.ok(token)
    assert.equal(await server.sessions.sweep(), 1)
    assert.deepEqual(told(server, 'session.ended'), ['session.ended idle'])
  })

  it('by default nothing locks: an idle session ends (NIST 5.2)', async () => {
    const server = startServer()
    assert.equal(server.sessions.policy.atIdle, 'end')
    const browser = new Browser(server)
    await browser.signIn('alice')
    server.clock.advance('15m')
    assert.deepEqual((await browser.send(look)).body, lockedFor(null))
  })
})

describe('T05 locked where the cookie is all there is', () => {
  it('it locks, and one factor unlocks it', async () => {
    const server = startServer({ store: sealedStore(), policy: lock })
    const browser = new Browser(server)
    await browser.signIn('alice')
    await browser.put({ essay: 'half written' })
    server.clock.advance('15m')
    for (let n = 0; n < 3; n += 1) assert.deepEqual((await browser.send(look)).body, lockedFor('alice'))
    assert.equal((await browser.put({ n: 1 })).code, 'session-locked')
    await browser.send(session => session.stepUp({ amr: ['pwd'] }))
    const { body } = await browser.send(look)
    assert.deepEqual([body?.userId, body?.data], ['alice', { essay: 'half written' }])
  })
})

describe('T05 a cache in front of the store', () => {
  it('does not lock who was active on another node, and does not unlock who was not', async () => {
    const shared = memoryStore()
    // Without rotation, which would have it read what is so now for another reason.
    const policy = { ...lock, rotateEvery: false } as const
    const server = startServer({ store: shared, policy })
    const caching = startAnotherNode(server, { store: forgetful(shared), policy })
    const browser = new Browser(server)
    await browser.signIn('alice')
    const there = () => new Browser(caching, browser.token)
    assert.equal((await there().send(look)).body?.userId, 'alice')
    server.clock.advance('14m')
    await browser.see()
    server.clock.advance('14m')
    assert.equal(
      (await there().send(look, { method: 'GET' })).body?.userId,
      'alice',
      'what it remembers is out of date',
    )
    server.clock.advance('15m')
    assert.deepEqual((await there().send(look, { method: 'GET' })).body, lockedFor('alice'))
    assert.deepEqual((await browser.send(look, { method: 'GET' })).body, lockedFor('alice'))
    await browser.send(session => session.stepUp({ amr: ['pwd'] }))
    assert.equal((await there().send(look, { method: 'GET' })).body?.userId, 'alice')
  })
})

/** A cache that has not heard yet what other nodes wrote: unless asked for what is so now, it answers as the first time. */
function forgetful(store: Server['store']): Server['store'] {
  const first = new Map<string, NonNullable<Awaited<ReturnType<Server['store']['read']>>>>()
  const read: Server['store']['read'] = async (sid, options) => {
    const known = options?.fresh ? undefined : first.get(sid)
    const record = known ?? (await store.read(sid))
    if (record && !first.has(sid)) first.set(sid, structuredClone(record))
    return record
  }
  return new Proxy(store, {
    get: (target, property: keyof Server['store']) => {
      if (property === 'caches') return true
      if (property === 'read') return read
      const member = target[property]
      return typeof member === 'function' ? (member as () => unknown).bind(target) : member
    },
  })
}

describeWithRedis('T05 locked sessions in Redis, which forgets by itself', () => {
  it('keeps a session that can be unlocked until its absolute time-out, and any other until its idle time-out', async () => {
    const redis = await startRedis()
    const store = nearCache(redisStore(await connectTo(redis)))
    for (const policy of [lock, { atIdle: 'end' }] as const) {
      const server = startServer({ store, policy })
      const browser = new Browser(server)
      await browser.signIn('alice')
      server.clock.advance('1m')
      await browser.put({ n: 1 })
      server.clock.advance('1m')
      const sid = (await browser.see()).body?.id ?? ''
      const [key = '', ...more] = (await redis.cli('--scan', '--pattern', `*${sid}*`)).trim().split('\n')
      assert.deepEqual(more, [])
      const leftMs = Number(await redis.cli('pttl', key))
      // It counts from the last use. Nothing is exact here: this is the server's own clock.
      if (policy === lock) assert.ok(leftMs > 7 * 60 * minute && leftMs < 9 * 60 * minute, String(leftMs))
      else assert.ok(leftMs > 14 * minute && leftMs < 60 * minute, String(leftMs))
    }
    await store.close()
  })
})

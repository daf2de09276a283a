import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { SessionStore } from 'latchkey'
import { fileStore } from 'latchkey/stores/file'
import { memoryStore } from 'latchkey/stores/memory'
import { nearCache } from 'latchkey/stores/near-cache'
import { migratePostgres, postgresStore } from 'latchkey/stores/postgres'
import { redisStore } from 'latchkey/stores/redis'
import { sqliteStore } from 'latchkey/stores/sqlite'
import { testClock } from 'latchkey/testing'
import { memoryReplays, type ReplayStore, sharedReplays } from '../../src/bearer/proof-replays.ts'
import { StoreError, UsageError } from '../../src/errors.ts'
import type { CreateResult } from '../../src/session/store.ts'
import { startServer, told } from '../actors/server.ts'
import { describeWithPostgres } from '../servers/postgres.ts'
import { describeWithRedis, type RedisServer, startRedis } from '../servers/redis.ts'
import { connectTo } from '../stores/redis/clients.ts'

const now = Date.now()
const minute = 60_000
const newProof = () => randomBytes(16).toString('base64url')

describe('memoryReplays', () => {
  it('tells the first use from every other, until it may forget', () => {
    const replays = memoryReplays()
    assert.equal(replays.use('a', now + 1_500, now), 'first')
    assert.equal(replays.use('b', now + minute, now), 'first')
    assert.equal(replays.use('a', now + 1_500, now + 1_499), 'replayed')
    assert.equal(replays.use('b', now + minute, now + minute - 1), 'replayed')
  })

  it('is exact when proofs leave in another order than they came', () => {
    const replays = memoryReplays()
    const lives = Array.from({ length: 600 }, (_, index) => ({
      proof: newProof(),
      lifeMs: ((index * 7_919) % 65_000) + 1,
    }))
    for (const { proof, lifeMs } of lives) replays.use(proof, now + lifeMs, now)
    for (let passed = 0; passed < 65_000; passed += 977) {
      for (const { proof, lifeMs } of lives) {
        if (lifeMs > passed) assert.equal(replays.use(proof, now + lifeMs, now + passed), 'replayed')
      }
    }
  })

  it('DP-3: full, it refuses new proofs and still knows the old ones', () => {
    const replays = memoryReplays({ max: 3 })
    for (const proof of ['a', 'b', 'c']) assert.equal(replays.use(proof, now + minute, now), 'first')
    assert.throws(() => replays.use('d', now + minute, now), StoreError)
    for (const proof of ['a', 'b', 'c']) assert.equal(replays.use(proof, now + minute, now), 'replayed')
    assert.equal(replays.use('d', now + 2 * minute, now + minute + 1_000), 'first')
  })

  it('DP-3: goes on for ever in bounded memory: what is forgotten makes room', () => {
    const replays = memoryReplays({ max: 1_000 })
    // 10 proofs a second that live for a minute are 600 at a time.
    for (let second = 0; second < 3_600; second += 1) {
      for (let each = 0; each < 10; each += 1) {
        const at = now + second * 1_000 + each * 100
        assert.equal(replays.use(`${second} ${each}`, at + minute, at), 'first')
      }
    }
  })

  for (const max of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    it(`does not start with room for ${max}`, () => assert.throws(() => memoryReplays({ max }), UsageError))
  }
})

/** What holds on every store: two handles of the same place, as two nodes have them. */
function contract(open: () => Promise<readonly [SessionStore, SessionStore]>): void {
  it('tells the first use from every other, on any node', async () => {
    const stores = await open()
    const [one, two] = stores.map(store => sharedReplays(store, { timeoutMs: minute }))
    assert.ok(one && two)
    const proof = newProof()
    assert.equal(await one.use(proof, now + minute, now), 'first')
    assert.equal(await two.use(proof, now + minute, now), 'replayed')
    assert.equal(await one.use(proof, now + minute, now), 'replayed')
    await Promise.all(stores.map(store => store.close()))
  })

  it('lets exactly one of many at once be the first', async () => {
    const stores = await open()
    const nodes = stores.map(store => sharedReplays(store, { timeoutMs: minute }))
    for (let round = 0; round < 5; round += 1) {
      const proof = newProof()
      const uses = [...nodes, ...nodes, ...nodes, ...nodes].map(node => node.use(proof, now + minute, now))
      assert.deepEqual(
        (await Promise.all(uses)).filter(use => use === 'first'),
        ['first'],
      )
    }
    await Promise.all(stores.map(store => store.close()))
  })

  it('is no session: nobody can list, end or count it, and sweeping it away is told to nobody', async () => {
    const [store, other] = await open()
    const clock = testClock(now)
    const server = startServer({ store, clock })
    const proof = newProof()
    const replays = sharedReplays(store, { timeoutMs: minute })
    assert.equal(await replays.use(proof, now + minute, now), 'first')
    const record = await other.read(proof)
    assert.equal(record?.userId, null)
    assert.equal(record?.body, '')
    assert.equal(await server.sessions.end(proof), false)
    assert.equal(await server.sessions.endEverybody(), 0)
    assert.equal(await replays.use(proof, now + minute, now), 'replayed')
    // Another node's clock may be a minute behind.
    clock.advance('1m')
    await server.sessions.sweep()
    assert.equal(await replays.use(proof, now + minute, now), 'replayed')
    clock.advance('1m')
    await server.sessions.sweep()
    assert.deepEqual(told(server, 'session.ended'), [])
    await server.sessions.close()
    await other.close()
  })
}

const root = mkdtempSync(join(tmpdir(), 'latchkey-replays-'))
after(() => rmSync(root, { recursive: true, force: true }))

describe('sharedReplays on SQLite', () => {
  contract(async () => {
    const file = join(root, `${newProof()}.db`)
    return [sqliteStore(file), sqliteStore(file)]
  })

  it('leaves nothing behind once proofs are too old', async () => {
    const store = sqliteStore(join(root, 'swept.db'))
    const replays = sharedReplays(store)
    for (let each = 0; each < 20; each += 1) await replays.use(newProof(), now + minute, now)
    assert.equal((await store.sweep(now + 2 * minute, 100)).length, 20)
    assert.equal((await store.sweep(now + 2 * minute, 100)).length, 0)
    await store.close()
  })
})

describe('sharedReplays on files', () => {
  // One process owns the directory.
  contract(async () => {
    const store = fileStore(join(root, newProof()))
    return [store, store]
  })
})

describeWithRedis('sharedReplays on Redis', () => {
  let server: RedisServer
  before(async () => {
    server = await startRedis()
  })
  const open = async () => redisStore(await connectTo(server), { prefix: 'proofs:' })
  contract(async () => [await open(), nearCache(await open())])
})

describeWithPostgres('sharedReplays on PostgreSQL', server => {
  before(() => migratePostgres(server.pool()))
  contract(async () => [postgresStore(server.pool()), postgresStore(server.pool())])
})

describe('sharedReplays', () => {
  const answering = (create: ReplayStore['create']): ReplayStore => ({ name: 'strange', persistent: true, create })
  const strange: readonly (readonly [what: string, create: () => unknown])[] = [
    ['fails', () => Promise.reject(new Error('out of order'))],
    [
      'throws',
      () => {
        throw new Error('out of order')
      },
    ],
    ['answers with nothing', () => Promise.resolve(undefined)],
    ['answers what the contract does not know', () => Promise.resolve({ outcome: 'ok' })],
    ['says that a guest has too many sessions', () => Promise.resolve({ outcome: 'limit' })],
    ['never answers', () => new Promise(() => {})],
  ]
  for (const [what, create] of strange) {
    it(`refuses when the store ${what}`, async () => {
      const store = answering(create as () => Promise<CreateResult>)
      const replays = sharedReplays(store, { timeoutMs: 20 })
      await assert.rejects(async () => replays.use(newProof(), now + minute, now), StoreError)
    })
  }

  it('does not start on a store that makes room by forgetting', () => {
    assert.throws(() => sharedReplays(memoryStore()), /use memoryReplays/)
  })
})

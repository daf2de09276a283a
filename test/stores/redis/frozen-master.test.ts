import assert from 'node:assert/strict'
import { it, type TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { type RedisCluster, type RedisStoreOptions, redisStore } from 'latchkey/stores/redis'
import { sampleMark, sampleRecord } from 'latchkey/testing'
import type { StoredRecord } from '../../../src/session/store.ts'
import { tagOfUser } from '../../../src/stores/redis/keys.ts'
import { slotOf } from '../../../src/stores/redis/slots.ts'
import { Browser } from '../../actors/browser.ts'
import { type Server, startServer } from '../../actors/server.ts'
import { type Answer, signedIn, startLoad } from '../../servers/load.ts'
import { closeAfter, describeWithRedis, startRedisCluster, until } from '../../servers/redis.ts'
import { connectToCluster } from './clients.ts'

/** The first slots of the three masters, and the end. */
const firstSlots = [0, 5461, 10_923, 16_384]

/** Users whose sessions a master has. */
function usersOf(master: number, count: number, name: string): string[] {
  const [from = 0, to = 0] = firstSlots.slice(master, master + 2)
  const users: string[] = []
  for (let i = 0; users.length < count; i += 1) {
    const slot = slotOf(tagOfUser(`${name} ${i}`))
    if (slot >= from && slot < to) users.push(`${name} ${i}`)
  }
  return users
}

/** Signs people in and out again, until told to stop. */
function signOuts(t: TestContext, app: Server, users: readonly string[]) {
  /** Tokens of sessions whose sign-out was acknowledged. */
  const ended: string[] = []
  const answers: Answer[] = []
  let isOver = false
  t.after(() => {
    isOver = true
  })
  const timed = async <Reply extends { status: number }>(work: Promise<Reply>): Promise<number> => {
    const beganAt = performance.now()
    const { status } = await work
    assert.ok(status === 200 || status === 503, `it answered ${status}`)
    answers.push({ status, tookMs: performance.now() - beganAt })
    return status
  }
  const work = users.map(async user => {
    while (!isOver) {
      const browser = new Browser(app)
      const isIn = (await timed(browser.signIn(user))) === 200
      const { token } = browser
      if (isIn && token !== null && (await timed(browser.signOut())) === 200) ended.push(token)
      else await wait(20)
    }
  })
  return {
    ended,
    answers,
    /** Resolves to how many of those sessions are there nevertheless. */
    async stop(): Promise<number> {
      isOver = true
      await Promise.all(work)
      const seen = await Promise.all(ended.map(token => new Browser(app, token).see()))
      assert.ok(seen.every(({ status }) => status === 200))
      return seen.filter(({ body }) => body?.userId !== null).length
    },
  }
}

/** A client that notices a silent server, and then tries again; by default node-redis does neither. */
const watchful = {
  pingInterval: 500,
  socket: { socketTimeout: 1_500, reconnectStrategy: (retries: number) => Math.min(50 * 2 ** retries, 1_000) },
}

function application(client: RedisCluster, options: RedisStoreOptions): Server {
  const app = startServer({ store: redisStore(client, options), storeTimeout: '2s' })
  closeAfter({ destroy: () => void app.sessions.close() })
  return app
}

describeWithRedis('Redis Cluster: a master is frozen under load', () => {
  it('its sessions answer 503 in time, all others go on; a watchful client goes on after the failover, every client after the thaw; no confirmed sign-out is undone', async t => {
    const cluster = await startRedisCluster()
    const [master, , , successor] = cluster.nodes
    assert.ok(master && successor)
    // Or for the time between "it is lost" and "it is replaced" all other masters answer nothing either.
    for (const node of cluster.nodes) await node.cli('config', 'set', 'cluster-require-full-coverage', 'no')
    const client = await connectToCluster(cluster)
    const plain = application(client, { prefix: 'plain:' })
    const waitForReplicas = { replicas: 1, timeout: '500ms' } as const
    const waiting = redisStore(client, { prefix: 'plain:', waitForReplicas })
    closeAfter({ destroy: () => void waiting.close() })
    const careful = application(await connectToCluster(cluster, watchful), { prefix: 'careful:', waitForReplicas })

    const users = (name: string) => [0, 1, 2].flatMap(index => usersOf(index, index === 0 ? 4 : 2, name))
    const [ours, others] = [
      [0, 1, 2, 3],
      [4, 5, 6, 7],
    ]
    const loads = {
      plain: await startLoad(await signedIn(plain, users('plain'))),
      careful: await startLoad(await signedIn(careful, users('careful'))),
    }
    const unconfirmed = signOuts(t, plain, usersOf(0, 8, 'leaver'))
    const confirmed = signOuts(t, careful, usersOf(0, 8, 'leaver'))
    await until('people sign out', () => Math.min(unconfirmed.ended.length, confirmed.ended.length) > 50)
    const before = unconfirmed.ended.length + confirmed.ended.length

    const late = usersOf(0, 2, 'late').map(userId => sampleRecord({ userId })) as [StoredRecord, StoredRecord]
    for (const record of late) await plain.store.create(record, { now: record.createdAt })
    // Nothing there to end: but now its connection is there, and the replica has what was created.
    await waiting.end(sampleRecord({ userId: late[0].userId }).sid, sampleMark())

    const frozenAt = performance.now()
    await master.signal('SIGSTOP')
    const ends = Promise.allSettled([
      plain.store.end(late[0].sid, sampleMark()),
      waiting.end(late[1].sid, sampleMark()),
    ])
    try {
      await until('its replica took over', async () =>
        (await successor.cli('info', 'replication')).includes('role:master'),
      )
      await loads.careful.recovered()
      const stuck = loads.plain.acknowledged(0)
      await loads.plain.recovered(others)
      assert.equal(loads.plain.acknowledged(0), stuck, 'nobody told the other client')
      await wait(Math.max(0, 5_000 - (performance.now() - frozenAt)))
    } finally {
      await master.signal('SIGCONT')
    }
    await loads.plain.recovered()
    await loads.careful.recovered()
    const afterwards = confirmed.ended.length
    await until('its old master confirms', () => confirmed.ended.length > afterwards + 20)

    const [unwaited, waited] = await ends
    const [first, second] = [await plain.store.read(late[0].sid), await plain.store.read(late[1].sid)]
    assert.ok(waited.status === 'rejected' || second?.ended !== null, 'an end that was waited for was undone')
    const fate = `${unwaited.status}, and the session is ${first?.ended === null ? 'alive' : 'over'}`
    t.diagnostic(`an end that reached the old master before the thaw: ${fate}; one with WAIT: ${waited.status}`)

    const survivors = { unconfirmed: await unconfirmed.stop(), confirmed: await confirmed.stop() }
    const results = { plain: await loads.plain.stop(ours), careful: await loads.careful.stop(ours) }
    assert.equal(survivors.confirmed, 0)
    for (const [name, { answers, lost }] of Object.entries(results)) {
      const [here, elsewhere] = [ours, others].map(group => group?.flatMap(client => answers[client] ?? []) ?? [])
      assert.ok(here?.some(({ status }) => status === 503))
      // They went on, as `recovered` saw while it was frozen; a busy machine may be late, the cluster is never down.
      const refused = elsewhere?.filter(({ status }) => status !== 200) ?? []
      assert.ok(!refused.some(({ why }) => /Cluster is down/.test(why ?? '')), refused[0]?.why)
      t.diagnostic(
        `${name}: ${refused.length} of ${elsewhere?.length} requests to other masters refused ${refused[0]?.why ?? ''}`,
      )
      t.diagnostic(`${name}: ${here?.filter(({ status }) => status === 200).length} acknowledged changes, ${lost} lost`)
    }
    const all = [...unconfirmed.answers, ...confirmed.answers, ...Object.values(results).flatMap(r => r.answers.flat())]
    // The deadline is 2 s for each of the questions that a sign-in asks; more is a busy machine's.
    const longest = Math.max(...all.filter(({ status }) => status === 503).map(({ tookMs }) => tookMs))
    assert.ok(longest < 5_000, `a request hung for ${longest} ms`)
    for (const [name, { ended }] of Object.entries({ unconfirmed, confirmed })) {
      t.diagnostic(`${name}: ${ended.length} sign-outs acknowledged, ${survivors[name as 'confirmed']} undone`)
    }
    t.diagnostic(`${before} sign-outs before; the longest refusal took ${Math.round(longest)} ms`)
  })
})

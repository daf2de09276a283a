import assert from 'node:assert/strict'
import { it } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { redisStore } from 'latchkey/stores/redis'
import { sampleMark, sampleRecord } from 'latchkey/testing'
import { Browser } from '../../actors/browser.ts'
import { type Server, startServer } from '../../actors/server.ts'
import { signedIn, startLoad } from '../../servers/load.ts'
import { closeAfter, describeWithRedis, type RedisServer, startRedis, succeeds, until } from '../../servers/redis.ts'
import { connectTo } from './clients.ts'

/** What it takes to watch a small server load its data: half a minute for it, and answers in between. */
const slowToLoad = ['--key-load-delay', '5000', '--loading-process-events-interval-bytes', '1024']
const neverLoses = ['--appendonly', 'yes', '--appendfsync', 'always']

/** An application with the deadline that applications have. */
async function applicationOn(server: RedisServer): Promise<Server> {
  const app = startServer({ store: redisStore(await connectTo(server)), storeTimeout: '2s' })
  closeAfter({ destroy: () => void app.sessions.close() })
  return app
}

describeWithRedis('Redis: a server that fails under load', () => {
  it('frozen for 5 seconds: every request is answered within the deadline, nothing acknowledged is lost, and all are served again', async () => {
    const server = await startRedis()
    const app = await applicationOn(server)
    const load = await startLoad(await signedIn(app, 8))
    const leaver = new Browser(app)
    await leaver.signIn('leaver')
    await load.recovered()
    await server.signal('SIGSTOP')
    try {
      const leaving = await leaver.signOut()
      assert.equal(leaving.status, 503)
      assert.notEqual(leaver.token, null, 'who is not signed out keeps the cookie')
      await wait(3_000)
    } finally {
      await server.signal('SIGCONT')
    }
    await load.recovered()
    const { answers } = await load.stop()
    const refused = answers.flat().filter(({ status }) => status === 503)
    assert.ok(refused.length >= 8)
    // The deadline is 2 s; more is the time that a busy machine takes to run a timer.
    for (const { tookMs } of refused) assert.ok(tookMs < 3_000, `a request hung for ${tookMs} ms`)
    // Nobody can know whether a sign-out that failed was done; done or not, it is one of the two.
    assert.ok([null, 'leaver'].includes((await leaver.see()).body?.userId ?? null))
    assert.ok((await app.store.list('leaver')).length <= 1)
    await server.stop()
  })

  it('while a server that was started again loads its data, requests are refused with 503 that says so; then all is served, and nothing acknowledged is lost', async () => {
    const server = await startRedis([...neverLoses, ...slowToLoad])
    const app = await applicationOn(server)
    const clients = await signedIn(app, 8)
    const ballast = Array.from({ length: 500 }, () => sampleRecord({ userId: null, body: 'x'.repeat(200) }))
    await Promise.all(ballast.map(record => app.store.create(record, { now: record.createdAt })))
    // Into a snapshot: while it reads that, it answers after each kilobyte, and while it reads commands only after a thousand.
    await server.cli('bgrewriteaof')
    await until('there is a snapshot', async () => /aof_rewrites:[1-9]/.test(await server.cli('info', 'persistence')))
    const load = await startLoad(clients)
    await load.recovered()
    await server.signal('SIGKILL')
    const loaded = server.restart()
    const record = ballast[0] ?? sampleRecord()
    const works = [
      () => app.store.ping(),
      () => app.store.read(record.sid),
      () => app.store.save({ ...record, version: 2 }, { durable: true }),
      () => app.store.end(record.sid, sampleMark()),
      () => app.store.endUser('nobody', sampleMark()),
      () => app.store.generation('nobody'),
    ]
    await until('all are refused, and told why', async () => {
      const refusals = await Promise.allSettled(works.map(async work => work()))
      return refusals.every(({ status, reason }: { status: string; reason?: Error }) => {
        return status === 'rejected' && /is loading its data/.test(reason?.message ?? '')
      })
    })
    await server.cli('config', 'set', 'key-load-delay', '0')
    await loaded
    await until('it answers', () => succeeds(app.store.ping()))
    await load.recovered()
    const { answers } = await load.stop()
    assert.ok(answers.flat().some(({ status }) => status === 503))
    assert.deepEqual(await app.store.read(record.sid), record, 'what was refused was not done later')
    await server.stop()
  })
})

import assert from 'node:assert/strict'
import { before, beforeEach, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { migratePostgres, postgresStore } from 'latchkey/stores/postgres'
import type pg from 'pg'
import { type Server, startServer } from '../../actors/server.ts'
import { signedIn, startLoad } from '../../servers/load.ts'
import { describeWithPostgres } from '../../servers/postgres.ts'
import { startRelay } from '../../servers/relay.ts'

describeWithPostgres('postgres store: a server that fails under load', server => {
  before(() => migratePostgres(server.pool()))
  beforeEach(() => server.sql('TRUNCATE latchkey_records, latchkey_generations'))

  /** An application over a pool of its own, with the deadline that applications have. */
  function application(options: pg.PoolConfig = {}): Server {
    const store = postgresStore(server.pool(options), { queryTimeout: '3s' })
    return startServer({ store, storeTimeout: '2s' })
  }

  test('killed with -9 in the middle of the load and started again: 503 meanwhile, nothing acknowledged is lost, no restart of ours', async () => {
    const app = application()
    const load = await startLoad(await signedIn(app, 8))
    for (let round = 0; round < 3; round += 1) {
      await load.recovered()
      await server.kill()
      await wait(200)
      await server.start()
    }
    await load.recovered()
    const { answers } = await load.stop()
    assert.ok(answers.flat().some(({ status }) => status === 503))
    await app.sessions.close()
  })

  test('frozen for 5 seconds: every request is answered within the deadline, and served again afterwards', async () => {
    const app = application()
    const load = await startLoad(await signedIn(app, 4))
    await load.recovered()
    server.freeze()
    try {
      await wait(5_000)
    } finally {
      server.thaw()
    }
    await load.recovered()
    const { answers } = await load.stop()
    const refused = answers.flat().filter(({ status }) => status === 503)
    assert.ok(refused.length > 0)
    // The deadline is 2 s; more is the time that a busy machine takes to run a timer.
    for (const { tookMs } of refused) assert.ok(tookMs < 3_000, `a request hung for ${tookMs} ms`)
    await app.sessions.close()
  })

  test('connections that the server ends in the middle of the work fail their own questions and no others', async () => {
    const app = application()
    const load = await startLoad(await signedIn(app, 4))
    for (let round = 0; round < 10; round += 1) {
      await load.recovered()
      await server.sql(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE '%latchkey_%'`,
      )
    }
    await load.recovered()
    await load.stop()
    await app.sessions.close()
  })

  test('a line that is cut after any number of bytes of an answer: nobody gets anything but their own answer or a 503', async () => {
    const relay = await startRelay(server.port)
    const { port } = relay
    const app = application({ connectionString: server.url().replace(`:${server.port}/`, `:${port}/`), max: 4 })
    const clients = await signedIn(app, 8)
    const load = await startLoad(clients.slice(0, 4))
    const readers = clients.slice(4)
    for (const [i, reader] of readers.entries()) await reader.put({ mine: `${i}`.repeat(4_000) })
    let refused = 0
    let isOver = false
    const reading = readers.map(async (reader, i) => {
      while (!isOver) {
        const { status, body } = await reader.see()
        if (status === 503) refused += 1
        else {
          assert.equal(status, 200)
          assert.equal(body?.userId, `user ${i + 4}`)
          assert.equal(body?.data.mine, `${i}`.repeat(4_000))
        }
      }
    })
    // Each byte of the shortest answers, and some of each packet of the longest.
    const positions = [
      ...Array.from({ length: 60 }, (_, i) => i + 1),
      ...Array.from({ length: 60 }, (_, i) => 97 * i + 7),
    ]
    for (const [round, bytes] of positions.entries()) {
      relay.cutAfter(bytes)
      for (let i = 0; i < 1_000 && relay.cuts <= round; i += 1) await wait(2)
    }
    assert.equal(relay.cuts, positions.length)
    await load.recovered()
    isOver = true
    await Promise.all(reading)
    const { answers } = await load.stop()
    refused += answers.flat().filter(({ status }) => status === 503).length
    assert.ok(refused >= positions.length / 2, `${refused} of ${positions.length} cuts were noticed`)
    await app.sessions.close()
    relay.close()
  })
})

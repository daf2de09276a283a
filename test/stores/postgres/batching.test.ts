import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { migratePostgres, type PostgresPool, type PostgresStatement, postgresStore } from 'latchkey/stores/postgres'
import { sampleMark, sampleRecord } from 'latchkey/testing'
import { describeWithPostgres } from '../../servers/postgres.ts'

const { createdAt: now } = sampleRecord()
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index)

describeWithPostgres('postgres store: statements', server => {
  before(async () => {
    await migratePostgres(server.pool())
  })

  /** A store whose statements are counted. */
  async function counted(options: { max?: number } = {}) {
    const pool = server.pool(options)
    const statements: string[] = []
    const counting: PostgresPool = {
      options: pool.options,
      connect: () => pool.connect(),
      on: (event, listener) => pool.on(event, listener),
      query: (statement: PostgresStatement) => {
        statements.push(statement.name ?? statement.text)
        return pool.query(statement)
      },
    }
    const store = postgresStore(counting)
    await store.ping()
    const during = async <T>(work: () => Promise<T>): Promise<[result: T, statements: string[]]> => {
      statements.length = 0
      return [await work(), [...statements]]
    }
    return { store, during }
  }

  test('500 look-ups of one turn are one statement, and everybody gets their own answer', async () => {
    const { store, during } = await counted()
    const records = numbers(250).map(i => sampleRecord({ userId: null, body: `body ${i}` }))
    await Promise.all(records.map(record => store.create(record, { now })))
    const absent = numbers(250).map(() => sampleRecord().sid)
    // In an order that the server does not answer in, some twice.
    const sids = [...records.map(({ sid }) => sid), ...absent].sort()
    const expected = new Map(records.map(record => [record.sid, record]))
    const [answers, statements] = await during(() => Promise.all([...sids, ...sids].map(sid => store.read(sid))))
    assert.deepEqual(statements, ['latchkey_read_many'])
    for (const [i, sid] of [...sids, ...sids].entries()) assert.deepEqual(answers[i], expected.get(sid) ?? null)
    await store.close()
  })

  test('every operation is one statement', async () => {
    const { store, during } = await counted()
    const first = sampleRecord()
    const second = sampleRecord()
    const evict = sampleMark({ reason: 'evicted' })
    const operations: readonly (readonly [name: string, work: () => unknown])[] = [
      ['create', () => store.create(first, { now, generation: 0 })],
      ['create', () => store.create(second, { now, limit: { max: 1, evict } })],
      ['read', () => store.read(second.sid)],
      ['save', () => store.save({ ...second, version: 2 }, { durable: true })],
      ['touch', () => store.touch(second.sid, now + 1, now + 1)],
      ['end', () => store.end(second.sid, sampleMark())],
      ['end_user', () => store.endUser('alice', sampleMark())],
      ['end_everybody', () => store.endEverybody(sampleMark())],
      ['generation', () => store.generation('alice')],
      ['list', () => store.list('alice')],
      ['sweep', () => store.sweep(0, 10)],
    ]
    for (const [name, work] of operations) {
      const [, statements] = await during(async () => work())
      assert.deepEqual(statements, [`latchkey_${name}`])
    }
    await store.close()
  })

  test('saves of one turn are one statement, each with its own answer', async () => {
    const { store, during } = await counted()
    const records = numbers(90).map(i => sampleRecord({ userId: `user ${i}` }))
    await Promise.all(records.map(record => store.create(record, { now })))
    await Promise.all(records.slice(60).map(({ sid }) => store.end(sid, sampleMark())))
    const versionOf = (i: number) => (i < 30 ? 2 : i < 60 ? 7 : 2)
    const [answers, statements] = await during(() =>
      Promise.all(
        records.map((record, i) =>
          store.save({ ...record, version: versionOf(i), body: `new ${i}` }, { durable: i % 2 === 0 }),
        ),
      ),
    )
    assert.deepEqual(statements, ['latchkey_save'])
    assert.deepEqual(
      answers,
      records.map((_, i) => (i < 30 ? 'saved' : i < 60 ? 'conflict' : 'gone')),
    )
    for (const [i, { sid }] of records.entries()) {
      assert.equal((await store.read(sid))?.body, i < 30 ? `new ${i}` : i < 60 ? 'opaque' : '')
    }
    await store.close()
  })

  test('several versions of one record in one turn are saved one after the other', async () => {
    const { store } = await counted()
    const record = sampleRecord()
    await store.create(record, { now })
    const versions = [2, 2, 3, 5, 4]
    const answers = await Promise.all(
      versions.map((version, i) => store.save({ ...record, version, body: `${i}` }, { durable: false })),
    )
    assert.deepEqual(answers, ['saved', 'conflict', 'saved', 'conflict', 'saved'])
    const { version, body } = (await store.read(record.sid)) ?? sampleRecord()
    assert.deepEqual([version, body], [4, '4'])
    await store.close()
  })

  test('a save that PostgreSQL cannot take fails alone', async () => {
    const { store } = await counted()
    const records = numbers(5).map(() => sampleRecord())
    await Promise.all(records.map(record => store.create(record, { now })))
    const answers = await Promise.allSettled(
      records.map((record, i) =>
        store.save({ ...record, version: 2, expiresAt: i === 3 ? Number.NaN : now }, { durable: true }),
      ),
    )
    assert.deepEqual(
      answers.map(answer => (answer.status === 'fulfilled' ? answer.value : 'rejected')),
      ['saved', 'saved', 'saved', 'rejected', 'saved'],
    )
    await store.close()
  })

  test('two processes that save the same records in opposite order do not lock each other out', async () => {
    const [one, other] = [(await counted()).store, (await counted()).store]
    const records = ['a', 'm', 'z'].map(sid => sampleRecord({ sid: `order ${sid}` }))
    await Promise.all(records.map(record => one.create(record, { now })))
    const blocker = await server.pool().connect()
    await blocker.query(`BEGIN; SELECT FROM latchkey_records WHERE sid = 'order m' FOR UPDATE`)
    const saving = [
      ...records.map(record => one.save({ ...record, version: 2 }, { durable: true })),
      ...records.toReversed().map(record => other.save({ ...record, version: 2 }, { durable: true })),
    ]
    await server.waitForLocks(2)
    await blocker.query('COMMIT')
    blocker.release()
    assert.deepEqual((await Promise.all(saving)).sort(), [
      'conflict',
      'conflict',
      'conflict',
      'saved',
      'saved',
      'saved',
    ])
    await Promise.all([one.close(), other.close()])
  })

  test('a statement that waits for a lock holds up no other', async () => {
    const { store } = await counted()
    const [stuck, free] = [sampleRecord(), sampleRecord()]
    for (const record of [stuck, free]) await store.create(record, { now })
    const blocker = await server.pool().connect()
    await blocker.query(`BEGIN; SELECT FROM latchkey_records WHERE sid = '${stuck.sid}' FOR UPDATE`)
    let isStuck = true
    const saving = store.save({ ...stuck, version: 2 }, { durable: true }).finally(() => {
      isStuck = false
    })
    await server.waitForLocks(1)
    assert.equal(await store.save({ ...free, version: 2 }, { durable: true }), 'saved')
    assert.equal((await store.read(stuck.sid))?.version, 1)
    assert.equal(isStuck, true)
    await blocker.query('COMMIT')
    blocker.release()
    assert.equal(await saving, 'saved')
    await store.close()
  })

  test('with all connections busy questions gather, and none gets the answer of another', async () => {
    const { store, during } = await counted({ max: 1 })
    const records = numbers(200).map(i => sampleRecord({ userId: null, body: `body ${i}` }))
    await Promise.all(records.map(record => store.create(record, { now })))
    const [answers, statements] = await during(async () => {
      const reading: Promise<unknown>[] = []
      for (const { sid } of records) {
        reading.push(Promise.resolve(store.read(sid)))
        await new Promise(setImmediate)
      }
      return Promise.all(reading)
    })
    assert.deepEqual(answers, records)
    assert.ok(statements.length < records.length, `${statements.length} statements`)
    await store.close()
  })

  test('an application that changed how pg reads numbers and texts changes nothing here', async () => {
    const pool = server.pool({ types: { getTypeParser: () => () => 'mine' } })
    const store = postgresStore(pool)
    const record = sampleRecord({ userId: 'somebody with parsers' })
    await store.create(record, { now })
    assert.deepEqual(await store.read(record.sid), record)
    assert.equal(await store.generation('somebody with parsers'), await store.generation('nobody'))
    await store.close()
  })
})

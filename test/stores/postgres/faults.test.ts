import assert from 'node:assert/strict'
import { before, beforeEach, test } from 'node:test'
import { createSessions, type SessionEvent } from 'latchkey'
import { migratePostgres, postgresStore } from 'latchkey/stores/postgres'
import { sampleMark, sampleRecord } from 'latchkey/testing'
import pg from 'pg'
import type { SharedStore, StoredRecord } from '../../../src/session/store.ts'
import { Browser } from '../../actors/browser.ts'
import { type Data, newSecretText, startServer } from '../../actors/server.ts'
import { signedIn } from '../../servers/load.ts'
import { describeWithPostgres, type PostgresServer } from '../../servers/postgres.ts'

const { createdAt: now } = sampleRecord()
const pause = (ms: number) => new Promise(resume => setTimeout(resume, ms))

describeWithPostgres('postgres store: a server out of order', server => {
  before(() => migratePostgres(server.pool()))
  beforeEach(() => server.sql('TRUNCATE latchkey_records, latchkey_generations'))

  test('an idle connection that breaks does not end the process', async () => {
    const pool = new pg.Pool({ connectionString: server.url(), connectionTimeoutMillis: 2_000 })
    const broken = new Promise(resolve => pool.on('remove', resolve))
    const store = postgresStore(pool)
    await store.ping()
    await server.kill()
    await broken
    await server.start()
    await store.ping()
    await store.close()
    await pool.end()
  })

  const refused: readonly (readonly [
    what: string,
    options: (server: PostgresServer) => pg.PoolConfig,
    says: RegExp,
  ])[] = [
    [
      'a wrong password',
      s => ({ connectionString: s.url({ password: 'wrong' }) }),
      /refuses the password. Correct user/,
    ],
    [
      'no password',
      s => ({ connectionString: '', host: '127.0.0.1', port: s.port, user: 'latchkey' }),
      /wants a password/,
    ],
    ['an unknown user', s => ({ connectionString: s.url({ user: 'nobody' }) }), /refuses the password/],
    ['an unknown database', s => ({ connectionString: s.url({ database: 'none' }) }), /no database of that name/],
    [
      'a port where nothing listens',
      () => ({ connectionString: 'postgres://a:b@127.0.0.1:1/x' }),
      /nothing listens there/,
    ],
    ['an unknown host', () => ({ connectionString: 'postgres://a:b@nowhere.invalid/x' }), /host name|name service/],
    [
      'a server that says it is read-only',
      () => ({ options: '-c default_transaction_read_only=on' }),
      /read-only: a replica, or default_transaction_read_only/,
    ],
    [
      'an isolation under which endUser would not be exact',
      () => ({ options: '-c default_transaction_isolation=serializable' }),
      /isolation than READ COMMITTED.*ALTER ROLE/,
    ],
    ['TLS that the server does not speak', () => ({ ssl: true }), /does not speak TLS/],
  ]
  for (const [what, options, says] of refused) {
    test(`${what} is named, with the fix, and no password`, async () => {
      const store = postgresStore(server.pool(options(server)))
      const failures = await Promise.allSettled([
        store.ping(),
        store.create(sampleRecord(), { now }),
        store.endUser('alice', sampleMark()),
      ])
      for (const failure of failures) {
        assert.equal(failure.status, 'rejected')
        assert.match(failure.reason.message, says)
        assert.doesNotMatch(`${failure.reason.stack} ${failure.reason.cause?.message}`, /a password of tests|:b@/)
      }
      await store.close()
    })
  }

  /** A store that found everything in order, and whose pool then connects to another server, or the same in another way. */
  async function storeThatMoves(to: pg.Pool): Promise<SharedStore> {
    let pool = server.pool()
    const store = postgresStore({
      connect: () => pool.connect(),
      on: (event, listener) => pool.on(event, listener),
      query: statement => pool.query(statement),
    })
    await store.ping()
    pool = to
    return store
  }

  test('another isolation is noticed although it came later', async () => {
    const store = await storeThatMoves(server.pool({ options: '-c default_transaction_isolation=repeatable\\ read' }))
    for (const work of [
      () => store.create(sampleRecord(), { now }),
      () => store.endUser('alice', sampleMark()),
      () => store.endEverybody(sampleMark()),
    ]) {
      await assert.rejects(work(), /isolation than READ COMMITTED/)
    }
    await store.close()
  })

  test('an application tells of it and answers with 503', async () => {
    const events: SessionEvent[] = []
    const wrong = server.pool({ connectionString: server.url({ password: 'wrong' }) })
    const sessions = createSessions<Data>({
      secrets: [newSecretText()],
      store: postgresStore(wrong),
      environment: 'development',
      csrf: { token: false },
      sweepEvery: false,
      onEvent: event => events.push(event),
    })
    const reply = await new Browser({ sessions }).put({ n: 1 })
    assert.equal(reply.status, 503)
    assert.equal(reply.setCookie, null)
    assert.ok(events.some(({ type }) => type === 'store.failed'))
    await sessions.close()
  })

  test('at the connection limit it says so, and works again when there is room', async () => {
    await server.sql(`CREATE ROLE plain LOGIN PASSWORD 'plain'`)
    for (const table of ['schema', 'records', 'generations', 'followers']) {
      await server.sql(`GRANT ALL ON latchkey_${table} TO plain`)
    }
    // What earlier tests left idle would make room at some moment.
    await server.sql(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`,
    )
    const connectionString = server.url({ user: 'plain', password: 'plain' })
    const hogs: pg.Client[] = []
    for (let isFull = false; !isFull; ) {
      const client = new pg.Client({ connectionString })
      isFull = await client.connect().then(
        () => false,
        () => true,
      )
      if (!isFull) hogs.push(client)
    }
    const store = postgresStore(server.pool({ connectionString }))
    await assert
      .rejects(store.ping(), /no connection left.*max_connections/)
      .finally(() => Promise.all(hogs.map(hog => hog.end())))
    // A connection that was ended may take the server a moment to forget.
    for (let i = 0; i < 100; i += 1) {
      const works = await store.ping().then(
        () => true,
        () => false,
      )
      if (works) break
      await pause(20)
    }
    await store.ping()
    await store.close()
  })

  test('a pool that is used up says so', async () => {
    const pool = server.pool({ max: 1, connectionTimeoutMillis: 100 })
    const store = postgresStore(pool)
    const taken = await pool.connect()
    await assert.rejects(async () => store.read('x'), /no connection left, or does not answer/)
    taken.release()
    assert.equal(await store.read('x'), null)
    await store.close()
  })

  test('a lock that somebody keeps is named, nothing is written, and nothing stays behind on the server', async () => {
    const store = postgresStore(server.pool())
    const record = sampleRecord()
    await store.create(record, { now })
    const client = await server.pool().connect()
    await client.query(`BEGIN; SELECT FROM latchkey_records WHERE sid = '${record.sid}' FOR UPDATE`)
    await assert.rejects(store.end(record.sid, sampleMark()), /kept a lock on latchkey_records.*pg_stat_activity/)
    await client.query('ROLLBACK')
    client.release()
    assert.deepEqual(await store.read(record.sid), record)
    await store.close()
  })

  test('a silent server gives its connections up after queryTimeout', async () => {
    const pool = server.pool({ max: 2 })
    const store = postgresStore(pool, { queryTimeout: '300ms' })
    await store.ping()
    server.freeze()
    try {
      await assert.rejects(async () => store.read('x'), /did not answer in time/)
      assert.equal(pool.totalCount, 0)
    } finally {
      server.thaw()
    }
    assert.equal(await store.read('x'), null)
    await store.close()
  })

  test('a pool that would wait for connections for ever is refused', () => {
    const pool = new pg.Pool({ connectionString: server.url() })
    assert.throws(() => postgresStore(pool), /connectionTimeoutMillis/)
  })

  const tampered: readonly (readonly [what: string, change: string])[] = [
    ['the mark of its end is no JSON', `ended = 'yesterday'`],
    ['the mark of its end is another object', `ended = '{"reason":1}'`],
    ['its user has an escape that is none', `user_id = 'a\\x'`],
    ['its body was cut inside an escape', `body = '\\u00'`],
    ['a number is too large', `version = 9223372036854775807`],
  ]
  for (const [what, change] of tampered) {
    test(`a row where ${what} is refused as damaged, others in the same statement are not`, async () => {
      const store = postgresStore(server.pool())
      const [record, other]: [StoredRecord, StoredRecord] = [sampleRecord(), sampleRecord({ userId: 'bob' })]
      for (const one of [record, other]) await store.create(one, { now })
      await server.sql(`UPDATE latchkey_records SET ${change} WHERE sid = '${record.sid}'`)
      const [damaged, intact] = await Promise.allSettled([store.read(record.sid), store.read(other.sid)])
      assert.equal(damaged.status === 'rejected' && damaged.reason.code, 'corrupt-record')
      assert.deepEqual(intact.status === 'fulfilled' && intact.value, other)
      await store.close()
    })
  }

  test('a session whose row was edited is refused with an event, and nobody else is', async () => {
    const app = startServer({ store: postgresStore(server.pool()) })
    const [one, other] = await signedIn(app, 2)
    await server.sql(`UPDATE latchkey_records SET body = left(body, 40) WHERE user_id = 'user 0'`)
    assert.equal((await one?.see())?.body?.userId, null)
    assert.equal((await other?.see())?.body?.userId, 'user 1')
    assert.ok(app.events.some(({ type }) => type === 'record.corrupt'))
    await app.sessions.close()
  })

  test('a replica is refused, also for reading; promoted, it knows of every end that it was waited for', async () => {
    const replica = await server.replica()
    const primary = server.pool({ options: '-c synchronous_commit=remote_apply' })
    await server.sql(`ALTER SYSTEM SET synchronous_standby_names = '*'`)
    await server.sql('SELECT pg_reload_conf()')
    const store = postgresStore(primary)
    const standby = postgresStore(replica.pool())
    const records = Array.from({ length: 20 }, () => sampleRecord())
    await Promise.all(records.map(record => store.create(record, { now })))
    for (const work of [
      () => standby.ping(),
      () => standby.read(records[0]?.sid ?? ''),
      () => standby.list('alice'),
      () => standby.generation('alice'),
      () => standby.end(records[0]?.sid ?? '', sampleMark()),
    ]) {
      await assert.rejects(async () => work(), /read-only: a replica/)
    }
    const moved = await storeThatMoves(replica.pool())
    for (const work of [() => moved.read('x'), () => moved.list('alice'), () => moved.generation('alice')]) {
      await assert.rejects(async () => work(), /read-only: a replica/)
    }
    await moved.close()
    const ended = records.slice(0, 10)
    await Promise.all(ended.map(({ sid }) => store.end(sid, sampleMark())))
    await server.kill()
    await replica.sql('SELECT pg_promote()')
    for (const record of records) {
      const { ended: mark } = (await standby.read(record.sid)) ?? sampleRecord()
      assert.equal(mark !== null, ended.includes(record))
    }
    await Promise.all([store.close(), standby.close()])
    await server.start()
    await server.sql('ALTER SYSTEM RESET synchronous_standby_names')
    await server.sql('SELECT pg_reload_conf()')
  })

  test('synchronous_commit: off is raised for what must last, other settings are kept', async () => {
    const record = sampleRecord()
    const client = await server.pool({ max: 1 }).connect()
    const commitAfter = async (setting: string, call: string): Promise<unknown> => {
      await client.query(`BEGIN; SET LOCAL synchronous_commit = ${setting}`)
      await client.query(`SELECT ${call}`)
      const { rows } = await client.query('SHOW synchronous_commit')
      await client.query('ROLLBACK')
      return rows[0].synchronous_commit
    }
    const store = postgresStore(server.pool())
    await store.create(record, { now })
    const save = (commit: string) => `latchkey_save('{${record.sid}}', '{2}', '{1}', '{1}', '{1}', '{x}', '${commit}')`
    const cases = [
      ['off', `latchkey_end('${record.sid}', '{}', 1)`, 'on'],
      ['off', `latchkey_end_user('alice', '{}', 1, NULL)`, 'on'],
      ['off', `latchkey_end_everybody('{}', 1)`, 'on'],
      ['remote_apply', `latchkey_end('${record.sid}', '{}', 1)`, 'remote_apply'],
      ['local', `latchkey_end('${record.sid}', '{}', 1)`, 'local'],
      ['off', save('durably'), 'on'],
      ['off', save('as set'), 'off'],
      ['on', save('as set'), 'on'],
      ['on', save('later'), 'off'],
      ['on', `latchkey_touch('{${record.sid}}', '{9}', '{9}')`, 'off'],
    ] as const
    for (const [setting, call, expected] of cases) assert.equal(await commitAfter(setting, call), expected, call)
    client.release()
    await store.close()
  })
})

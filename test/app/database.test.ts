import assert from 'node:assert/strict'
import { it } from 'node:test'
import { type Database, DatabaseFailure } from '../../app/database.ts'
import { openPostgres } from '../../app/postgres-database.ts'
import { tables } from '../../app/tables.ts'
import { describeWithPostgres } from '../servers/postgres.ts'
import { describeOnEveryDatabase } from './every-database.ts'

const insert = 'INSERT INTO campus_familiar_places (account, place, signed_in_at) VALUES ($1, $2, $3)'
const placesOf = async ({ query }: Database, account: string) =>
  (await query<{ place: string }>('SELECT place FROM campus_familiar_places WHERE account = $1', account)).map(
    ({ place }) => place,
  )

describeOnEveryDatabase('The database of Campus', newPlace => {
  it('has every table from the first start on, and keeps what is in them at the next', async () => {
    const place = await newPlace()
    const first = await place.open()
    for (const table of Object.keys(tables)) assert.deepEqual(await first.query(`SELECT * FROM ${table}`), [])
    await first.query(insert, 'ann', 'here', 1)
    assert.deepEqual(await placesOf(await place.open(), 'ann'), ['here'])
  })

  it('can be opened by several instances at once', async () => {
    const place = await newPlace()
    const opened = await Promise.all(Array.from({ length: 5 }, () => place.open()))
    await opened[0]?.query(insert, 'ann', 'here', 1)
    for (const database of opened) assert.deepEqual(await placesOf(database, 'ann'), ['here'])
  })

  it('gives back numbers as numbers and text as it was, and never takes a value for SQL', async () => {
    const database = await (await newPlace()).open()
    const at = Number.MAX_SAFE_INTEGER
    const account = `'; DROP TABLE campus_users; -- $1 \\ é 😀\n`
    await database.query(insert, account, '', at)
    assert.deepEqual(
      (await database.query('SELECT account, place, signed_in_at FROM campus_familiar_places')).map(row => ({
        ...(row as object),
      })),
      [{ account, place: '', signed_in_at: at }],
    )
  })

  it('carries out all of a transaction or nothing', async () => {
    const database = await (await newPlace()).open()
    await assert.rejects(
      database.transaction(async query => {
        await query(insert, 'ann', 'here', 1)
        throw new Error('changed my mind')
      }),
      /changed my mind/,
    )
    await assert.rejects(
      database.transaction(async query => {
        await query(insert, 'ann', 'there', 1)
        await query(insert, 'ann', 'there', 2)
      }),
      DatabaseFailure,
    )
    assert.deepEqual(await placesOf(database, 'ann'), [])
    assert.equal(
      await database.transaction(async query => {
        await query(insert, 'ann', 'here', 1)
        return 'done'
      }),
      'done',
    )
    assert.deepEqual(await placesOf(database, 'ann'), ['here'])
  })

  it('keeps the statement of somebody else out of a transaction under way', async () => {
    const database = await (await newPlace()).open()
    let other = Promise.resolve<unknown>(null)
    const failed = database.transaction(async query => {
      await query(insert, 'ann', 'inside', 1)
      other = database.query(insert, 'bob', 'outside', 1)
      await new Promise(setImmediate)
      throw new Error('undo')
    })
    await assert.rejects(failed, /undo/)
    await other
    assert.deepEqual(await placesOf(database, 'ann'), [])
    assert.deepEqual(await placesOf(database, 'bob'), ['outside'])
  })

  it('tells of a failure only that there was one, and keeps the words of the database for the log', async () => {
    const database = await (await newPlace()).open()
    await assert.rejects(database.query('SELECT * FROM no_such_table'), (error: Error) => {
      assert.ok(error instanceof DatabaseFailure)
      assert.doesNotMatch(error.message, /no_such_table/)
      assert.match(String(error.cause), /no_such_table/)
      return true
    })
    assert.deepEqual(await placesOf(database, 'ann'), [])
  })
})

describeWithPostgres('The database of Campus, in PostgreSQL,', server => {
  const open = async (name: string) => {
    await server.sql(`CREATE DATABASE ${name}`)
    const database = await openPostgres(server.url({ database: name }))
    return { database, [Symbol.asyncDispose]: () => database.close() }
  }

  it('runs a transaction again that was ended to break up a deadlock', async () => {
    await using opened = await open('deadlock')
    const { database } = opened
    for (const account of ['ann', 'bob']) await database.query(insert, account, 'here', 0)
    const add = 'UPDATE campus_familiar_places SET signed_in_at = signed_in_at + 1 WHERE account = $1'
    const bothHaveOne = Promise.withResolvers<void>()
    let holders = 0
    const inOrder = (accounts: string[]) =>
      database.transaction(async query => {
        for (const account of accounts) {
          await query(add, account)
          holders += 1
          if (holders === 2) bothHaveOne.resolve()
          await bothHaveOne.promise
        }
      })
    await Promise.all([inOrder(['ann', 'bob']), inOrder(['bob', 'ann'])])
    const rows = await database.query<{ n: number }>('SELECT signed_in_at AS n FROM campus_familiar_places')
    assert.deepEqual(
      rows.map(({ n }) => n),
      [2, 2],
    )
  })

  it('outlives that its connections are cut, also between the statements of a transaction', async () => {
    await using opened = await open('cut')
    const { database } = opened
    const cut = database.transaction(async query => {
      await query(insert, 'ann', 'here', 1)
      await server.sql(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'cut' AND application_name = ''`,
      )
      await query(insert, 'ann', 'there', 1)
    })
    await assert.rejects(cut, DatabaseFailure)
    assert.deepEqual(await placesOf(database, 'ann'), [])
  })

  it('does not wait for a server that does not answer, and goes on when it does', async () => {
    await using opened = await open('frozen')
    const { database } = opened
    await database.query(insert, 'ann', 'here', 1)
    server.freeze()
    try {
      await assert.rejects(database.query('SELECT 1'), DatabaseFailure)
      await assert.rejects(
        database.transaction(query => query('SELECT 1')),
        DatabaseFailure,
      )
    } finally {
      server.thaw()
    }
    assert.deepEqual(await placesOf(database, 'ann'), ['here'])
  })

  it('lets go of what a process holds that went silent in the middle of a transaction', async () => {
    await using opened = await open('silent')
    const { database } = opened
    await database.query(insert, 'ann', 'here', 1)
    const change = 'UPDATE campus_familiar_places SET signed_in_at = $1'
    const over = Promise.withResolvers<void>()
    const silent = database.transaction(async query => {
      await query(change, 2)
      await over.promise
      await query(change, 3)
    })
    silent.catch(() => {})
    let changed = false
    // Each attempt waits for the lock as long as any statement may take.
    for (let attempts = 1; attempts <= 5 && !changed; attempts += 1) {
      changed = await database.query(change, 4).then(
        () => true,
        () => false,
      )
    }
    over.resolve()
    assert.ok(changed)
    await assert.rejects(silent, DatabaseFailure)
    const rows = await database.query<{ at: number }>('SELECT signed_in_at AS at FROM campus_familiar_places')
    assert.equal(rows[0]?.at, 4)
  })
})

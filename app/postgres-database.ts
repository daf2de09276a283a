import pg from 'pg'
import { type Database, DatabaseFailure, type Query } from './database.ts'
import { tables } from './tables.ts'

/** No answer takes longer than that: then it is 503, and whoever waits for our locks goes on. */
const patienceMs = 2_000

/**
 * A transaction of a process that froze must not keep its locks. Said in each transaction and not when connecting, which
 * connection poolers do not allow.
 */
const begin = `BEGIN ISOLATION LEVEL READ COMMITTED;
  SET LOCAL statement_timeout = ${patienceMs};
  SET LOCAL idle_in_transaction_session_timeout = ${patienceMs}`

/** Opens Campus's database in a PostgreSQL, which any number of instances may share. */
export async function openPostgres(url: string): Promise<Database> {
  // A pool of its own, so that sign-ins that wait for each other never keep sessions waiting.
  const pool = new pg.Pool({
    connectionString: url,
    max: 5,
    connectionTimeoutMillis: patienceMs,
    query_timeout: patienceMs,
  })
  // Connections break now and then: the statement under way fails, the next one gets a new connection.
  pool.on('error', () => {})
  pool.on('connect', client => client.on('error', () => {}))
  const database: Database = {
    query: queryOn(pool),
    async transaction(work) {
      for (let attempts = 1; ; attempts += 1) {
        try {
          return await transactionOn(pool, work)
        } catch (error) {
          if (attempts === 3 || !isDeadlock(error)) throw error
        }
      }
    },
    close: () => pool.end(),
  }
  try {
    await database.transaction(makeTables)
    return database
  } catch (error) {
    await pool.end()
    throw error
  }
}

/** CREATE TABLE IF NOT EXISTS fails when two do it at once, and instances like to start together: so one by one. */
async function makeTables(query: Query): Promise<void> {
  await query(`SELECT pg_advisory_xact_lock(hashtext('campus_tables'))`)
  for (const [name, columns] of Object.entries(tables)) await query(`CREATE TABLE IF NOT EXISTS ${name} (${columns})`)
}

async function transactionOn<T>(pool: pg.Pool, work: (query: Query) => Promise<T>): Promise<T> {
  const client = await pool.connect().catch(error => {
    throw new DatabaseFailure(error)
  })
  const query = queryOn(client)
  try {
    await query(begin)
    const result = await work(query)
    await query('COMMIT')
    client.release()
    return result
  } catch (error) {
    // Not given back for others to use: nobody knows what state it is in. The server rolls back when it is gone.
    client.release(true)
    throw error
  }
}

function queryOn(connection: pg.Pool | pg.PoolClient): Query {
  return async <Row>(text: string, ...values: readonly (string | number | null)[]) => {
    try {
      return (await connection.query({ text, values: [...values], types })).rows as Row[]
    } catch (error) {
      throw new DatabaseFailure(error)
    }
  }
}

/** BIGINT as numbers: nothing that Campus keeps is beyond 2^53. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (type, format) => (type === pg.types.builtins.INT8 ? Number : pg.types.getTypeParser(type, format)),
}

/** Deadlock, or a transaction that could not be put in an order with others: it did nothing and may be tried again. */
function isDeadlock(error: unknown): boolean {
  const cause = error instanceof DatabaseFailure ? error.cause : null
  return cause instanceof pg.DatabaseError && ['40P01', '40001'].includes(cause.code ?? '')
}

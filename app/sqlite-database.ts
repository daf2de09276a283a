import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { type Database, DatabaseFailure, type Query } from './database.ts'
import { tables } from './tables.ts'

/** How long a write waits for another process. The whole process waits with it, so: hardly at all, then 503. */
const lockTimeoutMs = 250

/** Opens Campus's database in a file, or `:memory:`. */
export function openSqlite(file: string): Database {
  const connection = new DatabaseSync(file, { timeout: lockTimeoutMs })
  connection.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;')
  for (const [name, columns] of Object.entries(tables))
    connection.exec(`CREATE TABLE IF NOT EXISTS ${name} (${columns.replaceAll('BIGINT', 'INTEGER')}) STRICT`)

  const prepared = new Map<string, StatementSync>()
  const query: Query = async <Row>(sql: string, ...values: readonly (string | number | null)[]) => {
    try {
      const statement = prepared.get(sql) ?? connection.prepare(sql)
      prepared.set(sql, statement)
      // For SQLite `$1` is a name like any other.
      return statement.all(Object.fromEntries(values.map((value, index) => [`$${index + 1}`, value]))) as Row[]
    } catch (error) {
      throw new DatabaseFailure(error)
    }
  }

  // There is one connection: a statement of somebody else must not end up in the middle of a transaction.
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work)
    last = turn.catch(() => undefined)
    return turn
  }

  return {
    query: (sql, ...values) => inTurn(() => query(sql, ...values)),
    transaction: work =>
      inTurn(async () => {
        await query('BEGIN IMMEDIATE')
        try {
          const result = await work(query)
          await query('COMMIT')
          return result
        } catch (error) {
          if (connection.isTransaction) await query('ROLLBACK')
          throw error
        }
      }),
    close: () => inTurn(async () => connection.close()),
  }
}

import { parseArgs } from 'node:util'
import { migratePostgres, postgresSchema } from '../stores/postgres.ts'
import { migrateWatch, watchSchema } from '../watch/stores/postgres.ts'
import { isPostgresUrl, loadPostgresDriver } from './postgres-driver.ts'
import type { Terminal } from './terminal.ts'
import { tableOptions, tablesOf } from './watch-place.ts'

const usage =
  'Use it as: latchkey migrate postgres://user@host/database [--table-prefix NAME] [--schema NAME] [--watch] [--print]'

/** Creates or updates the tables of the PostgreSQL stores, or prints the SQL that does. Exit code: 0 done, 1 failed, 2 misuse. */
export async function migrate(args: string[], terminal: Terminal): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        ...tableOptions,
        watch: { type: 'boolean', default: false },
        print: { type: 'boolean', default: false },
      },
    })
    const place = tablesOf(values)
    const [url, ...more] = positionals
    if (more.length > 0) return misuse(terminal, usage)
    if (values.print) {
      terminal.out(postgresSchema(place))
      if (values.watch) terminal.out(watchSchema(place))
      return 0
    }
    // It may hold a password: it is not shown.
    if (url === undefined || !isPostgresUrl(url)) return misuse(terminal, usage)
    return await migrateAt(url, place, values.watch, terminal)
  } catch (error) {
    return misuse(terminal, error instanceof Error ? error.message : String(error))
  }
}

function misuse(terminal: Terminal, message: string): number {
  terminal.error(`latchkey migrate: ${message}`)
  return 2
}

async function migrateAt(
  url: string,
  place: { readonly prefix?: string; readonly schema?: string },
  withWatch: boolean,
  terminal: Terminal,
): Promise<number> {
  const driver = await loadPostgresDriver()
  if (!driver) {
    terminal.error('latchkey migrate: the package pg is missing. Install it: npm install pg')
    return 1
  }
  const pool = new driver.Pool({ connectionString: url, max: 1, connectionTimeoutMillis: 10_000 })
  try {
    const { from, to } = await migratePostgres(pool, place)
    terminal.out(
      from === to ? `Nothing to do: the tables are at version ${to}.` : `The tables are at version ${to} now.`,
    )
    if (withWatch) {
      await migrateWatch(pool, place)
      terminal.out("The watch's tables are there.")
    }
    return 0
  } catch (error) {
    const said = error instanceof Error && error.cause instanceof Error ? `\nPostgreSQL: ${error.cause.message}` : ''
    terminal.error(`latchkey migrate: ${error instanceof Error ? error.message : error}${said}`)
    return 1
  } finally {
    await pool.end().catch(() => {})
  }
}

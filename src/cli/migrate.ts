import { parseArgs } from 'node:util'
import { migratePostgres, type PostgresPool, postgresSchema } from '../stores/postgres.ts'
import type { Terminal } from './terminal.ts'

const usage =
  'Use it as: latchkey migrate postgres://user@host/database [--table-prefix NAME] [--schema NAME] [--print]'

/** Creates or updates the tables of the PostgreSQL store, or prints the SQL that does. Exit code: 0 done, 1 failed, 2 misuse. */
export async function migrate(args: string[], terminal: Terminal): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        'table-prefix': { type: 'string' },
        schema: { type: 'string' },
        print: { type: 'boolean', default: false },
      },
    })
    const place = {
      ...(values['table-prefix'] === undefined ? {} : { prefix: values['table-prefix'] }),
      ...(values.schema === undefined ? {} : { schema: values.schema }),
    }
    const [url, ...more] = positionals
    if (more.length > 0) return misuse(terminal, usage)
    if (values.print) {
      terminal.out(postgresSchema(place))
      return 0
    }
    // It may hold a password: it is not shown.
    if (url === undefined || !/^postgres(ql)?:\/\//.test(url)) return misuse(terminal, usage)
    return await migrateAt(url, place, terminal)
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
  terminal: Terminal,
): Promise<number> {
  const driver = await loadDriver()
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
    return 0
  } catch (error) {
    const said = error instanceof Error && error.cause instanceof Error ? `\nPostgreSQL: ${error.cause.message}` : ''
    terminal.error(`latchkey migrate: ${error instanceof Error ? error.message : error}${said}`)
    return 1
  } finally {
    await pool.end().catch(() => {})
  }
}

/** What the command needs of `pg`, which is there for those who use PostgreSQL only. */
interface Driver {
  readonly Pool: new (options: {
    connectionString: string
    max: number
    connectionTimeoutMillis: number
  }) => PostgresPool & { end(): Promise<void> }
}

async function loadDriver(): Promise<Driver | null> {
  const name: string = 'pg'
  try {
    const loaded: { readonly default: Driver } = await import(name)
    return loaded.default
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND') return null
    throw error
  }
}

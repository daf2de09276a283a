import { access } from 'node:fs/promises'
import type { WatchStore } from '../watch/index.ts'
import { postgresWatch } from '../watch/stores/postgres.ts'
import { sqliteWatch } from '../watch/stores/sqlite.ts'
import { Misuse } from './exit-code.ts'
import { isPostgresUrl, loadPostgresDriver } from './postgres-driver.ts'

/** The options that say where tables of PostgreSQL are. */
export const tableOptions = { 'table-prefix': { type: 'string' }, schema: { type: 'string' } } as const

/** What was said with {@link tableOptions}. */
export interface TableValues {
  readonly 'table-prefix'?: string | undefined
  readonly schema?: string | undefined
}

/** Where those tables are. */
export function tablesOf({ 'table-prefix': prefix, schema }: TableValues): { prefix?: string; schema?: string } {
  return { ...(prefix === undefined ? {} : { prefix }), ...(schema === undefined ? {} : { schema }) }
}

/** Opens the store of a watch: `sqlite:FILE`, which must be there, or `postgres://…`. Whoever closes it closes all of it. */
export async function openWatchStore(place: string | undefined, tables: TableValues = {}): Promise<WatchStore> {
  if (place?.startsWith('sqlite:')) return openSqlite(place.slice('sqlite:'.length))
  if (place !== undefined && isPostgresUrl(place)) return openPostgres(place, tables)
  // It is not shown: a password may be in it.
  throw new Misuse('Say where the trail is: sqlite:FILE or postgres://user@host/database.')
}

async function openSqlite(file: string): Promise<WatchStore> {
  if (file === '') throw new Misuse('Name the file: sqlite:FILE.')
  // The store would make a new one, and a trail without entries looks like a quiet day.
  await access(file).catch(cause => {
    throw new Error(`${file} is not there, or may not be read.`, { cause })
  })
  return sqliteWatch(file)
}

async function openPostgres(url: string, tables: TableValues): Promise<WatchStore> {
  const driver = await loadPostgresDriver()
  if (!driver) throw new Error('The package pg is missing. Install it: npm install pg')
  const pool = new driver.Pool({ connectionString: url, max: 2, connectionTimeoutMillis: 10_000 })
  const store = postgresWatch(pool, tablesOf(tables))
  const close = store.close.bind(store)
  return Object.assign(store, { close: () => close().finally(() => pool.end()) })
}

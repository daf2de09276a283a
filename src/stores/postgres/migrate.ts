import { Explained } from '../../databases/postgres/failure.ts'
import type { Place } from '../../databases/postgres/names.ts'
import { type Row, statement } from '../../databases/postgres/pool.ts'
import { explained } from './failure.ts'
import { migrations, schemaVersion } from './migrations.ts'
import { type Names, namesFor } from './names.ts'
import type { PostgresClient, PostgresPool } from './pool.ts'

/** What a migration did. */
export interface PostgresMigration {
  /** The version that was found; 0 when there was nothing. */
  readonly from: number
  /** The version that is there now. Nothing was done when it is the same. */
  readonly to: number
}

/** How long a migration waits for another one, or for a lock on a table, in ms. */
const patienceMs = 60_000

/**
 * Creates the tables and functions of the store, or brings older ones up to date: all or nothing, and one after the other
 * when several processes do it at once. Needs the right to create in the schema; the store itself does not.
 *
 * Rejects with an `Error` that names the fix when a table of another program is in the way, or one of a newer Latchkey
 * (nothing is changed), when PostgreSQL cannot be reached or refuses. Throws a `UsageError` for unusable names.
 */
export async function migratePostgres(pool: PostgresPool, place: Place = {}): Promise<PostgresMigration> {
  const names = namesFor(place)
  let client: PostgresClient | null = null
  try {
    client = await pool.connect()
    client.on('error', () => {}) // the statement that is under way is rejected, too
    return await migrateOn(client, names)
  } catch (error) {
    throw explained(error, names)
  } finally {
    // Not given back for others to use: after a failure it may be inside a transaction.
    client?.release(true)
  }
}

/**
 * The SQL that creates the tables and functions of the store in an empty place, for people who run their own: one
 * transaction, which fails and changes nothing where they are already.
 */
export function postgresSchema(place: Place = {}): string {
  const title = `-- Latchkey for PostgreSQL 13 or later: tables and functions, version ${schemaVersion}.`
  return [title, 'BEGIN;', ...migrations(namesFor(place)), 'COMMIT;', ''].join('\n\n')
}

async function migrateOn(client: PostgresClient, names: Names): Promise<PostgresMigration> {
  const run = async (text: string, values: unknown[] = []) =>
    (await client.query(statement(text, values, patienceMs))).rows as Row[]
  await run('BEGIN')
  await run(`SELECT pg_advisory_xact_lock('${names.lock}')`)
  const [[encoding] = []] = await run('SHOW server_encoding')
  if (encoding !== 'UTF8') {
    const fix = `Create one with: createdb --encoding=UTF8 --template=template0 NAME`
    throw new Explained(`The database holds ${encoding}, and user ids may be of any language. ${fix}`)
  }
  const from = await versionFound(run, names)
  for (const migration of migrations(names).slice(from)) await run(migration)
  await run('COMMIT')
  return { from, to: schemaVersion }
}

type Run = (text: string, values?: unknown[]) => Promise<Row[]>

async function versionFound(run: Run, names: Names): Promise<number> {
  const tables = [names.schema, names.records, names.generations, names.followers]
  const found = await run('SELECT name FROM unnest($1::text[]) AS name WHERE to_regclass(name) IS NOT NULL', [tables])
  if (found.length === 0) return 0
  const columns = await run(
    `SELECT attname::text FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY 1`,
    [names.schema],
  )
  const isOurs = columns.length === 2 && columns[0]?.[0] === 'application' && columns[1]?.[0] === 'version'
  const rows = isOurs ? await run(`SELECT application, version FROM ${names.schema}`) : []
  return versionIn(rows, names)
}

/** The version in the rows of the schema table; throws when they are of another program or of a newer Latchkey. */
export function versionIn(rows: readonly Row[], { shown }: Names): number {
  const [application, version] = rows[0] ?? []
  const number = Number(version)
  if (rows.length !== 1 || application !== 'latchkey' || !Number.isSafeInteger(number) || number < 0) {
    const fix = 'Choose another prefix (--table-prefix NAME on the command line)'
    throw new Explained(`The tables ${shown}* are of another program. ${fix}; nothing was changed.`)
  }
  if (number > schemaVersion) {
    const versions = `version ${number}, this one knows ${schemaVersion}`
    throw new Explained(`The tables ${shown}* are of a newer Latchkey (${versions}). Update latchkey.`)
  }
  return number
}

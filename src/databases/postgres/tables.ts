import { Explained } from './failure.ts'
import type { Naming } from './names.ts'
import { type Pool, type Row, statement } from './pool.ts'

/** Tables that are made where they are missing, and that say in one of their own whose they are. */
export interface Tables<Names extends TableNames> {
  /** Whose they are. */
  readonly application: string
  /** The version that this Latchkey works with. */
  readonly version: number
  /** What the names of all of them begin with behind the prefix, for messages. */
  readonly begin: string
  /** The SQL that makes them where they are missing. */
  readonly sql: (names: Names) => string
  /** The error with what to do about it. */
  readonly explained: (error: unknown, names: Names) => Error
}

/** What has to be known of their names. */
export interface TableNames extends Pick<Naming, 'shown' | 'lock'> {
  /** The table that says whose they are. */
  readonly schema: string
}

/** How long making the tables may take: another process may be at it. */
const patienceMs = 60_000

/** Makes the tables where they are missing: all or nothing. Rejects with an `Error` that names the fix. */
export async function makeTables<Names extends TableNames>(
  pool: Pool,
  names: Names,
  tables: Tables<Names>,
): Promise<void> {
  try {
    // Statements that are sent together are one transaction: there is all of it or nothing.
    await pool.query(statement(tablesSql(names, tables), null, patienceMs))
    await assertTables(pool, names, tables, patienceMs)
  } catch (error) {
    throw tables.explained(error, names)
  }
}

/** All the SQL that it takes. Its first statement keeps processes that start together from getting in each other's way. */
export function tablesSql<Names extends TableNames>(
  names: Names,
  { application, version, sql }: Tables<Names>,
): string {
  const { schema, lock } = names
  return `\
SELECT pg_advisory_xact_lock('${lock}');
CREATE TABLE IF NOT EXISTS ${schema} (application text NOT NULL, version integer NOT NULL);
INSERT INTO ${schema} (application, version) SELECT '${application}', ${version} WHERE NOT EXISTS (SELECT FROM ${schema});

${sql(names)}`
}

/** Rejects when the tables are another program's or of another version, or cannot be looked at. */
export async function assertTables<Names extends TableNames>(
  pool: Pool,
  { schema, shown }: Names,
  { application: ours, version: known, begin }: Tables<Names>,
  timeoutMs: number,
): Promise<void> {
  const answer = await pool.query(statement(`SELECT application, version FROM ${schema}`, [], timeoutMs))
  const rows = answer.rows as Row[]
  const [application, version] = rows[0] ?? []
  if (rows.length === 1 && application === ours && Number(version) === known) return
  const isNewer = application === ours && Number(version) > known
  const fix = isNewer ? 'are of a newer Latchkey: update it' : 'are of another program: choose another prefix'
  throw new Explained(`The tables ${shown}${begin}* ${fix}. Nothing was changed.`)
}

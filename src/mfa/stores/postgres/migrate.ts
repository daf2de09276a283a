import { explained } from './failure.ts'
import { type FactorNames, type FactorPlace, namesFor } from './names.ts'
import { type FactorPool, statement, type TextRow } from './pool.ts'

/** The version that this store works with. */
export const schemaVersion = 1

/** How long making the tables may take: another process may be at it. */
const patienceMs = 60_000

/**
 * Creates the tables of {@link postgresFactors} where they are missing; run it before the first start and after each update.
 * Several processes may do so at once. Needs the right to create tables. Rejects with an `Error` that names the fix, and
 * then has changed nothing.
 */
export async function migrateFactors(pool: FactorPool, place: FactorPlace = {}): Promise<void> {
  const names = namesFor(place)
  try {
    // Statements that are sent together are one transaction: there is all of it or nothing.
    await pool.query(statement(version1(names), null, patienceMs))
    const { rows } = await pool.query(statement(`SELECT application, version FROM ${names.schema}`, [], patienceMs))
    assertVersion(rows as TextRow[], names)
  } catch (error) {
    throw explained(error, names)
  }
}

/** Throws when the tables are another program's or of another version. */
export function assertVersion(rows: readonly TextRow[], { shown }: FactorNames): void {
  const [application, version] = rows[0] ?? []
  if (rows.length === 1 && application === 'latchkey factors' && Number(version) === schemaVersion) return
  const isNewer = application === 'latchkey factors' && Number(version) > schemaVersion
  const fix = isNewer ? 'are of a newer Latchkey: update it' : 'are of another program: choose another prefix'
  throw Object.assign(new Error(`The tables ${shown}factor* ${fix}. Nothing was changed.`), { explained: true })
}

/*
 * id, user_id and key are compared byte by byte: other collations find some texts equal that are not. The first statement
 * keeps processes that start together from getting in each other's way.
 */
function version1({ factors, failures, schema, index, lock }: FactorNames): string {
  return `\
SELECT pg_advisory_xact_lock('${lock}');
CREATE TABLE IF NOT EXISTS ${schema} (application text NOT NULL, version integer NOT NULL);
INSERT INTO ${schema} (application, version) SELECT 'latchkey factors', 1 WHERE NOT EXISTS (SELECT FROM ${schema});
CREATE TABLE IF NOT EXISTS ${factors} (
  id text COLLATE "C" NOT NULL PRIMARY KEY,
  user_id text COLLATE "C" NOT NULL,
  kind text NOT NULL,
  version bigint NOT NULL,
  label text NOT NULL,
  created_at bigint NOT NULL,
  last_used_at bigint,
  body text NOT NULL
);
CREATE INDEX IF NOT EXISTS ${index('factors_of_user')} ON ${factors} (user_id);
CREATE TABLE IF NOT EXISTS ${failures} (
  key text COLLATE "C" NOT NULL PRIMARY KEY,
  version bigint NOT NULL,
  failures integer NOT NULL,
  failed_at bigint NOT NULL
);
CREATE INDEX IF NOT EXISTS ${index('factor_failures_by_time')} ON ${failures} (failed_at);
`
}

import type { Place } from '../../../databases/postgres/names.ts'
import type { Pool } from '../../../databases/postgres/pool.ts'
import { makeTables, type Tables } from '../../../databases/postgres/tables.ts'
import { explained } from './failure.ts'
import { application, type FactorNames, namesFor } from './names.ts'

/** The tables of factors, as this store works with them. */
export const factorTables: Tables<FactorNames> = { application, version: 1, begin: 'factor', sql: version1, explained }

/**
 * Creates the tables of {@link postgresFactors} where they are missing; run it before the first start and after each update.
 * Several processes may do so at once. Needs the right to create tables. Rejects with an `Error` that names the fix, and
 * then has changed nothing.
 */
export async function migrateFactors(pool: Pool, place: Place = {}): Promise<void> {
  await makeTables(pool, namesFor(place), factorTables)
}

/* id, user_id and key are compared byte by byte: other collations find some texts equal that are not. */
function version1({ factors, failures, index }: FactorNames): string {
  return `\
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

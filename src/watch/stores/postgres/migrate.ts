import type { Place } from '../../../databases/postgres/names.ts'
import type { Pool } from '../../../databases/postgres/pool.ts'
import { makeTables, type Tables, tablesSql } from '../../../databases/postgres/tables.ts'
import { explained } from './failure.ts'
import { functions } from './functions.ts'
import { application, namesFor, type WatchNames } from './names.ts'

/** The tables of the watch, as this store works with them. */
export const watchTables: Tables<WatchNames> = { application, version: 1, begin: 'watch_', sql: version1, explained }

/**
 * Creates tables and functions of {@link postgresWatch} where they are missing; run it before the first start and after each
 * update. Several processes may do so at once. Needs the right to create tables. Rejects with an `Error` that names the fix,
 * and then has changed nothing.
 */
export async function migrateWatch(pool: Pool, place: Place = {}): Promise<void> {
  await makeTables(pool, namesFor(place), watchTables)
}

/**
 * The SQL that creates tables and functions of {@link postgresWatch} where they are missing, for people who run their own: one
 * transaction.
 */
export function watchSchema(place: Place = {}): string {
  const title = `-- Latchkey's watch for PostgreSQL 13 or later: tables and functions, version ${watchTables.version}.`
  return [title, 'BEGIN;', tablesSql(namesFor(place), watchTables), 'COMMIT;', ''].join('\n\n')
}

/*
 * Texts are compared byte by byte: other collations find some equal that are not, and have another order. Rows of windows and
 * counters change all the time: there is room for that in each page.
 */
function version1(names: WatchNames): string {
  const { entries, alerts, windows, counters, points, index } = names
  const sought = (column: string, name: string) =>
    `CREATE INDEX IF NOT EXISTS ${index(`entries_by_${name}`)} ON ${entries} (${column}, at, chain, seq)`
  return `\
CREATE TABLE IF NOT EXISTS ${entries} (
  chain text COLLATE "C" NOT NULL,
  seq bigint NOT NULL CHECK (seq > 0),
  at bigint NOT NULL,
  type text COLLATE "C" NOT NULL,
  severity smallint NOT NULL,
  sid text COLLATE "C",
  user_id text COLLATE "C",
  address text COLLATE "C",
  user_agent text,
  detail text NOT NULL,
  mac text NOT NULL,
  PRIMARY KEY (chain, seq)
);
CREATE INDEX IF NOT EXISTS ${index('entries_by_time')} ON ${entries} (at, chain, seq);
CREATE INDEX IF NOT EXISTS ${index('entries_by_urgency')} ON ${entries} (at, chain, seq) WHERE severity >= 1;
${sought('type', 'type')};
${sought('sid', 'sid')} WHERE sid IS NOT NULL;
${sought('user_id', 'user')} WHERE user_id IS NOT NULL;
${sought('address', 'address')} WHERE address IS NOT NULL;

CREATE TABLE IF NOT EXISTS ${alerts} (
  id text COLLATE "C" NOT NULL PRIMARY KEY,
  detector text NOT NULL,
  fingerprint text COLLATE "C" NOT NULL,
  severity smallint NOT NULL,
  sid text COLLATE "C",
  user_id text COLLATE "C",
  address text,
  evidence text NOT NULL,
  state text NOT NULL,
  count bigint NOT NULL,
  first_at bigint NOT NULL,
  last_at bigint NOT NULL,
  moved_by text,
  moved_at bigint
);
CREATE UNIQUE INDEX IF NOT EXISTS ${index('open_alerts')} ON ${alerts} (fingerprint) WHERE state = 'open';
CREATE INDEX IF NOT EXISTS ${index('alerts_by_fingerprint')} ON ${alerts} (fingerprint) WHERE state <> 'closed';
CREATE INDEX IF NOT EXISTS ${index('alerts_by_time')} ON ${alerts} (last_at, id);
CREATE INDEX IF NOT EXISTS ${index('alerts_by_state')} ON ${alerts} (state, last_at, id);
CREATE INDEX IF NOT EXISTS ${index('alerts_by_sid')} ON ${alerts} (sid) WHERE sid IS NOT NULL;
CREATE INDEX IF NOT EXISTS ${index('alerts_by_user')} ON ${alerts} (user_id) WHERE user_id IS NOT NULL;

CREATE TABLE IF NOT EXISTS ${windows} (
  key text COLLATE "C" NOT NULL PRIMARY KEY,
  members jsonb NOT NULL,
  over_minute bigint NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX IF NOT EXISTS ${index('windows_by_end')} ON ${windows} (over_minute);
CREATE TABLE IF NOT EXISTS ${counters} (
  key text COLLATE "C" NOT NULL PRIMARY KEY,
  before double precision NOT NULL,
  count double precision NOT NULL,
  added_at bigint NOT NULL,
  over_minute bigint NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX IF NOT EXISTS ${index('counters_by_end')} ON ${counters} (over_minute);

CREATE TABLE IF NOT EXISTS ${points} (
  name text COLLATE "C" NOT NULL,
  minute bigint NOT NULL,
  value double precision NOT NULL,
  PRIMARY KEY (name, minute)
);
CREATE INDEX IF NOT EXISTS ${index('points_by_minute')} ON ${points} (minute);

${functions(names)}`
}

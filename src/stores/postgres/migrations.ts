import { functions } from './functions.ts'
import type { Names } from './names.ts'

/** The version that this store works with. */
export const schemaVersion = 2

/** What brings the tables from each version to the next, beginning with nothing. */
export function migrations(names: Names): readonly string[] {
  return [version1(names), version2(names)]
}

/*
 * sid and user_id are compared byte by byte: other collations find some texts equal that are not.
 *
 * records_by_expiry is about minutes, because an update that changes no index column is several times cheaper (it is
 * written into the same page, https://www.postgresql.org/docs/15/storage-hot.html), and every save moves expires_at. The
 * free fifth of a page is for that, too. A body is encrypted, so PostgreSQL need not try to compress it.
 *
 * followers are the connections that listen; it is unlogged because none of them outlives a crash of the server.
 */
function version1(names: Names): string {
  const { records, generations, followers, schema, index } = names
  return `\
CREATE TABLE ${schema} (application text NOT NULL, version integer NOT NULL);
INSERT INTO ${schema} VALUES ('latchkey', 1);

CREATE TABLE ${records} (
  sid text COLLATE "C" NOT NULL PRIMARY KEY,
  version bigint NOT NULL,
  user_id text COLLATE "C",
  created_at bigint NOT NULL,
  last_seen_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  expiry_minute bigint NOT NULL GENERATED ALWAYS AS (expires_at / 60000) STORED,
  ended text,
  body text NOT NULL
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE ${records} ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE INDEX ${index('live_records_of_user')} ON ${records} (user_id) WHERE ended IS NULL AND user_id IS NOT NULL;
CREATE INDEX ${index('records_by_expiry')} ON ${records} (expiry_minute);

CREATE TABLE ${generations} (user_id text COLLATE "C" NOT NULL PRIMARY KEY, generation bigint NOT NULL);
CREATE UNLOGGED TABLE ${followers} (pid integer NOT NULL PRIMARY KEY);

${functions(names)}`
}

/*
 * For the directory, in its order. Nothing in it changes while a session lives, so saves stay as cheap as they were.
 */
function version2({ records, schema, index }: Names): string {
  return `\
CREATE INDEX ${index('live_records')} ON ${records} (created_at, sid) WHERE ended IS NULL;
UPDATE ${schema} SET version = 2;`
}

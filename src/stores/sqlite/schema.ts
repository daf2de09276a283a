import type { SqliteFormat } from '../../databases/sqlite/open.ts'
import { explained } from './failure.ts'

/*
 * `records` is an ordinary table with a row id: WITHOUT ROWID was measured four times slower to read once bodies exceed a
 * kilobyte, because an index page holds only a quarter page of each row. `ended` is the mark as JSON.
 *
 * `generations` counts endUser per user, and endEverybody and pings in rows of their own.
 */
const schema = `
  CREATE TABLE records (
    sid TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    user_id TEXT,
    created_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    ended TEXT,
    body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX live_records_of_user ON records (user_id) WHERE ended IS NULL AND user_id IS NOT NULL;
  CREATE INDEX records_by_expiry ON records (expires_at);
  CREATE TABLE generations (user_id TEXT NOT NULL PRIMARY KEY, generation INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`

/*
 * The row ids of the live records, for the directory. `ended` is NULL in all of them, so an index on it holds them in the order
 * of their row ids (https://sqlite.org/fileformat2.html section 2.3), and a save, which touches neither, costs nothing. Files
 * of before have it not; it needs no new version, because whoever writes to the file keeps every index in it.
 */
const laterIndex = 'CREATE INDEX IF NOT EXISTS live_records ON records (ended) WHERE ended IS NULL'

/** The file of the sessions. */
export const sessionsFile: SqliteFormat = {
  caller: 'sqliteStore',
  applicationId: 0x4c_4b_45_59, // LKEY
  version: 1,
  schema,
  additions: laterIndex,
  // What must survive a power cut is written with FULL: see `WriteQueue`.
  settings: 'PRAGMA synchronous = NORMAL;',
  stranger: 'is a database of another program. Give sessions a file of their own.',
  explained,
}

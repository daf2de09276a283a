import type { SqliteFormat } from '../../../databases/sqlite/open.ts'
import { explained } from './failure.ts'

const schema = `
  CREATE TABLE factors (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    version INTEGER NOT NULL,
    label TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER,
    body TEXT NOT NULL
  ) STRICT;
  CREATE INDEX factors_of_user ON factors (user_id);
  CREATE TABLE failures (
    key TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    failed_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX failures_by_time ON failures (failed_at);
`

/** The file of the factors. Sessions have another mark: they come and go, factors must not. */
export const factorsFile: SqliteFormat = {
  caller: 'sqliteFactors',
  applicationId: 0x4c_4b_46_41, // LKFA
  version: 1,
  schema,
  // What was accepted must not be good again after a power cut.
  settings: 'PRAGMA synchronous = FULL;',
  stranger: 'is a database of something else, perhaps of sessions. Give factors a file of their own.',
  explained,
}

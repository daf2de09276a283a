import type { SqliteFormat } from '../../../databases/sqlite/open.ts'
import { explained } from './failure.ts'

/*
 * The tables and indexes of an empty file.
 *
 * Of many sids, users and addresses each one is somewhere else in an index, and so every entry changed its own page of every
 * index: 80 µs per entry were measured in a trail of a million. Therefore the trail is cut into parts by time, each for some
 * thousand entries, and every index begins with the part: what is written lately is in few pages, and 13 µs were measured.
 * Whoever looks for entries asks one part after the other, from the newest on, which costs some microseconds each.
 *
 * Every text that comes again and again (a chain, a type) is stored once.
 */
const schema = `
  CREATE TABLE chains (id INTEGER PRIMARY KEY, chain TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE kinds (id INTEGER PRIMARY KEY, type TEXT NOT NULL, severity INTEGER NOT NULL, UNIQUE (type, severity)) STRICT;
  CREATE TABLE parts (id INTEGER PRIMARY KEY, begins_at INTEGER NOT NULL UNIQUE, entries INTEGER NOT NULL) STRICT;
  INSERT INTO parts VALUES (1, ${Number.MIN_SAFE_INTEGER}, 0);
  CREATE TABLE entries (
    id INTEGER PRIMARY KEY,
    part INTEGER NOT NULL,
    chain INTEGER NOT NULL,
    seq INTEGER NOT NULL CHECK (seq > 0),
    at INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    sid TEXT,
    user_id TEXT,
    address TEXT,
    user_agent TEXT,
    detail TEXT NOT NULL,
    mac TEXT NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX entries_by_number ON entries (chain, seq);
  CREATE INDEX entries_by_time ON entries (part, at);
  CREATE INDEX entries_by_kind ON entries (part, kind, at);
  CREATE INDEX entries_by_sid ON entries (part, sid, at) WHERE sid IS NOT NULL;
  CREATE INDEX entries_by_user ON entries (part, user_id, at) WHERE user_id IS NOT NULL;
  CREATE INDEX entries_by_address ON entries (part, address, at) WHERE address IS NOT NULL;

  CREATE TABLE alerts (
    id TEXT NOT NULL PRIMARY KEY,
    detector TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    severity INTEGER NOT NULL,
    sid TEXT,
    user_id TEXT,
    address TEXT,
    evidence TEXT NOT NULL,
    state TEXT NOT NULL,
    count INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    moved_by TEXT,
    moved_at INTEGER
  ) STRICT;
  CREATE INDEX alerts_by_time ON alerts (last_at, id);
  CREATE INDEX alerts_by_fingerprint ON alerts (fingerprint) WHERE state <> 'closed';
  CREATE INDEX alerts_by_state ON alerts (state, last_at, id);
  CREATE INDEX alerts_by_sid ON alerts (sid) WHERE sid IS NOT NULL;
  CREATE INDEX alerts_by_user ON alerts (user_id) WHERE user_id IS NOT NULL;

  CREATE TABLE windows (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    members TEXT NOT NULL,
    over_minute INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX windows_by_end ON windows (over_minute);
  CREATE TABLE counters (
    key TEXT NOT NULL PRIMARY KEY,
    count REAL NOT NULL,
    added_at INTEGER NOT NULL,
    over_minute INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX counters_by_end ON counters (over_minute);

  CREATE TABLE points (
    name TEXT NOT NULL,
    minute INTEGER NOT NULL,
    value REAL NOT NULL,
    PRIMARY KEY (name, minute)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX points_by_minute ON points (minute);
`

/** The file of the watch. */
export const watchFile: SqliteFormat = {
  caller: 'sqliteWatch',
  applicationId: 0x4c_4b_57_41, // LKWA
  version: 1,
  schema,
  // synchronous NORMAL: no commit waits for the disk, and a power cut may take the last ones.
  settings: 'PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16000;',
  stranger: 'is a database of something else, perhaps of the sessions. Give the watch a file of its own.',
  explained,
}

/**
 * Campus's tables, made at each start where they are missing. Texts are TEXT; numbers, instants (epoch ms) and truth
 * (0 or 1) are BIGINT: both databases know these two. A new table needs no more than an entry here.
 */
export const tables: Readonly<Record<string, string>> = {
  campus_users: `
    username      TEXT PRIMARY KEY,
    password_hash TEXT NOT NULL,
    role          TEXT NOT NULL CHECK (role IN ('student', 'instructor', 'admin')),
    about_me      TEXT NOT NULL DEFAULT '',
    disabled      BIGINT NOT NULL DEFAULT 0`,

  campus_sign_in_failures: `
    scope     TEXT NOT NULL,
    subject   TEXT NOT NULL,
    failures  BIGINT NOT NULL,
    failed_at BIGINT NOT NULL,
    PRIMARY KEY (scope, subject)`,

  campus_familiar_places: `
    account      TEXT NOT NULL,
    place        TEXT NOT NULL,
    signed_in_at BIGINT NOT NULL,
    PRIMARY KEY (account, place)`,

  campus_emails: `
    username TEXT PRIMARY KEY,
    address  TEXT NOT NULL`,

  campus_messages: `
    username   TEXT NOT NULL,
    id         TEXT NOT NULL,
    topic      TEXT NOT NULL,
    written_at BIGINT NOT NULL,
    subject    TEXT NOT NULL,
    text       TEXT NOT NULL,
    PRIMARY KEY (username, id)`,

  campus_mails: `
    id         TEXT PRIMARY KEY,
    username   TEXT NOT NULL,
    message_id TEXT NOT NULL,
    address    TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'given-up')),
    attempts   BIGINT NOT NULL DEFAULT 0,
    next_at    BIGINT NOT NULL`,

  campus_grade_lists: `
    course       TEXT NOT NULL,
    edition      BIGINT NOT NULL,
    published_at BIGINT NOT NULL,
    published_by TEXT NOT NULL,
    grades       TEXT NOT NULL,
    PRIMARY KEY (course, edition)`,
}

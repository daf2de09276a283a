/**
 * Texts as a database can keep them: PostgreSQL refuses NUL, Node 22 reads a TEXT of SQLite only up to its first one, and
 * UTF-8 has no lone surrogates, so that two user ids could become one, and one user's factor another's. Texts with any of
 * these, and those with a backslash, are stored escaped as in JSON; all others as they are. No two texts are stored alike.
 */
export function toColumn(text: string): string {
  const plain = !text.includes('\0') && !text.includes('\\') && text.isWellFormed()
  return plain ? text : JSON.stringify(text).slice(1, -1)
}

/** The text that `toColumn` was given; throws when it cannot have made this one. */
export function fromColumn(stored: string): string {
  return stored.includes('\\') ? String(JSON.parse(`"${stored}"`)) : stored
}

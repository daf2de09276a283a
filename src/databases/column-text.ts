/**
 * Texts as a database can keep them. PostgreSQL refuses NUL, Node 22 reads a TEXT of SQLite only up to its first one,
 * which would make the user `admin\0x` into `admin`, and UTF-8 has no lone surrogates, so that two user ids could become
 * one: one user's factor another's, and an entry of the trail another than its MAC was made for. Texts with either, and those
 * with a backslash, are stored escaped as in JSON; all others, nearly all there are, as they are. No two texts are stored
 * alike, and no text is stored as a backslash before anything but a JSON escape.
 */
export function toColumn(text: string): string {
  const plain = !text.includes('\0') && !text.includes('\\') && text.isWellFormed()
  return plain ? text : JSON.stringify(text).slice(1, -1)
}

/** The same for a text that may be missing. */
export function toColumnOrNull(text: string | null): string | null {
  return text === null ? null : toColumn(text)
}

/** The text that `toColumn` was given; throws when it cannot have made this one. */
export function fromColumn(stored: string): string {
  if (!stored.includes('\\') && !stored.includes('\0')) return stored
  const text = String(JSON.parse(`"${stored}"`))
  // Another spelling of the same text (`\u0061` for `a`) reads alike, and whoever looks for the text does not find it.
  if (toColumn(text) === stored) return text
  throw new Error('A text in the database is damaged: nobody can have stored it so.')
}

/** What an operator can do about primary result codes of SQLite (https://sqlite.org/rescode.html). */
export type SqliteAdvice = Readonly<Record<number, (file: string) => string>>

/** What is the same whatever the file holds. What a damaged one means, who keeps something in it knows. */
const advice: SqliteAdvice = {
  5: file => `${file} is locked by another process. End the program that keeps a transaction open on it.`,
  8: file =>
    `${file} cannot be written. Give this process write permission on it, its -wal and -shm files and their directory.`,
  10: file => `The disk under ${file} failed. Look into the system's log.`,
  13: file => `The disk is full: ${file} could not grow, and nothing was written. Free some space.`,
  14: file => `${file} cannot be opened. Check that its directory exists and that this process may write there.`,
}

/** An error that tells the operator what to do, from `own` before all others; what SQLite said is its `cause`. */
export function explainedWith(own: SqliteAdvice, error: unknown, file: string): Error {
  const code = resultCode(error) ?? 0
  const tell = own[code] ?? advice[code]
  return new Error(tell ? tell(file) : `SQLite failed on ${file}.`, { cause: error })
}

/** Whether another process is in the way (SQLITE_BUSY, SQLITE_PROTOCOL), so that trying again helps. */
export function isLocked(error: unknown): boolean {
  const code = resultCode(error)
  return code === 5 || code === 15
}

/** The primary code: the low byte, because extended codes (SQLITE_BUSY_RECOVERY, SQLITE_IOERR_FSYNC) add to it. */
export function resultCode(error: unknown): number | null {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : null
}

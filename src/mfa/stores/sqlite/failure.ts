/** Primary result codes of SQLite (https://sqlite.org/rescode.html) that an operator can do something about. */
const advice: Record<number, (file: string) => string> = {
  5: file => `${file} is locked by another process. End the program that keeps a transaction open on it.`,
  8: file =>
    `${file} cannot be written. Give this process write permission on it, its -wal and -shm files and their directory.`,
  10: file => `The disk under ${file} failed. Look into the system's log.`,
  11: file => `${file} is damaged. Restore a backup: without it, users have to set up their second factors again.`,
  13: file => `The disk is full: ${file} could not grow, and nothing was written. Free some space.`,
  14: file => `${file} cannot be opened. Check that its directory exists and that this process may write there.`,
  26: file => `${file} is not a SQLite database. Check the path; if it was one, it is damaged: restore a backup.`,
}

/** Whether another process is in the way (SQLITE_BUSY, SQLITE_PROTOCOL), so that trying again helps. */
export function isLocked(error: unknown): boolean {
  const code = resultCode(error)
  return code === 5 || code === 15
}

/** An error that tells the operator what to do; what SQLite said is its `cause`. */
export function explained(error: unknown, file: string): Error {
  const tell = advice[resultCode(error) ?? 0]
  return new Error(tell ? tell(file) : `SQLite failed on ${file}.`, { cause: error })
}

/** The primary code: the low byte, because extended codes (SQLITE_BUSY_RECOVERY, SQLITE_IOERR_FSYNC) add to it. */
function resultCode(error: unknown): number | null {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : null
}

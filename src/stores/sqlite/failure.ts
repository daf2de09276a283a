import { explainedWith, type SqliteAdvice } from '../../databases/sqlite/failure.ts'
import { CorruptRecord } from '../corrupt-record.ts'

const advice: SqliteAdvice = {
  11: file =>
    `${file} is damaged. Restore a backup, or move it away together with its -wal and -shm files: everybody signs in again.`,
  26: file =>
    `${file} is not a SQLite database. Check the path; if it was one, it is damaged: restore a backup or move it away.`,
}

/** An error that tells the operator what to do; what SQLite said is its `cause`. */
export function explained(error: unknown, file: string): Error {
  if (error instanceof CorruptRecord) return error
  if (isClosed(error)) return new Error(`SQLite failed on ${file}: the store is closed.`, { cause: error })
  return explainedWith(advice, error, file)
}

function isClosed(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_INVALID_STATE'
}

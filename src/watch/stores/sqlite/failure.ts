import { explainedWith, resultCode, type SqliteAdvice } from '../../../databases/sqlite/failure.ts'

const advice: SqliteAdvice = {
  11: file =>
    `${file} is damaged. Move it away together with its -wal and -shm files, and keep it: the trail begins anew.`,
  13: file =>
    `The disk is full: ${file} could not grow, and nothing was written. Free some space, or keep the trail for a shorter time (retention).`,
  26: file => `${file} is not a SQLite database. Check the path; if it was one, it is damaged: move it away.`,
}

/** An error that tells the operator what to do; what SQLite said is its `cause`. Errors of our own stay as they are. */
export function explained(error: unknown, file: string): Error {
  return resultCode(error) === null && error instanceof Error ? error : explainedWith(advice, error, file)
}

/** Whether there is something already that must not be twice (SQLITE_CONSTRAINT_UNIQUE, SQLITE_CONSTRAINT_PRIMARYKEY). */
export function isThere(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && (error.errcode === 2067 || error.errcode === 1555)
}

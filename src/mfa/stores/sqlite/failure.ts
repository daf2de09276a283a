import { explainedWith, type SqliteAdvice } from '../../../databases/sqlite/failure.ts'

const advice: SqliteAdvice = {
  11: file => `${file} is damaged. Restore a backup: without it, users have to set up their second factors again.`,
  26: file => `${file} is not a SQLite database. Check the path; if it was one, it is damaged: restore a backup.`,
}

/** An error that tells the operator what to do; what SQLite said is its `cause`. */
export function explained(error: unknown, file: string): Error {
  return explainedWith(advice, error, file)
}

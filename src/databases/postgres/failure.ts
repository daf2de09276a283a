/** An error that tells the operator what to do; what PostgreSQL said is its `cause`. */
export class Explained extends Error {}

/**
 * What an operator can do about codes of PostgreSQL (https://www.postgresql.org/docs/15/errcodes-appendix.html) and of Node.
 */
export type PostgresAdvice = Readonly<Record<string, string>>

/** What is the same whatever the tables are for. */
export const usualAdvice: PostgresAdvice = {
  ECONNREFUSED: 'PostgreSQL cannot be reached: nothing listens there. Start it, or correct host and port.',
  ENOTFOUND: 'PostgreSQL cannot be reached: its host name is unknown. Correct the host.',
  '25006':
    'PostgreSQL is read-only: a replica, or default_transaction_read_only is on. Connect to the primary, or turn that off.',
  '28P01': 'PostgreSQL refuses the password. Correct user and password of the pool.',
  '3D000': 'PostgreSQL has no database of that name. Correct the name, or create it: createdb NAME.',
  '3F000': 'PostgreSQL has no schema of that name. Create it: CREATE SCHEMA name.',
  '53100': 'The disk of PostgreSQL is full, and nothing was written. Free some space.',
  '53300': 'PostgreSQL has no connection left. Give the pools of all processes together fewer than max_connections.',
}

/** The error with what to do about it. */
export function explainedWith(advice: PostgresAdvice, error: unknown): Error {
  if (error instanceof Explained) return error
  return new Explained(advice[codeOf(error)] ?? 'PostgreSQL failed; the cause says why.', { cause: error })
}

/** The code of the error, or of the first one inside it: several addresses of a host are tried one after the other. */
export function codeOf(error: unknown): string {
  if (error instanceof AggregateError && !('code' in error)) return codeOf(error.errors[0])
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

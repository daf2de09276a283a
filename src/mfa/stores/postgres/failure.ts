import type { FactorNames } from './names.ts'

/** Codes of PostgreSQL (errcodes-appendix) and of Node that an operator can do something about. */
const advice: Record<string, (names: FactorNames) => string> = {
  ECONNREFUSED: () => 'PostgreSQL cannot be reached: nothing listens there. Start it, or correct host and port.',
  ENOTFOUND: () => 'PostgreSQL cannot be reached: its host name is unknown. Correct the host.',
  '25006': () =>
    'PostgreSQL is read-only: a replica, which may not know a factor yet, or default_transaction_read_only is on. Connect to the primary, or turn that off.',
  '28P01': () => 'PostgreSQL refuses the password. Correct user and password of the pool.',
  '3D000': () => 'PostgreSQL has no database of that name. Correct the name, or create it: createdb NAME.',
  '3F000': () => 'PostgreSQL has no schema of that name. Create it: CREATE SCHEMA name.',
  '42P01': ({ shown }) => `The tables ${shown}factor* are missing. Call migrateFactors(pool) once.`,
  '42501': ({ shown }) =>
    `PostgreSQL refuses access. GRANT SELECT, INSERT, UPDATE, DELETE ON the tables ${shown}factor* to the pool's user.`,
  '53100': () => 'The disk of PostgreSQL is full, and nothing was written. Free some space.',
  '53300': () =>
    'PostgreSQL has no connection left. Give the pools of all processes together fewer than max_connections.',
}

/** The error with what to do about it; what PostgreSQL said is its `cause`. */
export function explained(error: unknown, names: FactorNames): Error {
  if (error instanceof Error && 'explained' in error) return error
  const tell = advice[codeOf(error)]
  return new Error(tell ? tell(names) : 'PostgreSQL failed; the cause says why.', { cause: error })
}

/** Whether another transaction changed the row first, which an isolation above READ COMMITTED answers with an error. */
export function isOvertaken(error: unknown): boolean {
  return codeOf(error) === '40001'
}

/** The code of the error, or of the first one inside it: several addresses of a host are tried one after the other. */
function codeOf(error: unknown): string {
  if (error instanceof AggregateError && !('code' in error)) return codeOf(error.errors[0])
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

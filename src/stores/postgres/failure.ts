import { CorruptRecord } from '../corrupt-record.ts'
import type { Names } from './names.ts'

/** An error that tells the operator what to do; what PostgreSQL said is its `cause`. */
export class Explained extends Error {}

const gone = 'PostgreSQL cannot be reached'
const busy = 'PostgreSQL has no connection left'
const cut = 'The connection to PostgreSQL was cut. Nothing to do if the server restarted.'
const pooled =
  'A connection pooler hands our connection to others, with the statements that are prepared on it. Use its session mode, or PgBouncer 1.21 or later with max_prepared_statements.'
const missing = ({ shown }: Names) =>
  `The tables of Latchkey are missing or old (prefix ${shown}). Run: npx latchkey migrate postgres://…`

/**
 * Codes of PostgreSQL (https://www.postgresql.org/docs/15/errcodes-appendix.html) and of Node that an operator can do
 * something about. A class stands for all its codes that are not named.
 */
const advice: Record<string, (names: Names) => string> = {
  ECONNREFUSED: () => `${gone}: nothing listens there. Start it, or correct host and port.`,
  ENOTFOUND: () => `${gone}: its host name is unknown. Correct the host.`,
  EAI_AGAIN: () => `${gone}: name service does not answer. Look into the network.`,
  ETIMEDOUT: () => `${gone}: it does not answer. Look into the network.`,
  ECONNRESET: () => cut,
  EPIPE: () => cut,
  '08': () => cut,
  '08P01': () =>
    'A connection pooler in front of PostgreSQL refused us; the cause says why. Correct user, password and database, or have it ignore_startup_parameters.',
  '25006': () =>
    'PostgreSQL is read-only: a replica, or default_transaction_read_only is on. Connect to the primary, or turn that off.',
  '26000': () => pooled,
  '28': () => 'PostgreSQL refuses to let us in. Check the user, and the rules of pg_hba.conf.',
  '28P01': () => 'PostgreSQL refuses the password. Correct user and password of the pool.',
  '3D000': () => 'PostgreSQL has no database of that name. Correct the name, or create it: createdb NAME.',
  '3F000': () => 'PostgreSQL has no schema of that name. Create it: CREATE SCHEMA name.',
  '42P01': missing, // a table
  '42P05': () => pooled,
  '42703': missing, // a column
  '42883': missing, // a function
  '42501': ({ shown }) =>
    `PostgreSQL refuses access to the tables of Latchkey. GRANT SELECT, INSERT, UPDATE, DELETE ON all tables ${shown}*, and USAGE of their schema, to the pool's user.`,
  '53': () => 'PostgreSQL is out of resources. Look into its log.',
  '53100': () => 'The disk of PostgreSQL is full, and nothing was written. Free some space.',
  '53300': () => `${busy}. Give the pools of all processes together fewer than max_connections, or raise that.`,
  '55P03': ({ shown }) =>
    `Another transaction kept a lock on ${shown}records for more than 1.5 seconds; nothing was written. Find it in pg_stat_activity and end it.`,
  '57': () => 'PostgreSQL is starting, stopping or cancelled the statement. Try again.',
  LK001: () =>
    `PostgreSQL runs our transactions with another isolation than READ COMMITTED, under which "end all sessions" would miss some. ALTER ROLE name SET default_transaction_isolation = 'read committed'.`,
  XX: () => 'PostgreSQL says that its data is damaged. Look into its log; restore a backup.',
}

/** Errors of `pg` itself have no code. */
const words: readonly (readonly [RegExp, string])[] = [
  [
    /timeout exceeded when trying to connect/,
    `${busy}, or does not answer: none within connectionTimeoutMillis. Raise the pool's max, or look into the network.`,
  ],
  [/query read timeout/i, 'PostgreSQL did not answer in time; its connection was given up. Look into its load.'],
  [/connection (was )?(terminated|ended|closed)|not queryable/i, cut],
  [/password must be a (non-empty )?string/, 'PostgreSQL wants a password. Give the pool user and password.'],
  [/after calling end on the pool/, 'The pool was ended while sessions were in use. Close the sessions first.'],
  [/does not support SSL/, 'PostgreSQL does not speak TLS there. Turn it on at the server, or off for the pool.'],
]

/** The error with what to do about it. */
export function explained(error: unknown, names: Names): Error {
  if (error instanceof CorruptRecord || error instanceof Explained) return error
  const code = codeOf(error)
  const tell = advice[code] ?? (/^\w{5}$/.test(code) ? advice[code.slice(0, 2)] : undefined)
  const said = error instanceof Error ? error.message : ''
  const message = tell?.(names) ?? words.find(([pattern]) => pattern.test(said))?.[1] ?? 'PostgreSQL failed.'
  return new Explained(message, { cause: error })
}

/** Whether the tables may be others than those that were looked at. */
export function isAboutSchema(error: unknown): boolean {
  const code = codeOf(error)
  return code.startsWith('42') && code !== '42P05'
}

/** Whether one of the values was at fault, so that others in the same statement may be fine. */
export function isAboutValues(error: unknown): boolean {
  return /^(22|23|54)/.test(codeOf(error))
}

/** The code of the error, or of the first one inside it: several addresses of a host are tried one after the other. */
function codeOf(error: unknown): string {
  if (error instanceof AggregateError && !('code' in error)) return codeOf(error.errors[0])
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

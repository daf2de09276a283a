import { codeOf, Explained, type PostgresAdvice, usualAdvice } from '../../databases/postgres/failure.ts'
import { CorruptRecord } from '../corrupt-record.ts'
import type { Names } from './names.ts'

const gone = 'PostgreSQL cannot be reached'
const busy = 'PostgreSQL has no connection left'
const cut = 'The connection to PostgreSQL was cut. Nothing to do if the server restarted.'
const pooled =
  'A connection pooler hands our connection to others, with the statements that are prepared on it. Use its session mode, or PgBouncer 1.21 or later with max_prepared_statements.'

/** A class stands for all its codes that are not named. */
const advice = ({ shown }: Names): PostgresAdvice => {
  const missing = `The tables of Latchkey are missing or old (prefix ${shown}). Run: npx latchkey migrate postgres://…`
  return {
    ...usualAdvice,
    EAI_AGAIN: `${gone}: name service does not answer. Look into the network.`,
    ETIMEDOUT: `${gone}: it does not answer. Look into the network.`,
    ECONNRESET: cut,
    EPIPE: cut,
    '08': cut,
    '08P01':
      'A connection pooler in front of PostgreSQL refused us; the cause says why. Correct user, password and database, or have it ignore_startup_parameters.',
    '26000': pooled,
    '28': 'PostgreSQL refuses to let us in. Check the user, and the rules of pg_hba.conf.',
    '42P01': missing, // a table
    '42P05': pooled,
    '42703': missing, // a column
    '42883': missing, // a function
    '42501': `PostgreSQL refuses access to the tables of Latchkey. GRANT SELECT, INSERT, UPDATE, DELETE ON all tables ${shown}*, and USAGE of their schema, to the pool's user.`,
    '53': 'PostgreSQL is out of resources. Look into its log.',
    '53300': `${busy}. Give the pools of all processes together fewer than max_connections, or raise that.`,
    '55P03': `Another transaction kept a lock on ${shown}records for more than 1.5 seconds; nothing was written. Find it in pg_stat_activity and end it.`,
    '57': 'PostgreSQL is starting, stopping or cancelled the statement. Try again.',
    LK001: `PostgreSQL runs our transactions with another isolation than READ COMMITTED, under which "end all sessions" would miss some. ALTER ROLE name SET default_transaction_isolation = 'read committed'.`,
    XX: 'PostgreSQL says that its data is damaged. Look into its log; restore a backup.',
  }
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
  const told = advice(names)
  const known = told[code] ?? (/^\w{5}$/.test(code) ? told[code.slice(0, 2)] : undefined)
  const said = error instanceof Error ? error.message : ''
  const message = known ?? words.find(([pattern]) => pattern.test(said))?.[1] ?? 'PostgreSQL failed.'
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

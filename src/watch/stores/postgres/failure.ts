import { codeOf, explainedWith, type PostgresAdvice, usualAdvice } from '../../../databases/postgres/failure.ts'
import type { WatchNames } from './names.ts'

const advice = ({ shown }: WatchNames): PostgresAdvice => ({
  ...usualAdvice,
  '23505': 'An entry of this chain and number, or an alert of this id, is there already; nothing was added.',
  '42P01': `The tables ${shown}watch_* are missing. Call migrateWatch(pool) once.`,
  '42883': `The functions ${shown}watch_* are missing. Call migrateWatch(pool) once.`,
  '42501': `PostgreSQL refuses access. GRANT SELECT, INSERT, UPDATE, DELETE ON the tables ${shown}watch_* to the pool's user.`,
  '53100':
    'The disk of PostgreSQL is full, and nothing was written. Free some space, or keep the trail for a shorter time (retention).',
})

/** The error with what to do about it; what PostgreSQL said is its `cause`. */
export function explained(error: unknown, names: WatchNames): Error {
  return explainedWith(advice(names), error)
}

/**
 * Whether the statement did nothing because of another one, and may be tried again: it was overtaken, which an isolation above
 * READ COMMITTED answers with an error, or found that an alert was opened meanwhile that it could not see yet.
 */
export function isOvertaken(error: unknown): boolean {
  const isOpenAlert =
    error instanceof Error && 'constraint' in error && /watch_open_alerts$/.test(`${error.constraint}`)
  return ['40001', '40P01'].includes(codeOf(error)) || isOpenAlert
}

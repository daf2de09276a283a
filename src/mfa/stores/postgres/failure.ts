import { codeOf, explainedWith, type PostgresAdvice, usualAdvice } from '../../../databases/postgres/failure.ts'
import type { FactorNames } from './names.ts'

const advice = ({ shown }: FactorNames): PostgresAdvice => ({
  ...usualAdvice,
  '25006':
    'PostgreSQL is read-only: a replica, which may not know a factor yet, or default_transaction_read_only is on. Connect to the primary, or turn that off.',
  '42P01': `The tables ${shown}factor* are missing. Call migrateFactors(pool) once.`,
  '42501': `PostgreSQL refuses access. GRANT SELECT, INSERT, UPDATE, DELETE ON the tables ${shown}factor* to the pool's user.`,
})

/** The error with what to do about it; what PostgreSQL said is its `cause`. */
export function explained(error: unknown, names: FactorNames): Error {
  return explainedWith(advice(names), error)
}

/** Whether another transaction changed the row first, which an isolation above READ COMMITTED answers with an error. */
export function isOvertaken(error: unknown): boolean {
  return codeOf(error) === '40001'
}

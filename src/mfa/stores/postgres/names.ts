import { type Naming, namingFor, type Place } from '../../../databases/postgres/names.ts'

/** What everything in the database is called, quoted for SQL. */
export interface FactorNames extends Pick<Naming, 'index' | 'shown' | 'lock'> {
  readonly factors: string
  readonly failures: string
  readonly schema: string
}

/** What tells the tables of factors from others. */
export const application = 'latchkey factors'

/** Throws a `UsageError` for names that PostgreSQL would fold, cut short or not understand. */
export function namesFor(place: Place): FactorNames {
  const { of, index, shown, lock } = namingFor(place, { caller: 'postgresFactors', application })
  return { factors: of('factors'), failures: of('factor_failures'), schema: of('factor_schema'), index, shown, lock }
}

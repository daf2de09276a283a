import { createHash } from 'node:crypto'
import { type Naming, namingFor, type Place } from '../../databases/postgres/names.ts'

/** What everything in the database is called, quoted for SQL. */
export interface Names extends Naming {
  readonly records: string
  readonly generations: string
  readonly followers: string
  readonly schema: string
  /** What names of prepared statements begin with: `shown`, or a hash where PostgreSQL would cut it short. */
  readonly key: string
  /** The channel that changes are told on. */
  readonly channel: string
}

/** Throws a `UsageError` for names that PostgreSQL would fold, cut short or not understand. */
export function namesFor(place: Place): Names {
  const naming = namingFor(place, { caller: 'postgresStore', application: 'latchkey' })
  const { of, prefix, shown } = naming
  return {
    ...naming,
    records: of('records'),
    generations: of('generations'),
    followers: of('followers'),
    schema: of('schema'),
    key: shown.length <= 45 ? shown : createHash('sha256').update(shown).digest('hex').slice(0, 16),
    channel: `${prefix}changes`,
  }
}

import { type Naming, namingFor, type Place } from '../../../databases/postgres/names.ts'

/** What everything in the database is called, quoted for SQL. */
export interface WatchNames extends Naming {
  readonly schema: string
  readonly entries: string
  readonly alerts: string
  readonly windows: string
  readonly counters: string
  readonly points: string
}

/** What tells the tables of the watch from others. */
export const application = 'latchkey watch'

/** Throws a `UsageError` for names that PostgreSQL would fold, cut short or not understand. */
export function namesFor(place: Place): WatchNames {
  const naming = namingFor(place, { caller: 'postgresWatch', application, infix: 'watch_' })
  const { of } = naming
  return {
    ...naming,
    schema: of('schema'),
    entries: of('entries'),
    alerts: of('alerts'),
    windows: of('windows'),
    counters: of('counters'),
    points: of('points'),
  }
}

import { fromColumn, toColumn } from '../../../databases/column-text.ts'
import type { Database } from '../../../databases/postgres/database.ts'
import type { Windows } from '../../store.ts'
import { membersIn, type Row, real, whole } from '../rows.ts'
import type { WatchNames } from './names.ts'

/** Windows and counters in PostgreSQL. */
export function postgresWindows(database: Database<WatchNames>): Windows {
  const { windows, counters, of } = database.names

  return {
    async see(sightings) {
      if (sightings.length === 0) return []
      const rows = await database.rows(
        `SELECT place, members FROM ${of('see')}($1, $2, $3, $4, $5)`,
        sightings.map(({ key }) => toColumn(key)),
        sightings.map(({ member }) => toColumn(member)),
        sightings.map(({ at }) => at),
        sightings.map(({ windowMs }) => windowMs),
        sightings.map(({ most }) => most),
      )
      // Members are escaped as in a column, although they are in JSON: PostgreSQL keeps no NUL there, either.
      return inOrder(rows).map(([, members]) =>
        membersIn(members).map(seen => ({ ...seen, member: fromColumn(seen.member) })),
      )
    },

    async tally(counts) {
      if (counts.length === 0) return []
      const rows = await database.rows(
        `SELECT place, before FROM ${of('tally')}($1, $2, $3, $4)`,
        counts.map(({ key }) => toColumn(key)),
        counts.map(({ by }) => by),
        counts.map(({ at }) => at),
        counts.map(({ forgetAfterMs }) => forgetAfterMs),
      )
      return inOrder(rows).map(([, before]) => real(before))
    },

    async forgetWindows(now, limit) {
      const minute = Math.floor(now / 60_000)
      const forget = (table: string, most: number) => {
        const oldest = `SELECT key FROM ${table} WHERE over_minute < $1 ORDER BY over_minute LIMIT $2 FOR UPDATE SKIP LOCKED`
        return database.change(`DELETE FROM ${table} WHERE key IN (${oldest}) RETURNING 1`, minute, most)
      }
      const forgotten = await forget(windows, limit)
      return forgotten + (await forget(counters, limit - forgotten))
    },
  }
}

function inOrder(rows: readonly Row[]): Row[] {
  return rows.toSorted(([one], [other]) => whole(one) - whole(other))
}

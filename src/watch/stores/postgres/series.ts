import { toColumn } from '../../../databases/column-text.ts'
import type { Database } from '../../../databases/postgres/database.ts'
import type { Point, Series } from '../../store.ts'
import { real, text, whole } from '../rows.ts'
import type { WatchNames } from './names.ts'

/** Numbers over time in PostgreSQL. */
export function postgresSeries(database: Database<WatchNames>): Series {
  const { points } = database.names
  const given =
    'unnest($1::text[], $2::bigint[], $3::double precision[]) WITH ORDINALITY AS given (name, minute, value, place)'

  /** In the order of their key, so that two who write the same ones do not stop each other. */
  async function write(select: string, value: string, added: readonly Point[]): Promise<void> {
    if (added.length === 0) return
    await database.rows(
      `INSERT INTO ${points} AS known (name, minute, value) ${select} ON CONFLICT (name, minute) DO UPDATE SET value = ${value}`,
      added.map(({ name }) => toColumn(name)),
      added.map(({ minute }) => minute),
      added.map(({ value }) => value),
    )
  }

  return {
    add(added) {
      const sums = `SELECT name, minute, sum(value) FROM ${given} GROUP BY name, minute ORDER BY name COLLATE "C", minute`
      return write(sums, 'known.value + excluded.value', added)
    },

    put(replaced) {
      const order = 'name COLLATE "C", minute'
      const last = `SELECT DISTINCT ON (${order}) name, minute, value FROM ${given} ORDER BY ${order}, place DESC`
      return write(last, 'excluded.value', replaced)
    },

    async points(names, fromMinute, toMinute) {
      const select = `SELECT name, minute, value FROM ${points} WHERE name = ANY ($1::text[]) AND minute >= $2 AND minute < $3 ORDER BY name, minute`
      const rows = await database.rows(select, names.map(toColumn), fromMinute, toMinute)
      return rows.map(([name, minute, value]) => ({ name: text(name), minute: whole(minute), value: real(value) }))
    },

    forgetPoints(beforeMinute, limit) {
      const oldest = `SELECT name, minute FROM ${points} WHERE minute < $1 ORDER BY minute LIMIT $2 FOR UPDATE SKIP LOCKED`
      return database.change(
        `DELETE FROM ${points} WHERE (name, minute) IN (${oldest}) RETURNING 1`,
        beforeMinute,
        limit,
      )
    },
  }
}

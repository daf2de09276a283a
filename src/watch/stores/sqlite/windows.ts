import { toColumn } from '../../../databases/column-text.ts'
import type { Count, Seen, Sighting, Windows } from '../../store.ts'
import { membersIn, real, toMembers, whole } from '../rows.ts'
import { afterAdding, afterSighting, type Counter, countAt, overAt } from '../window.ts'
import type { Connection } from './connection.ts'

/*
 * A window is one row: it is read and written as a whole, and has few members. When it is over is kept in minutes, so that
 * most changes leave the index alone.
 */
const putWindow = `INSERT INTO windows (key, members, over_minute) VALUES (?, ?, ?)
  ON CONFLICT (key) DO UPDATE SET members = excluded.members, over_minute = max(over_minute, excluded.over_minute)`
const putCounter = `INSERT INTO counters (key, count, added_at, over_minute) VALUES (?, ?, ?, ?)
  ON CONFLICT (key) DO UPDATE SET count = excluded.count, added_at = excluded.added_at, over_minute = max(over_minute, excluded.over_minute)`

/** Windows and counters in SQLite. */
export function sqliteWindows(connection: Connection): Windows {
  function see(sighting: Sighting): readonly Seen[] {
    const key = toColumn(sighting.key)
    const known = connection.row('SELECT members FROM windows WHERE key = ?', key)
    const window = afterSighting(known ? membersIn(known[0]) : [], sighting)
    connection.change(putWindow, key, toMembers(window), minuteAfter(overAt(sighting)))
    return window
  }

  function tally(count: Count): number {
    const key = toColumn(count.key)
    const row = connection.row('SELECT count, added_at FROM counters WHERE key = ?', key)
    const known: Counter | undefined = row && { count: real(row[0]), addedAt: whole(row[1]) }
    if (count.by > 0) {
      const added = afterAdding(known, count)
      connection.change(putCounter, key, added.count, added.addedAt, minuteAfter(count.at + count.forgetAfterMs))
    }
    return countAt(known, count)
  }

  return {
    see(sightings) {
      return connection.write(() => sightings.map(see))
    },

    tally(counts) {
      const isQuestion = counts.every(({ by }) => by === 0)
      return isQuestion ? connection.read(() => counts.map(tally)) : connection.write(() => counts.map(tally))
    },

    forgetWindows(now, limit) {
      const minute = Math.floor(now / 60_000)
      return connection.write(() => {
        const oldest = 'WHERE over_minute < ? ORDER BY over_minute LIMIT ?'
        const windows = `DELETE FROM windows WHERE id IN (SELECT id FROM windows ${oldest})`
        const counters = `DELETE FROM counters WHERE key IN (SELECT key FROM counters ${oldest})`
        const forgotten = connection.change(windows, minute, limit)
        return forgotten + connection.change(counters, minute, limit - forgotten)
      })
    },
  }
}

function minuteAfter(instant: number): number {
  return Math.ceil(instant / 60_000)
}

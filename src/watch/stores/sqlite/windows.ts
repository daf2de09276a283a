import { toColumn } from '../../../databases/column-text.ts'
import type { Count, Seen, Sighting, Windows } from '../../store.ts'
import { membersIn, real, toMembers, whole } from '../rows.ts'
import { afterSighting, countAt, overAt } from '../window.ts'
import type { Connection } from './connection.ts'

/*
 * A window is one row: it is read and written as a whole, and has few members. When it is over is kept in minutes, and of what
 * is kept long in hundredths of its life, so that most changes leave the index alone.
 */
const putWindow = `INSERT INTO windows (key, members, over_minute) VALUES (?, ?, ?)
  ON CONFLICT (key) DO UPDATE SET members = excluded.members, over_minute = max(over_minute, excluded.over_minute)`
/** What `countAt` and `afterAdding` say, in one step: a sign-in adds to more than a dozen counters. */
const addToCounter = `INSERT INTO counters (key, count, added_at, over_minute) VALUES (?1, ?2, ?3, ?4)
  ON CONFLICT (key) DO UPDATE SET
    count = CASE WHEN excluded.added_at - added_at < ?5 THEN count ELSE 0 END + excluded.count,
    added_at = max(added_at, excluded.added_at), over_minute = max(over_minute, excluded.over_minute)
  RETURNING count`

/** Windows and counters in SQLite. */
export function sqliteWindows(connection: Connection): Windows {
  function see(sighting: Sighting): readonly Seen[] {
    const key = toColumn(sighting.key)
    const known = connection.row('SELECT members FROM windows WHERE key = ?', key)
    const window = afterSighting(known ? membersIn(known[0]) : [], sighting)
    connection.change(putWindow, key, toMembers(window), overMinute(overAt(sighting), sighting.windowMs))
    return window
  }

  function tally(count: Count): number {
    const key = toColumn(count.key)
    const { by, at, forgetAfterMs } = count
    if (by > 0) {
      const row = connection.row(
        addToCounter,
        key,
        by,
        at,
        overMinute(at + forgetAfterMs, forgetAfterMs),
        forgetAfterMs,
      )
      return row ? real(row[0]) - by : 0
    }
    const row = connection.row('SELECT count, added_at FROM counters WHERE key = ?', key)
    return countAt(row && { count: real(row[0]), addedAt: whole(row[1]) }, count)
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

/** From which minute on it may be removed. */
function overMinute(overAt: number, lifeMs: number): number {
  const step = Math.max(1, Math.floor(lifeMs / 100 / 60_000))
  return Math.ceil(overAt / 60_000 / step) * step
}

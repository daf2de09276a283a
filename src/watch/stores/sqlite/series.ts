import { toColumn } from '../../../databases/column-text.ts'
import type { Point, Series } from '../../store.ts'
import { real, whole } from '../rows.ts'
import type { Connection } from './connection.ts'

const insert =
  'INSERT INTO points (name, minute, value) VALUES (?, ?, ?) ON CONFLICT (name, minute) DO UPDATE SET value ='

/** Numbers over time in SQLite. */
export function sqliteSeries(connection: Connection): Series {
  function write(sql: string, points: readonly Point[]): Promise<void> {
    return connection.write(() => {
      for (const { name, minute, value } of points) connection.change(sql, toColumn(name), minute, value)
    })
  }

  return {
    add: points => write(`${insert} value + excluded.value`, points),

    put: points => write(`${insert} excluded.value`, points),

    async points(names, fromMinute, toMinute) {
      const select = 'SELECT minute, value FROM points WHERE name = ? AND minute >= ? AND minute < ? ORDER BY minute'
      const sorted = [...new Set(names)].sort()
      return connection.read(() =>
        sorted.flatMap(name =>
          connection
            .rows(select, toColumn(name), fromMinute, toMinute)
            .map(([minute, value]): Point => ({ name, minute: whole(minute), value: real(value) })),
        ),
      )
    },

    forgetPoints(beforeMinute, limit) {
      const oldest = 'SELECT name, minute FROM points WHERE minute < ? ORDER BY minute LIMIT ?'
      const deletion = `DELETE FROM points WHERE (name, minute) IN (${oldest})`
      return connection.write(() => connection.change(deletion, beforeMinute, limit))
    },
  }
}

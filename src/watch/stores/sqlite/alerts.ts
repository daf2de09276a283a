import { toColumn } from '../../../databases/column-text.ts'
import { isMoreUrgent } from '../../severities.ts'
import type { Alert, AlertQuery, AlertStore } from '../../store.ts'
import { goesOn, mostCounted, movedOn, opened, seenAgain } from '../alert.ts'
import { alertCursor, alertPlaceIn, assertLimit, pageOf } from '../places.ts'
import { alertColumns, toAlert, toAlertRow, type Value, whole } from '../rows.ts'
import type { Connection } from './connection.ts'

/** Alerts in SQLite: read, moved on by the rules that all stores share, and written, in one transaction. */
export function sqliteAlerts(connection: Connection): AlertStore {
  const insert = `INSERT INTO alerts (${alertColumns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
  const update = `UPDATE alerts SET (${alertColumns}) = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE id = ?`

  function changed(alert: Alert): Alert {
    connection.change(update, ...toAlertRow(alert), toColumn(alert.id))
    return alert
  }

  function find(id: string): Alert | null {
    const row = connection.row(`SELECT ${alertColumns} FROM alerts WHERE id = ?`, toColumn(id))
    return row ? toAlert(row) : null
  }

  return {
    raise(alert, quietMs) {
      const select = `SELECT ${alertColumns} FROM alerts WHERE fingerprint = ? AND state <> 'closed' ORDER BY last_at DESC, id DESC`
      return connection.write(() => {
        const same = connection.rows(select, toColumn(alert.fingerprint)).map(toAlert)
        const current = same.find(known => goesOn(known, alert, quietMs))
        if (current) {
          const isWorse = isMoreUrgent(alert.severity, current.severity)
          return { alert: changed(seenAgain(current, alert)), isNew: false, isWorse }
        }
        for (const known of same) if (known.state === 'open') changed(movedOn(known, 'closed', null, alert.at) ?? known)
        const begun = opened(alert)
        connection.change(insert, ...toAlertRow(begun))
        return { alert: begun, isNew: true, isWorse: false }
      })
    },

    alert(id) {
      return connection.read(() => find(id))
    },

    async alerts(query) {
      assertLimit(query.limit, 500)
      const { where, values } = conditionsOf(query)
      const select = `SELECT ${alertColumns} FROM alerts ${where} ORDER BY last_at DESC, id DESC LIMIT ?`
      const found = (await connection.read(() => connection.rows(select, ...values, query.limit + 1))).map(toAlert)
      const { items, next } = pageOf(found, query.limit, alertCursor)
      return { alerts: items, next }
    },

    countAlerts() {
      const select = `SELECT count(*) FROM (SELECT 1 FROM alerts WHERE state = ? LIMIT ${mostCounted})`
      const count = (state: string) => whole(connection.row(select, state)?.[0])
      return connection.read(() => ({ open: count('open'), acknowledged: count('acknowledged') }))
    },

    moveAlert(id, to, by, at) {
      return connection.write(() => {
        const known = find(id)
        const moved = known && movedOn(known, to, by, at)
        return moved ? changed(moved) : null
      })
    },

    forgetAlerts(before, limit) {
      const oldest = `SELECT id FROM alerts WHERE last_at < ? ORDER BY last_at, id LIMIT ?`
      return connection.write(() => connection.change(`DELETE FROM alerts WHERE id IN (${oldest})`, before, limit))
    },
  }
}

function conditionsOf({ cursor, state, detector, sid, userId }: AlertQuery): { where: string; values: Value[] } {
  const conditions: [sql: string, ...values: Value[]][] = []
  const place = alertPlaceIn(cursor)
  if (state !== undefined) conditions.push(['state = ?', state])
  if (detector !== undefined) conditions.push(['detector = ?', detector])
  if (sid !== undefined) conditions.push(['sid = ?', toColumn(sid)])
  if (userId !== undefined) conditions.push(['user_id = ?', toColumn(userId)])
  if (place) conditions.push(['(last_at, id) < (?, ?)', place.lastAt, toColumn(place.id)])
  return {
    where: conditions.length === 0 ? '' : `WHERE ${conditions.map(([sql]) => sql).join(' AND ')}`,
    values: conditions.flatMap(([, ...values]) => values),
  }
}

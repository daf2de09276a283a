import { toColumn, toColumnOrNull } from '../../../databases/column-text.ts'
import type { Database } from '../../../databases/postgres/database.ts'
import { severities } from '../../severities.ts'
import type { AlertQuery, AlertStore } from '../../store.ts'
import { mostCounted } from '../alert.ts'
import { alertCursor, alertPlaceIn, assertLimit, pageOf } from '../places.ts'
import { alertColumns, toAlert, whole } from '../rows.ts'
import { Conditions } from './conditions.ts'
import type { WatchNames } from './names.ts'

/** Alerts in PostgreSQL. */
export function postgresAlerts(database: Database<WatchNames>): AlertStore {
  const { alerts, of } = database.names
  const columns = alertColumns.replace(/\w+/g, '(alert).$&')

  return {
    async raise({ id, detector, fingerprint, severity, sid, userId, address, evidence, at }, quietMs) {
      const raise = `SELECT ${columns}, was FROM ${of('raise_alert')}($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`
      const [row] = await database.rows(
        raise,
        toColumn(id),
        detector,
        toColumn(fingerprint),
        severities.indexOf(severity),
        toColumnOrNull(sid),
        toColumnOrNull(userId),
        toColumnOrNull(address),
        JSON.stringify(evidence),
        at,
        quietMs,
      )
      const alert = toAlert(row ?? [])
      const was = row?.at(-1) ?? null
      return { alert, isNew: was === null, isWorse: was !== null && whole(was) < severities.indexOf(severity) }
    },

    async alert(id) {
      const [row] = await database.rows(`SELECT ${alertColumns} FROM ${alerts} WHERE id = $1`, toColumn(id))
      return row ? toAlert(row) : null
    },

    async alerts(query) {
      assertLimit(query.limit, 500)
      const conditions = conditionsOf(query)
      const limit = conditions.parameter(query.limit + 1)
      const select = `SELECT ${alertColumns} FROM ${alerts} ${conditions.where} ORDER BY last_at DESC, id DESC LIMIT ${limit}`
      const found = (await database.rows(select, ...conditions.values)).map(toAlert)
      const { items, next } = pageOf(found, query.limit, alertCursor)
      return { alerts: items, next }
    },

    async countAlerts() {
      const count = (state: string) =>
        `(SELECT count(*) FROM (SELECT 1 FROM ${alerts} WHERE state = '${state}' LIMIT ${mostCounted}) AS counted)`
      const [row] = await database.rows(`SELECT ${count('open')}, ${count('acknowledged')}`)
      return { open: whole(row?.[0]), acknowledged: whole(row?.[1]) }
    },

    async moveAlert(id, to, by, at) {
      const mayMove = `(state = 'open' OR (state = 'acknowledged' AND $2 = 'closed'))`
      const update = `UPDATE ${alerts} SET state = $2, moved_by = $3, moved_at = $4 WHERE id = $1 AND ${mayMove} RETURNING ${alertColumns}`
      const [row] = await database.rows(update, toColumn(id), to, toColumn(by), at)
      return row ? toAlert(row) : null
    },

    forgetAlerts(before, limit) {
      const oldest = `SELECT id FROM ${alerts} WHERE last_at < $1 ORDER BY last_at, id LIMIT $2 FOR UPDATE SKIP LOCKED`
      return database.change(`DELETE FROM ${alerts} WHERE id IN (${oldest}) RETURNING 1`, before, limit)
    },
  }
}

function conditionsOf({ cursor, state, detector, sid, userId }: AlertQuery): Conditions {
  const conditions = new Conditions()
  const place = alertPlaceIn(cursor)
  if (state !== undefined) conditions.add('state = ?', state)
  if (detector !== undefined) conditions.add('detector = ?', detector)
  if (sid !== undefined) conditions.add('sid = ?', toColumn(sid))
  if (userId !== undefined) conditions.add('user_id = ?', toColumn(userId))
  if (place) conditions.add('(last_at, id) < (?::bigint, ?)', place.lastAt, toColumn(place.id))
  return conditions
}

import { isMoreUrgent } from '../../severities.ts'
import type { Alert, AlertQuery, AlertStore } from '../../store.ts'
import { goesOn, mostCounted, movedOn, opened, seenAgain } from '../alert.ts'
import { alertCursor, alertPlaceIn, assertLimit, byLastSeen, pageOf } from '../places.ts'

/** Alerts by id, in the order in which they were opened. No method awaits anything before it is done, so each is one atomic step. */
export function memoryAlerts(most: number): AlertStore {
  const alerts = new Map<string, Alert>()

  function put(alert: Alert): Alert {
    alerts.set(alert.id, Object.freeze(alert))
    return alert
  }

  return {
    async raise(seen, quietMs) {
      const alert = { ...seen, evidence: structuredClone(seen.evidence) }
      const same = [...alerts.values()].filter(({ fingerprint }) => fingerprint === alert.fingerprint).sort(byLastSeen)
      const current = same.findLast(known => goesOn(known, alert, quietMs))
      if (current) {
        const isWorse = isMoreUrgent(alert.severity, current.severity)
        return { alert: put(seenAgain(current, alert)), isNew: false, isWorse }
      }
      if (alerts.has(alert.id)) throw new Error(`There is an alert ${alert.id} already.`)
      for (const known of same) if (known.state === 'open') put(movedOn(known, 'closed', null, alert.at) ?? known)
      const [oldest] = alerts.keys()
      if (alerts.size >= most && oldest !== undefined) alerts.delete(oldest)
      return { alert: put(opened(alert)), isNew: true, isWorse: false }
    },

    async alert(id) {
      return alerts.get(id) ?? null
    },

    async alerts(query) {
      assertLimit(query.limit, 500)
      const place = alertPlaceIn(query.cursor)
      const found = [...alerts.values()]
        .filter(alert => matches(alert, query) && (!place || byLastSeen(alert, place) < 0))
        .sort((one, other) => byLastSeen(other, one))
      const { items, next } = pageOf(found, query.limit, alertCursor)
      return { alerts: items, next }
    },

    async countAlerts() {
      const count = { open: 0, acknowledged: 0, closed: 0 }
      for (const { state } of alerts.values()) count[state] += 1
      return { open: Math.min(count.open, mostCounted), acknowledged: Math.min(count.acknowledged, mostCounted) }
    },

    async moveAlert(id, to, by, at) {
      const known = alerts.get(id)
      const moved = known && movedOn(known, to, by, at)
      return moved ? put(moved) : null
    },

    async forgetAlerts(before, limit) {
      const old = [...alerts.values()].filter(({ lastAt }) => lastAt < before)
      const forgotten = old.sort(byLastSeen).slice(0, limit)
      for (const { id } of forgotten) alerts.delete(id)
      return forgotten.length
    },
  }
}

function matches(alert: Alert, { state, detector, sid, userId }: AlertQuery): boolean {
  return (
    (state === undefined || alert.state === state) &&
    (detector === undefined || alert.detector === detector) &&
    (sid === undefined || alert.sid === sid) &&
    (userId === undefined || alert.userId === userId)
  )
}

import type { JSX } from 'preact'
import type { Alert } from '../../api.ts'
import { AlertCard } from './alert-card.tsx'

/** Alerts of a session or a user; nothing where there are none. */
export function AlertsOf({
  alerts,
  moved,
}: {
  alerts: readonly Alert[]
  moved: (alert: Alert) => void
}): JSX.Element | null {
  if (alerts.length === 0) return null
  return (
    <section aria-labelledby="alerts-here">
      <h2 id="alerts-here" class="section-title">
        Alerts
      </h2>
      <ul class="alert-list">
        {alerts.map(alert => (
          <AlertCard key={alert.id} alert={alert} moved={moved} headingLevel={3} />
        ))}
      </ul>
    </section>
  )
}

/** Alerts with one of them as it is now. */
export function withAlert(alerts: readonly Alert[], changed: Alert): Alert[] {
  return alerts.map(alert => (alert.id === changed.id ? changed : alert))
}

/** The list with an alert as it is now: away when it has left this state, else in its place, on top when it is new. */
export function placed(alerts: readonly Alert[], alert: Alert, state: Alert['state']): readonly Alert[] {
  if (alert.state !== state) return alerts.filter(({ id }) => id !== alert.id)
  return alerts.some(({ id }) => id === alert.id)
    ? alerts.map(one => (one.id === alert.id ? alert : one))
    : [alert, ...alerts]
}

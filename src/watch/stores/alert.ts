import { isMoreUrgent } from '../severities.ts'
import type { Alert, NewAlert } from '../store.ts'

/** So many of each state are counted: whoever looks every few seconds must not read a million rows. */
export const mostCounted = 10_000

/** Whether a sighting belongs to this alert: it is not closed, and was not quiet for long. */
export function goesOn(alert: Alert, { at }: NewAlert, quietMs: number): boolean {
  return alert.state !== 'closed' && at - alert.lastAt < quietMs
}

/** The alert, seen once more. */
export function seenAgain(alert: Alert, { severity, at, evidence }: NewAlert): Alert {
  return {
    ...alert,
    severity: isMoreUrgent(severity, alert.severity) ? severity : alert.severity,
    count: alert.count + 1,
    firstAt: Math.min(alert.firstAt, at),
    lastAt: Math.max(alert.lastAt, at),
    evidence,
  }
}

/** The alert at its beginning. */
export function opened({ at, ...alert }: NewAlert): Alert {
  return { ...alert, state: 'open', count: 1, firstAt: at, lastAt: at, moved: null }
}

/** The alert after somebody, or with `null` a newer alert, moved it on; `null` when it is not in a state to move from. */
export function movedOn(alert: Alert, to: 'acknowledged' | 'closed', by: string | null, at: number): Alert | null {
  const mayMove = alert.state === 'open' || (alert.state === 'acknowledged' && to === 'closed')
  return mayMove ? { ...alert, state: to, moved: { by, at } } : null
}

import type { Severity } from '../session/events.ts'

/** Severities from the least urgent to the most: the one list of them. */
export const severities: readonly Severity[] = ['info', 'warning', 'alert']

/** Whether the one is more urgent than the other. */
export function isMoreUrgent(one: Severity, other: Severity): boolean {
  return severities.indexOf(one) > severities.indexOf(other)
}

/** A severity and all that are more urgent. */
export function atLeast(severity: Severity): readonly Severity[] {
  return severities.slice(severities.indexOf(severity))
}

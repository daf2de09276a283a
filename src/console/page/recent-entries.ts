/** The newest entries of the trail, so many and no more, however fast they come. */
import type { AuditEntry, Severity } from '../api.ts'

/** Entries newest first. */
export interface RecentEntries {
  /** So many and no more. */
  readonly entries: readonly AuditEntry[]
  /** How many came since the page was opened, those that were pushed out included. */
  readonly received: number
}

/** None yet. */
export const noEntries: RecentEntries = { entries: [], received: 0 }

/** Which entries are shown. */
export interface EntryFilter {
  /** At least so urgent; `info` is all. */
  readonly severity: Severity
  /** Only this type; `''` is every type. */
  readonly type: string
}

/** One and the same on every page and in the feed. */
export function keyOf({ chain, seq }: AuditEntry): string {
  return `${chain}:${seq}`
}

/** With entries that came, in whatever order; one that is there already (a feed that came back repeats some) is no new one. */
export function withEntries(recent: RecentEntries, came: readonly AuditEntry[], most: number): RecentEntries {
  const known = new Set(recent.entries.map(keyOf))
  const fresh = came.filter(entry => {
    const key = keyOf(entry)
    return !known.has(key) && known.add(key)
  })
  if (fresh.length === 0) return recent
  const entries = [...fresh, ...recent.entries].sort(newestFirst).slice(0, most)
  return { entries, received: recent.received + fresh.length }
}

const urgency: Record<Severity, number> = { info: 0, warning: 1, alert: 2 }

/** Whether an entry passes a filter. */
export function passes({ severity, type }: AuditEntry, filter: EntryFilter): boolean {
  return urgency[severity] >= urgency[filter.severity] && (filter.type === '' || filter.type === type)
}

function newestFirst(a: AuditEntry, b: AuditEntry): number {
  return b.at - a.at || (a.chain === b.chain ? b.seq - a.seq : a.chain < b.chain ? 1 : -1)
}

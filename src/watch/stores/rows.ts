import { fromColumn, toColumn, toColumnOrNull } from '../../databases/column-text.ts'
import type { Severity } from '../../session/events.ts'
import type { AuditEntry } from '../entry.ts'
import type { Heads } from '../events.ts'
import { severities } from '../severities.ts'
import type { Alert, Seen } from '../store.ts'

/** A row, as a database client gives it: PostgreSQL's numbers come as texts. */
export type Row = readonly (string | number | null | undefined)[]

/** What a column takes. */
export type Value = string | number | null

/** The columns of an entry, in the order in which every statement names them. */
export const entryColumns: readonly string[] = [
  'chain',
  'seq',
  'at',
  'type',
  'severity',
  'sid',
  'user_id',
  'address',
  'user_agent',
  'detail',
  'mac',
]

/** The last instant that a date can show (ECMA-262). */
export const longestTime = 8.64e15

/** The entries in rows. Rows that nobody can have written so are left out, and counted. */
export function readable(rows: readonly Row[]): {
  readonly entries: readonly AuditEntry[]
  readonly unreadable: number
} {
  const entries = rows.flatMap(row => readOrNull(() => toEntry(row)) ?? [])
  return { entries, unreadable: rows.length - entries.length }
}

/** The heads in rows of chain, number and MAC, as far as somebody can have written them so. */
export function headsIn(rows: readonly Row[]): Heads {
  const heads = rows.map(([chain, seq, mac]) => readOrNull(() => headIn(chain, seq, mac)))
  return Object.fromEntries(heads.filter(head => head !== null))
}

/** The entry in a row of them; throws when nobody can have written it so. The severity is a number, for comparing. */
export function toEntry(row: Row): AuditEntry {
  const [chain, seq, at, type, severity, sid, userId, address, userAgent, detail, mac] = row
  return {
    chain: chainIn(chain),
    seq: seqIn(seq),
    at: instantIn(at),
    // What a newer Latchkey wrote is told by its own name, too.
    type: text(type) as AuditEntry['type'],
    severity: severityIn(severity),
    sid: textOrNull(sid),
    userId: textOrNull(userId),
    address: textOrNull(address),
    userAgent: textOrNull(userAgent),
    detail: json<AuditEntry['detail']>(detail),
    mac: text(mac),
  }
}

/** The columns of an alert, in the order in which every statement names them. */
export const alertColumns =
  'id, detector, fingerprint, severity, sid, user_id, address, evidence, state, count, first_at, last_at, moved_by, moved_at'

/** An alert as parameters, in the order of the columns. */
export function toAlertRow(alert: Alert): Value[] {
  const { id, detector, fingerprint, severity, sid, userId, address, evidence, state, count, firstAt, lastAt } = alert
  return [
    toColumn(id),
    detector,
    toColumn(fingerprint),
    severities.indexOf(severity),
    toColumnOrNull(sid),
    toColumnOrNull(userId),
    toColumnOrNull(address),
    JSON.stringify(evidence),
    state,
    count,
    firstAt,
    lastAt,
    toColumnOrNull(alert.moved?.by ?? null),
    alert.moved?.at ?? null,
  ]
}

/** The alert in a row; throws when nobody can have written it so. */
export function toAlert(row: Row): Alert {
  const [id, detector, fingerprint, severity, sid, userId, address, evidence, state, count, firstAt, lastAt, by, at] =
    row
  return {
    id: text(id),
    detector: text(detector) as Alert['detector'],
    fingerprint: text(fingerprint),
    severity: severityIn(severity),
    sid: textOrNull(sid),
    userId: textOrNull(userId),
    address: textOrNull(address),
    evidence: json<Alert['evidence']>(evidence),
    state: stateIn(state),
    count: whole(count),
    firstAt: whole(firstAt),
    lastAt: whole(lastAt),
    moved: at === null ? null : { by: textOrNull(by), at: whole(at) },
  }
}

/** A window as JSON: its members in their order. */
export function toMembers(window: readonly Seen[]): string {
  return JSON.stringify(window.map(({ member, firstAt, lastAt }) => [member, firstAt, lastAt]))
}

/** The window in such a text. */
export function membersIn(column: Row[number]): readonly Seen[] {
  return json<[string, number, number][]>(column).map(([member, firstAt, lastAt]) => ({ member, firstAt, lastAt }))
}

/** A text that was stored with `toColumn`. */
export function text(column: Row[number]): string {
  if (typeof column === 'string') return fromColumn(column)
  throw new Error('A row of the watch store is damaged: a text is none.')
}

/** A whole number. */
export function whole(column: Row[number]): number {
  const number = real(column)
  if (Number.isSafeInteger(number)) return number
  throw new Error('A row of the watch store is damaged: a number is none.')
}

/** A number. */
export function real(column: Row[number]): number {
  const number = typeof column === 'string' || typeof column === 'number' ? Number(column) : Number.NaN
  if (Number.isFinite(number)) return number
  throw new Error('A row of the watch store is damaged: a number is none.')
}

function headIn(chain: Row[number], seq: Row[number], mac: Row[number]): [string, Heads[string]] {
  return [chainIn(chain), { seq: seqIn(seq), mac: text(mac) }]
}

/** What can be read, or `null`. */
export function readOrNull<T>(read: () => T): T | null {
  try {
    return read()
  } catch {
    return null
  }
}

/** Such as a cursor takes, or a name that somebody made up would end a list. */
function chainIn(column: Row[number]): string {
  const chain = text(column)
  if (/^[\w-]{1,64}$/.test(chain)) return chain
  throw new Error('A row of the watch store is damaged: the name of its chain is none.')
}

function seqIn(column: Row[number]): number {
  const seq = whole(column)
  if (seq >= 1) return seq
  throw new Error('A row of the watch store is damaged: its number is none.')
}

function instantIn(column: Row[number]): number {
  const at = whole(column)
  if (Math.abs(at) <= longestTime) return at
  throw new Error('A row of the watch store is damaged: its instant is none.')
}

function textOrNull(column: Row[number]): string | null {
  return column === null ? null : text(column)
}

function json<T extends object>(column: Row[number]): T {
  const value: unknown = typeof column === 'string' ? JSON.parse(column) : null
  if (typeof value === 'object' && value !== null) return value as T
  throw new Error('A row of the watch store is damaged: what should be JSON is none.')
}

function severityIn(column: Row[number]): Severity {
  const severity = severities[whole(column)]
  if (severity) return severity
  throw new Error('A row of the watch store is damaged: its severity is none.')
}

function stateIn(column: Row[number]): Alert['state'] {
  if (column === 'open' || column === 'acknowledged' || column === 'closed') return column
  throw new Error('A row of the watch store is damaged: its state is none.')
}

import { fromColumn, toColumn } from '../../databases/column-text.ts'
import type { FactorKind, FactorRecord, FailureCount } from '../store.ts'

/** The columns of a factor, in the order in which every statement names them. */
export const factorColumns = 'id, user_id, kind, version, label, created_at, last_used_at, body'

/** A row of them, as a database client gives it: PostgreSQL's whole numbers come as texts. */
export type Row = readonly (string | number | null | undefined)[]

/** A record as parameters, in the order of the columns. */
export function toRow(record: FactorRecord): (string | number | null)[] {
  const { id, userId, kind, version, label, createdAt, lastUsedAt, body } = record
  return [toColumn(id), toColumn(userId), kind, version, toColumn(label), createdAt, lastUsedAt, toColumn(body)]
}

/** The record in a row; throws when nobody can have written it as a record: from a damaged factor nothing may follow. */
export function toRecord(row: Row): FactorRecord {
  const [id, userId, kind, version, label, createdAt, lastUsedAt, body] = row
  return {
    id: text(id),
    userId: text(userId),
    kind: kindIn(kind),
    version: whole(version),
    label: text(label),
    createdAt: whole(createdAt),
    lastUsedAt: lastUsedAt === null ? null : whole(lastUsedAt),
    body: text(body),
  }
}

/** The records in rows, oldest first; those of the same millisecond by id. */
export function toRecords(rows: readonly Row[]): FactorRecord[] {
  return rows.map(toRecord).sort(byAge)
}

/** Oldest first; those of the same millisecond by id. */
export function byAge(one: FactorRecord, other: FactorRecord): number {
  return one.createdAt - other.createdAt || (one.id < other.id ? -1 : 1)
}

/** The count of this key in a row of version, failures and instant. */
export function toCount(key: string, [version, failures, failedAt]: Row): FailureCount {
  return { key, version: whole(version), failures: whole(failures), failedAt: whole(failedAt) }
}

function text(column: Row[number]): string {
  if (typeof column === 'string') return fromColumn(column)
  throw new Error('A row of the factor store is damaged: a text is none.')
}

function whole(column: Row[number]): number {
  const number = typeof column === 'string' || typeof column === 'number' ? Number(column) : Number.NaN
  if (Number.isSafeInteger(number)) return number
  throw new Error('A row of the factor store is damaged: a number is none.')
}

function kindIn(column: Row[number]): FactorKind {
  if (column === 'totp' || column === 'passkey' || column === 'recovery') return column
  throw new Error('A row of the factor store is damaged: its kind is none.')
}

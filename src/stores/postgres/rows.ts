import { fromColumn, toColumn } from '../../databases/column-text.ts'
import type { Row } from '../../databases/postgres/pool.ts'
import type { EndMark, StoredRecord } from '../../session/store.ts'
import { CorruptRecord } from '../corrupt-record.ts'

/** The columns of a record, in the order in which every statement here names them. */
export const columns = 'sid, version, user_id, created_at, last_seen_at, expires_at, ended, body'

/** A record as parameters, in the order of the columns. */
export function toRow({
  sid,
  version,
  userId,
  createdAt,
  lastSeenAt,
  expiresAt,
  ended,
  body,
}: StoredRecord): unknown[] {
  const user = userId === null ? null : toColumn(userId)
  const mark = ended === null ? null : JSON.stringify(ended)
  return [toColumn(sid), version, user, createdAt, lastSeenAt, expiresAt, mark, toColumn(body)]
}

/** The record in a row; throws a `CorruptRecord` when nobody can have written it as a record. */
export function toRecord(row: Row): StoredRecord {
  const [sid, version, userId, createdAt, lastSeenAt, expiresAt, ended, body] = row
  try {
    return {
      sid: fromColumn(text(sid)),
      version: whole(version),
      userId: userId === null ? null : fromColumn(text(userId)),
      createdAt: whole(createdAt),
      lastSeenAt: whole(lastSeenAt),
      expiresAt: whole(expiresAt),
      ended: ended === null ? null : markIn(text(ended)),
      body: fromColumn(text(body)),
    }
  } catch (cause) {
    throw new CorruptRecord(`The record of session ${JSON.stringify(sid)} in PostgreSQL is damaged.`, { cause })
  }
}

/** The records in rows; throws when one is damaged. */
export function toRecords(rows: readonly Row[]): StoredRecord[] {
  return rows.map(toRecord)
}

function text(column: string | null | undefined): string {
  if (typeof column !== 'string') throw new Error('a column is missing')
  return column
}

function whole(column: string | null | undefined): number {
  const number = Number(text(column))
  if (!Number.isSafeInteger(number)) throw new Error('a number is none')
  return number
}

function markIn(column: string): EndMark {
  const mark: EndMark | null = JSON.parse(column)
  if (typeof mark?.reason !== 'string' || !Number.isFinite(mark.at) || !Number.isFinite(mark.keepUntil)) {
    throw new Error('the mark of its end is none')
  }
  return mark
}

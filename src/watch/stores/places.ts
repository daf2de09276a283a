import { UsageError } from '../../errors.ts'
import type { AuditEntry } from '../entry.ts'
import type { Alert } from '../store.ts'

/** Where an entry stands in the order of the trail: `at`, then chain and number. */
export type TrailPlace = Pick<AuditEntry, 'at' | 'chain' | 'seq'>

/** Where an alert stands in the order of alerts: `lastAt`, then id. */
export type AlertPlace = Pick<Alert, 'lastAt' | 'id'>

/** Below zero when one stands before the other in the order of the trail. */
export function byPlace(one: TrailPlace, other: TrailPlace): number {
  return one.at - other.at || compared(one.chain, other.chain) || one.seq - other.seq
}

/** Below zero when one stands before the other in the order of alerts. */
export function byLastSeen(one: AlertPlace, other: AlertPlace): number {
  return one.lastAt - other.lastAt || compared(one.id, other.id)
}

/** The cursor for what follows this entry. */
export function trailCursor({ at, chain, seq }: TrailPlace): string {
  return `${at}.${seq}.${chain}`
}

/** The cursor for what follows this alert. */
export function alertCursor({ lastAt, id }: AlertPlace): string {
  return `${lastAt}.${id}`
}

/** The place in a cursor, which may come from a client; throws a `UsageError` when there is none. */
export function trailPlaceIn(cursor: string | undefined): TrailPlace | null {
  if (cursor === undefined) return null
  const [, at, seq, chain = ''] = /^(-?\d{1,16})\.(\d{1,16})\.([\w-]{1,64})$/.exec(cursor) ?? nonsense()
  return { at: whole(at), chain, seq: whole(seq) }
}

/** The place in a cursor, which may come from a client; throws a `UsageError` when there is none. */
export function alertPlaceIn(cursor: string | undefined): AlertPlace | null {
  if (cursor === undefined) return null
  const [, lastAt, id = ''] = /^(-?\d{1,16})\.([\w-]{1,64})$/.exec(cursor) ?? nonsense()
  return { lastAt: whole(lastAt), id }
}

/** Throws a `UsageError` when nobody may ask for so many at once. */
export function assertLimit(limit: number, most: number): void {
  if (Number.isSafeInteger(limit) && limit >= 1 && limit <= most) return
  throw new UsageError(`limit is ${limit}: ask for 1 to ${most} at once, and for more with the cursor \`next\`.`)
}

/** A page of what was found when one more than `limit` was asked for. */
export function pageOf<T>(
  found: readonly T[],
  limit: number,
  cursor: (last: T) => string,
): { readonly items: readonly T[]; readonly next: string | null } {
  const items = found.slice(0, limit)
  const last = items.at(-1)
  return { items, next: found.length > limit && last ? cursor(last) : null }
}

function compared(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

function whole(digits: string | undefined): number {
  const number = Number(digits)
  return Number.isSafeInteger(number) ? number : nonsense()
}

function nonsense(): never {
  throw new UsageError(
    'The cursor is none of ours: pass `next` of the page before as it is, or leave it out to begin anew.',
  )
}

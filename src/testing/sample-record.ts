import { randomBytes } from 'node:crypto'
import type { EndMark, StoredRecord } from '../session/store.ts'
import { newSid } from '../session/token.ts'

/** The real time, because a store whose server expires records by itself would drop records from another year. */
const start = Date.now()
const hourMs = 3_600_000

/**
 * A live record as the engine would create it, for tests of stores: a fresh sid of its user, version 1, user `alice`, one hour to
 * live. All samples of a process have the same `createdAt` unless it is overridden.
 */
export function sampleRecord(overrides: Partial<StoredRecord> = {}): StoredRecord {
  return {
    // All sids of a user begin alike, which a store may rely on.
    sid: newSid(randomBytes, overrides.userId === undefined ? 'alice' : overrides.userId),
    version: 1,
    userId: 'alice',
    createdAt: start,
    lastSeenAt: start,
    expiresAt: start + hourMs,
    ended: null,
    body: 'opaque',
    ...overrides,
  }
}

/** A mark of an end as the engine would make it, for tests of stores: signed out, tombstone kept for a day. */
export function sampleMark(overrides: Partial<EndMark> = {}): EndMark {
  return { reason: 'signed-out', at: start + 1, keepUntil: start + 24 * hourMs, ...overrides }
}

import type { CreateResult, SessionPage, StoredRecord } from './store.ts'

/*
 * What a store may answer. A store that answers anything else (a proxy's error page, a record of another shape, nothing)
 * is out of order, and a request that met it ends with 503: from a wrong answer nothing may follow, neither "signed in"
 * nor "signed out" (ASVS 16.5.2).
 */

/** A record, or `null` for none. */
export function isRecordOrNull(answer: unknown): answer is StoredRecord | null {
  return answer === null || isRecord(answer)
}

/** Whether the answer has the shape of a record. Whether it is genuine, the seal tells. */
export function isRecord(answer: unknown): answer is StoredRecord {
  const record = answer as StoredRecord | null
  return (
    typeof record === 'object' &&
    record !== null &&
    typeof record.sid === 'string' &&
    typeof record.body === 'string' &&
    Number.isFinite(record.version) &&
    Number.isFinite(record.createdAt) &&
    Number.isFinite(record.lastSeenAt) &&
    Number.isFinite(record.expiresAt) &&
    (record.ended === null || (typeof record.ended?.reason === 'string' && Number.isFinite(record.ended.at)))
  )
}

/** Records. */
export function areRecords(answer: unknown): answer is StoredRecord[] {
  return Array.isArray(answer) && answer.every(isRecord)
}

/** A page of a directory, of at most so many records. */
export function isPageOf(limit: number): (answer: unknown) => answer is SessionPage {
  return (answer): answer is SessionPage => {
    const page = answer as SessionPage | null
    return (
      areRecords(page?.records) && page.records.length <= limit && (page.next === null || typeof page.next === 'string')
    )
  }
}

/** The outcome of `create`. */
export function isCreateResult(answer: unknown): answer is CreateResult {
  const result = answer as CreateResult | null
  switch (result?.outcome) {
    case 'created':
      return areRecords(result.evicted)
    case 'exists':
    case 'overtaken':
    case 'limit':
      return true
    default:
      return false
  }
}

/** The outcome of `save`. */
export function isSaveResult(answer: unknown): answer is 'saved' | 'conflict' | 'gone' {
  return answer === 'saved' || answer === 'conflict' || answer === 'gone'
}

/** A count or a generation. */
export function isCount(answer: unknown): answer is number {
  return Number.isFinite(answer)
}

/** Nothing is said, so nothing can be wrong. */
export function isAnything(_answer: unknown): _answer is unknown {
  return true
}

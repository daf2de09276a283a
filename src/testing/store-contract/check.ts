import assert from 'node:assert/strict'
import type { EndMark, SessionStore, StoredRecord } from '../../session/store.ts'
import { sampleRecord } from '../sample-record.ts'

/** Registers one sentence of the contract as a test that runs against a fresh, empty store and closes it afterwards. */
export type Check = (sentence: string, run: (store: SessionStore) => Promise<void>) => void

/** Puts a sample record into the store and returns it. */
export async function put(store: SessionStore, overrides: Partial<StoredRecord> = {}): Promise<StoredRecord> {
  const record = sampleRecord(overrides)
  assert.deepEqual(await store.create(record, { now: record.createdAt }), { outcome: 'created', evicted: [] })
  return record
}

/** The next version of a record, with some fields changed: what `save` takes. */
export function next(record: StoredRecord, changes: Partial<StoredRecord> = {}): StoredRecord {
  return { ...record, version: record.version + 1, ...changes }
}

/** What a record must look like after it was ended with this mark. */
export function tombstone(record: StoredRecord, mark: EndMark): StoredRecord {
  return { ...record, version: record.version + 1, ended: mark, expiresAt: mark.keepUntil, body: '' }
}

/** The sids of records, sorted, for comparing sets. */
export function sids(records: readonly StoredRecord[]): string[] {
  return records.map(record => record.sid).sort()
}

/** How often each answer was given. */
export function tally(answers: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const answer of answers) counts[answer] = (counts[answer] ?? 0) + 1
  return counts
}

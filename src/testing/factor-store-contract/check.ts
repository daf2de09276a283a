import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { FactorRecord, FactorStore, FailureCount } from '../../mfa/store.ts'

/** Registers one sentence of the contract as a test that runs against a fresh, empty store and closes it afterwards. */
export type FactorCheck = (sentence: string, run: (store: FactorStore) => Promise<void>) => void

const start = Date.UTC(2030, 0, 1)

/** A factor as it would be created, for tests of stores: a fresh id, version 1, user `alice`. */
export function sampleFactor(overrides: Partial<FactorRecord> = {}): FactorRecord {
  return {
    id: randomBytes(16).toString('base64url'),
    userId: 'alice',
    kind: 'totp',
    version: 1,
    label: 'My phone',
    createdAt: start,
    lastUsedAt: null,
    body: 'opaque',
    ...overrides,
  }
}

/** A first failure, for tests of stores: version 1 under the key `alice`. */
export function sampleFailures(overrides: Partial<FailureCount> = {}): FailureCount {
  return { key: 'alice', version: 1, failures: 1, failedAt: start, ...overrides }
}

/** Puts a sample factor into the store and returns it. */
export async function put(store: FactorStore, overrides: Partial<FactorRecord> = {}): Promise<FactorRecord> {
  const record = sampleFactor(overrides)
  assert.equal(await store.create(record), 'created')
  return record
}

/** The next version of a record, with some fields changed: what `save` takes. */
export function next(record: FactorRecord, changes: Partial<FactorRecord> = {}): FactorRecord {
  return { ...record, version: record.version + 1, ...changes }
}

/** How often each answer was given. */
export function tally(answers: readonly unknown[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const answer of answers) counts[String(answer)] = (counts[String(answer)] ?? 0) + 1
  return counts
}

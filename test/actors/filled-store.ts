import type { FactorProof, SessionStore, StoredRecord } from 'latchkey'
import { sampleRecord } from 'latchkey/testing'
import { encodeBody } from '../../src/session/body.ts'

/** What is special about a session that nobody had to sign in for. */
export interface Filling {
  readonly userId?: string | null
  readonly address?: string | null
  readonly userAgent?: string | null
  readonly amr?: readonly string[]
  readonly program?: boolean
  readonly createdAt?: number
  /** The record's body as it stands in the store, however damaged. */
  readonly body?: string
}

/** A record as the engine writes it, of a session that began at this instant. */
export function recordOf(now: number, filling: Filling = {}): StoredRecord {
  const { userId = 'alice', address = '192.0.2.1', userAgent = 'Test/1.0', amr = ['pwd'], program = false } = filling
  const createdAt = filling.createdAt ?? now
  const aal = amr.length > 1 ? 2 : 1
  const proofs = userId === null ? [] : amr.map((method): FactorProof => ({ method, at: createdAt, aal }))
  const body = encodeBody({
    proofs,
    pending: null,
    challenges: [],
    persistent: false,
    bearer: program ? { clientId: 'mobile', keyThumbprint: null } : null,
    client: { address, userAgent },
    secret: { hash: 'h', keyId: 'k', issuedAt: createdAt },
    retired: [],
    data: 'sealed',
  })
  const times = { createdAt, lastSeenAt: createdAt, expiresAt: createdAt + 8 * 3_600_000 }
  return sampleRecord({ userId, ...times, body: filling.body ?? body })
}

/** Puts such records into a store, in this order. */
export async function fill(store: SessionStore, now: number, fillings: readonly Filling[]): Promise<StoredRecord[]> {
  const records = fillings.map(filling => recordOf(now, filling))
  for (const record of records) await store.create(record, { now })
  return records
}

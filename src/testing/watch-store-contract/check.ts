import { randomBytes } from 'node:crypto'
import type { AuditEntry } from '../../watch/entry.ts'
import type { NewAlert, WatchStore, Windows } from '../../watch/store.ts'

/** Registers one sentence of the contract as a test that runs against a fresh, empty store and closes it afterwards. */
export type WatchCheck = (sentence: string, run: (store: WatchStore) => Promise<void>) => void

/** The same for windows and counters alone. */
export type WindowsCheck = (sentence: string, run: (store: Windows) => Promise<void>) => void

/** Calls that run at the same time. */
export const fifty: readonly number[] = Array.from({ length: 50 }, (_, i) => i)

const start = Date.UTC(2030, 0, 1)

/** An entry of the audit trail, for tests of watch stores: the first of a fresh chain, about user `alice`. */
export function sampleEntry(overrides: Partial<AuditEntry> = {}): AuditEntry {
  return {
    chain: randomId(),
    seq: 1,
    at: start,
    type: 'session.created',
    severity: 'info',
    sid: randomId(),
    userId: 'alice',
    address: '192.0.2.7',
    userAgent: 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0',
    detail: {},
    mac: randomBytes(32).toString('base64url'),
    ...overrides,
  }
}

/** The first `length` entries of one fresh chain, a second apart. */
export function sampleChain(length: number, overrides: Partial<AuditEntry> = {}): AuditEntry[] {
  const chain = randomId()
  return Array.from({ length }, (_, i) => sampleEntry({ chain, seq: i + 1, at: start + i * 1_000, ...overrides }))
}

/** An alert that begins, for tests of watch stores: a fresh id, `two-places` of user `alice`. */
export function sampleAlert(overrides: Partial<NewAlert> = {}): NewAlert {
  return {
    id: randomId(),
    detector: 'two-places',
    fingerprint: 'two-places alice',
    severity: 'warning',
    at: start,
    sid: null,
    userId: 'alice',
    address: null,
    evidence: { places: ['192.0.2.0/24', '198.51.100.0/24'], seconds: 3 },
    ...overrides,
  }
}

/** Random numbers of which every run has the same. */
export function fixedRandom(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

function randomId(): string {
  return randomBytes(16).toString('base64url')
}

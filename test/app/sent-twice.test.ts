import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { SessionInfo } from 'latchkey'
import type { FactorInfo } from 'latchkey/mfa'
import { wasSentTwice } from '../../app/sent-twice.ts'

const now = 1_000_000

/** A factor that was right so long ago, a session whose proof is that old by now, and what is said of a refused code. */
async function judged(usedAgoMs: number | null, provedAt: number | null, session: 'there' | 'gone' | 'unknown') {
  const lastUsedAt = usedAgoMs === null ? null : now - usedAgoMs
  const factor: FactorInfo = { id: 'f', kind: 'totp', label: '', createdAt: 0, lastUsedAt, codesLeft: null }
  const parts = {
    factors: { list: async () => [factor] },
    sessions: {
      find: async () => {
        if (session === 'unknown') throw new Error('the store is down')
        return session === 'gone' ? null : ({ authenticatedAt: provedAt } as SessionInfo)
      },
    },
    clock: () => now,
  }
  return wasSentTwice(parts, { id: 'S1', authenticatedAt: 500 }, 'student123')
}

describe('A code that was refused', () => {
  const cases: [
    name: string,
    usedAgoMs: number | null,
    provedAt: number | null,
    at: Parameters<typeof judged>[2],
    boolean,
  ][] = [
    ['is a form sent twice where the other one signed in', 30, null, 'gone', true],
    ['is a form sent twice where the other one proved it in this session', 30, now, 'there', true],
    ['is told where somebody saw a right code and sends it from elsewhere', 30, 500, 'there', false],
    ['is told where a guesser ends their session beside the guess', null, null, 'gone', false],
    ['is told a while after the right one', 5_000, null, 'gone', false],
    ['is told when the store cannot say', 30, null, 'unknown', false],
  ]
  for (const [name, usedAgoMs, provedAt, at, expected] of cases)
    it(`CS-M3: ${name}`, async () => assert.equal(await judged(usedAgoMs, provedAt, at), expected))
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createSessions } from 'latchkey'
import { memoryFactors } from 'latchkey/mfa/stores/memory'
import { memoryStore } from 'latchkey/stores/memory'
import { sealedStore } from 'latchkey/stores/sealed'
import { campusFactors } from '../../app/open-factors.ts'
import type { SessionData } from '../../app/session-data.ts'

const secrets = ['jJ4kU0aVtq1cTgS8Zb5xYw2nRm7LhEoP']

describe('Passkeys of Campus', () => {
  const cases: [origin: string | null, passkeys: boolean][] = [
    ['https://campus.example', true],
    ['https://campus.example:8443', true],
    ['https://localhost:8443', true],
    ['http://localhost:8443', true],
    ['http://campus.example', false],
    ['https://192.0.2.1', false],
    ['https://[2001:db8::1]:8443', false],
    [null, false],
  ]
  for (const [origin, passkeys] of cases) {
    it(`${passkeys ? 'are' : 'are not'} offered at ${origin ?? 'an address that nobody knows'}`, () => {
      const sessions = createSessions<SessionData>({ secrets, store: memoryStore(), environment: 'development' })
      const offered = campusFactors(sessions, memoryFactors(), origin)
      assert.deepEqual([offered.offered, offered.passkeys], [true, passkeys])
    })
  }

  it('nor any other second factor are offered where cookies carry all there is', () => {
    const sessions = createSessions<SessionData>({ secrets, store: sealedStore() })
    const offered = campusFactors(sessions, memoryFactors(), 'https://campus.example')
    assert.deepEqual([offered.offered, offered.passkeys], [false, false])
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type AssuranceLevel, levelOf } from '../../src/session/assurance.ts'

const levels: readonly (readonly [amr: string[], level: AssuranceLevel])[] = [
  [[], 1],
  [['pwd'], 1],
  [['otp'], 1],
  [['face'], 1],
  [['pwd', 'pin'], 1],
  [['pwd', 'pwd'], 1],
  [['otp', 'sms'], 1],
  [['pwd', 'unknown'], 1],
  [['toString', 'pwd'], 1],
  [['__proto__', 'constructor'], 1],
  [['pwd', 'otp'], 2],
  [['pin', 'hwk'], 2],
  [['hwk', 'fpt'], 2],
  [['pwd', 'face'], 2],
  [['mfa'], 2],
  [['pwd', 'otp', 'fpt'], 2],
]

describe('level of assurance', () => {
  for (const [amr, level] of levels) {
    it(`6.8.4: ${JSON.stringify(amr)} reaches level ${level}`, () => assert.equal(levelOf(amr), level))
  }

  it('ASVS 6.3.6: an e-mail is no factor, whatever it is called', () => {
    for (const method of ['email', 'mail', 'e-mail', 'link']) {
      assert.equal(levelOf([method]), 1)
      assert.equal(levelOf(['pwd', method]), 1)
    }
  })

  it('level 3 is never concluded: only the application knows whether hardware resists phishing', () => {
    const all = ['pwd', 'pin', 'kba', 'otp', 'hwk', 'swk', 'pop', 'sc', 'face', 'fpt', 'iris', 'retina', 'vbm', 'mfa']
    assert.equal(levelOf(all), 2)
  })
})

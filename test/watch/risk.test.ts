import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type RiskCounts, type RiskLevel, riskScore } from '../../src/watch/risk.ts'

const level = (user: number, all: number, change: number): RiskLevel => ({ user, all, change })

describe('the risk score', () => {
  // Worked out by hand: crowd = (all + 1) / (wider all + 2), own = (user + change × crowd) / (wider user + change), crowd / own.
  const worked: readonly (readonly [name: string, counts: RiskCounts, score: number])[] = [
    ['nobody knows the user: like anybody', { user: 0, all: 98, chains: [[level(0, 49, 1)]] }, 1],
    // crowd = 50/100 = 0.5, own = (8 + 0.5) / 9
    ['the user always does what half of all do', { user: 8, all: 98, chains: [[level(8, 49, 1)]] }, 0.5 / (8.5 / 9)],
    // crowd = 0.5, own = 0.5 / 9
    ['the user never did what half of all do', { user: 8, all: 98, chains: [[level(0, 49, 1)]] }, 9],
    // crowd = 0.01, own = 0.01 / 9: as unlike the user as what half of all do, because it is also unlikely for a thief
    ['the user never did what nobody does', { user: 8, all: 98, chains: [[level(0, 0, 1)]] }, 9],
    // 160 sign-ins count as 16: crowd = 0.5, own = 0.5 / 17
    ['more than 16 sign-ins count as 16', { user: 160, all: 98, chains: [[level(0, 49, 1)]] }, 17],
    // wide: 9. narrow: its wider level was never the user's, so own = crowd and the ratio is 1
    [
      'what is new counts once, not again for what lies in it',
      { user: 8, all: 98, chains: [[level(0, 49, 1), level(0, 9, 1)]] },
      9,
    ],
    // wide: 0.5 / (8.5/9). narrow: crowd = 10/51, own = (10/51) / 9 → 9
    [
      'a new network in a country that is the user’s',
      { user: 8, all: 98, chains: [[level(8, 49, 1), level(0, 9, 1)]] },
      (0.5 / (8.5 / 9)) * 9,
    ],
    ['two chains are multiplied', { user: 8, all: 98, chains: [[level(0, 49, 1)], [level(0, 9, 0.5)]] }, 9 * 17],
    ['nothing is known of the sign-in', { user: 8, all: 98, chains: [[], []] }, 1],
  ]
  for (const [name, counts, score] of worked) {
    it(name, () => {
      assert.ok(Math.abs(riskScore(counts) - score) < 1e-9, `${riskScore(counts)} is not ${score}`)
    })
  }

  it('is a number above 0, whatever the counters hold, even such as never were', () => {
    const count = fc.nat({ max: 1_000_000 })
    const levels = fc.array(
      fc.record({ user: count, all: count, change: fc.double({ min: 0.1, max: 50, noNaN: true }) }),
      {
        maxLength: 5,
      },
    )
    fc.assert(
      fc.property(count, count, fc.array(levels, { maxLength: 3 }), (user, all, chains) => {
        const score = riskScore({ user, all, chains })
        assert.ok(score > 0 && Number.isFinite(score))
      }),
    )
  })

  it('the more often the user did it, the lower', () => {
    fc.assert(
      fc.property(fc.nat({ max: 15 }), count => {
        const score = (user: number) => riskScore({ user: 16, all: 1_000, chains: [[level(user, 100, 1)]] })
        assert.ok(score(count + 1) < score(count))
      }),
    )
  })
})

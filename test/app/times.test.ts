import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { assert as holds, integer, property } from 'fast-check'
import { clockTime, relativeTime } from '../../app/times.ts'

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour
const now = Date.UTC(2026, 10, 21, 14, 5, 59)

describe('An instant for people', () => {
  const cases: [distance: number, text: string][] = [
    [14 * day, 'in 14 days'],
    [14 * day - 1, 'in 13 days 23 h'],
    [day + hour, 'in 1 day 1 h'],
    [day - 1, 'in 23 h 59 min'],
    [8 * hour, 'in 8 hours'],
    [8 * hour - 1, 'in 7 h 59 min'],
    [6 * hour + 31 * minute, 'in 6 h 31 min'],
    [hour + minute, 'in 1 h 1 min'],
    [hour - 1, 'in 59 minutes'],
    [15 * minute, 'in 15 minutes'],
    [15 * minute - 1, 'in 14 minutes'],
    [2 * minute, 'in 2 minutes'],
    [2 * minute - 1, 'in 119 seconds'],
    [second, 'in 1 second'],
    [second - 1, 'now'],
    [0, 'just now'],
    [-9 * second, 'just now'],
    [-10 * second, '10 seconds ago'],
    [-59 * minute, '59 minutes ago'],
    [-(84 * minute + 59 * second), '1 h 24 min ago'],
  ]
  for (const [distance, text] of cases)
    it(`seen from ${distance} ms before it, is "${text}"`, () => {
      assert.equal(relativeTime(now + distance, now), text)
    })

  it('is never further away in words than it is, and closer by less than the smallest unit that is named', () => {
    const ahead = integer({ min: 1, max: 40 * day })
    holds(
      property(ahead, distance => {
        const lost = distance - lengthOf(relativeTime(now + distance, now))
        assert.ok(lost >= 0)
        assert.ok(lost < (distance < 2 * minute ? second : distance < day ? minute : hour))
      }),
    )
  })

  it('is on the clock never later than it is', () => {
    assert.equal(clockTime(now), '21 Nov, 14:05 UTC')
  })
})

/** The milliseconds that a text promises. */
function lengthOf(text: string): number {
  const units: Record<string, number> = { day, h: hour, min: minute, second }
  return [...text.matchAll(/(\d+) (day|h|min|second)/g)].reduce(
    (sum, [, amount, unit = '']) => sum + Number(amount) * (units[unit] ?? Number.NaN),
    0,
  )
}

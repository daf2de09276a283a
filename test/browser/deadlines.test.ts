import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type Deadlines, never, pauseAfter, phaseAt, warningLength } from '../../src/browser/deadlines.ts'

const minute = 60_000

/** 15 minutes idle, 8 hours in all, asked at 0. */
const usual: Deadlines = { askedAt: 0, idleIn: 15 * minute, endsIn: 480 * minute, warnMs: minute }
const nearEnd: Deadlines = { ...usual, endsIn: 10 * minute }

describe('The phase of a session, as a page knows it', () => {
  for (const [name, deadlines, now, expected] of [
    ['freshly asked', usual, 0, { name: 'quiet', since: 0, until: 14 * minute }],
    ['just before the warning', usual, 14 * minute - 1, { name: 'quiet', since: 0, until: 14 * minute }],
    ['at the warning', usual, 14 * minute, { name: 'idle', since: 14 * minute, until: 15 * minute }],
    [
      'a millisecond before it is over',
      usual,
      15 * minute - 1,
      { name: 'idle', since: 14 * minute, until: 15 * minute },
    ],
    ['idle for too long', usual, 15 * minute, { name: 'over', since: 15 * minute, until: never }],
    ['slept through the warning', usual, 90 * minute, { name: 'over', since: 15 * minute, until: never }],
    ['before the absolute end', nearEnd, 9 * minute, { name: 'end', since: 9 * minute, until: 10 * minute }],
    ['at the absolute end', nearEnd, 10 * minute, { name: 'over', since: 10 * minute, until: never }],
    [
      'both at once: extending would not help',
      { ...usual, endsIn: 15 * minute },
      14 * minute,
      { name: 'end', since: 14 * minute, until: 15 * minute },
    ],
    ['no deadline at all', { ...usual, idleIn: null, endsIn: null }, 1e15, { name: 'quiet', since: 0, until: never }],
    ['no idle time-out', { ...usual, idleIn: null }, 20 * minute, { name: 'quiet', since: 0, until: 479 * minute }],
    [
      'asked when there was less left than the warning takes',
      { ...usual, idleIn: 1_000 },
      0,
      { name: 'idle', since: -59_000, until: 1_000 },
    ],
    ['signed in, but with nothing left', { ...usual, idleIn: 0 }, 0, { name: 'idle', since: -59_000, until: 1_000 }],
    ['a clock set back', usual, -minute, { name: 'quiet', since: 0, until: 14 * minute }],
  ] as const)
    it(name, () => assert.deepEqual(phaseAt(now, deadlines), expected))

  it('follows quiet, warning, over, without a gap and never back', () => {
    const length = fc.integer({ min: 1, max: 1e9 })
    const lengthOrNone = fc.option(length)
    fc.assert(
      fc.property(lengthOrNone, lengthOrNone, length, fc.nat(1e9), (idleIn, endsIn, warnMs, askedAt) => {
        const deadlines = { askedAt, idleIn, endsIn, warnMs }
        let phase = phaseAt(askedAt, deadlines)
        const names: string[] = [phase.name]
        while (phase.until !== never) {
          assert.equal(phaseAt(phase.until - 1, deadlines).name, phase.name)
          phase = phaseAt(phase.until, deadlines)
          names.push(phase.name)
        }
        assert.match(names.join(' '), /^(quiet )?(idle over|end over)$|^quiet$/)
      }),
    )
  })
})

it('a warning takes half of the idle time at most', () => {
  assert.deepEqual(
    [
      [minute, 15 * minute],
      [minute, minute],
      [minute, never],
      [20 * minute, 15 * minute],
    ].map(([wished, idle]) => warningLength(wished ?? 0, idle ?? 0)),
    [minute, minute / 2, minute, 7.5 * minute],
  )
})

it('pauses grow up to a minute, however often it failed', () => {
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6, 7, 2_000].map(pauseAfter),
    [2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000],
  )
})

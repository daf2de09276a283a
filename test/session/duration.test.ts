import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { UsageError } from '../../src/errors.ts'
import { type Duration, durationMs, formatDuration } from '../../src/session/duration.ts'

describe('duration', () => {
  const read: readonly (readonly [text: Duration, ms: number])[] = [
    ['1ms', 1],
    ['250ms', 250],
    ['30s', 30_000],
    ['15m', 900_000],
    ['8h', 28_800_000],
    ['30d', 2_592_000_000],
    ['1.5h', 5_400_000],
    ['0.5s', 500],
    ['1.4ms', 1],
  ]
  for (const [text, ms] of read) it(`${text} is ${ms} ms`, () => assert.equal(durationMs(text, 'x'), ms))

  const refused = [
    900,
    '900',
    '',
    '15',
    'm',
    '15 m',
    ' 15m',
    '15m ',
    '15M',
    '-15m',
    '+15m',
    '0s',
    '0.4ms',
    '1e3s',
    '.5h',
  ]
  refused.push('1.h', '1,5h', '15min', '1h30m', 'Infinityd', 'NaNs', '0x10s', `${'9'.repeat(400)}d`, '15m\n')
  for (const text of [...refused, null, undefined, true, Number.NaN, ['15m', '15m']]) {
    it(`${JSON.stringify(text)} is refused with the option and an example`, () => {
      assert.throws(
        () => durationMs(text as Duration, 'policy.idleTimeout'),
        error => error instanceof UsageError && /^policy\.idleTimeout is .*'15m'/.test(error.message),
      )
    })
  }

  it('every whole number of milliseconds is written as an option that reads the same', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 * 86_400_000 }), ms => {
        assert.equal(durationMs(formatDuration(ms), 'x'), ms)
      }),
    )
    assert.deepEqual([900_000, 90_000, 86_400_000, 1_500].map(formatDuration), ['15m', '90s', '1d', '1500ms'])
  })
})

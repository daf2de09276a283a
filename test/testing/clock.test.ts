import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testClock } from 'latchkey/testing'

test('a test clock moves only when told, and its `now` works on its own', () => {
  const clock = testClock(1_000)
  const { now } = clock
  assert.equal(now(), 1_000)
  clock.advance('15m')
  assert.equal(now(), 901_000)
  clock.set(5)
  assert.equal(now(), 5, 'backwards, as real clocks do')
})

test('a test clock starts at the same instant every day, and refuses lengths without a unit', () => {
  assert.equal(new Date(testClock().now()).toISOString(), '2030-01-01T00:00:00.000Z')
  // @ts-expect-error a bare number does not compile, and is refused where nobody compiles
  assert.throws(() => testClock().advance(900), { name: 'UsageError' })
})

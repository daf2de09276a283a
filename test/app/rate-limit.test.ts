import assert from 'node:assert/strict'
import { it } from 'node:test'
import { createRateLimit } from '../../app/rate-limit.ts'

const minute = 60_000

function limit(mostKeys = 100) {
  const time = { now: 1_800_000_000_000 }
  const waitOf = createRateLimit({ most: 3, perMs: minute, mostKeys, clock: () => time.now })
  return { time, waitOf }
}

it('A rate limit lets so many through, says how long the others have to wait, and begins anew', () => {
  const { time, waitOf } = limit()
  assert.deepEqual([waitOf('a'), waitOf('a'), waitOf('a')], [0, 0, 0])
  assert.equal(waitOf('a'), 60)
  time.now += 59_500
  assert.equal(waitOf('a'), 1)
  assert.equal(waitOf('b'), 0, 'each key has its own')
  time.now += 500
  assert.deepEqual([waitOf('a'), waitOf('a'), waitOf('a'), waitOf('a')], [0, 0, 0, 60])
})

it('A rate limit remembers so many keys, and forgets the oldest first', () => {
  const { waitOf } = limit(10)
  for (let nth = 0; nth < 4; nth += 1) waitOf('old')
  for (let nth = 0; nth < 9; nth += 1) waitOf(`other ${nth}`)
  assert.equal(waitOf('old'), 60)
  waitOf('one more')
  assert.equal(waitOf('old'), 0)
})

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { problemOf } from '../../app/problem.ts'
import { sessionEnded } from '../../src/errors.ts'

it('a session that ended beside a request: the page claims nothing of what the other request did', () => {
  const { status, title, advice } = problemOf(sessionEnded())
  assert.equal(status, 401)
  assert.doesNotMatch(`${title} ${advice}`, /nothing was changed/i)
  assert.match(advice, /double click.*Look whether/)
})

import assert from 'node:assert/strict'
import { it } from 'node:test'
import { openCampus } from './open-campus.ts'

const json = { 'content-type': 'application/json' }

it('Visitors from one place get 30 sessions a minute for passkey challenges, and no more', async () => {
  const campus = await openCampus()
  const known = campus.visitor()
  assert.equal((await known.sendJson('/api/passkey/sign-in', {})).status, 200)
  const ask = () => campus.visitor().send('POST', '/api/passkey/sign-in', json, '{}')
  const answers = []
  for (let nth = 0; nth < 35; nth += 1) answers.push(await ask())
  assert.deepEqual(
    answers.map(({ status }) => status),
    [...Array(29).fill(200), ...Array(6).fill(429)],
  )
  assert.ok(Number(answers.at(-1)?.headers['retry-after']) <= 60)
  assert.equal(answers.at(-1)?.headers['set-cookie'], undefined)
  assert.equal((await known.sendJson('/api/passkey/sign-in', {})).status, 200, 'a session that is there costs none')
  campus.pass(60_000)
  assert.equal((await ask()).status, 200)
})

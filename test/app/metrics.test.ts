import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type OpenCampus, openCampus, openCampusIn, password } from './open-campus.ts'

const token = 'wQ3tLr8vXz1nKc5bHs7yJd2mGf4pTa6eUo9iRk0lVxY'
const campus = await openCampusIn({ METRICS_TOKEN: token })

/** What Prometheus gets. */
const scrape = (of: OpenCampus, visitor = of.visitor()) => visitor.get('/metrics', { authorization: `Bearer ${token}` })

describe('The metrics of Campus', () => {
  it('are not there without a token to ask for them', async () => {
    const closed = await openCampus()
    const { status, text } = await scrape(closed)
    assert.equal(status, 404)
    assert.match(text, /There is no such page/)
  })

  it('are what prom-client says: every metric, and what has happened', async () => {
    const before = await scrape(campus)
    assert.equal(before.status, 200)
    assert.match(before.headers['content-type'] ?? '', /^text\/plain; version=0\.0\.4/)
    assert.equal(before.headers['cache-control'], 'no-store')
    const visitor = campus.visitor()
    await visitor.signIn('student123', 'wrong')
    await visitor.signIn('student123', password)
    const { text } = await scrape(campus)
    assert.match(text, /^latchkey_failed_sign_ins_total 1$/m)
    assert.match(text, /^latchkey_sign_ins_total\{level="1"\} 1$/m)
    assert.match(text, /^latchkey_trail_dropped_total 0$/m)
    assert.match(text, /^latchkey_store_operation_duration_seconds_count\{operation="\w+"\} \d+$/m)
    assert.doesNotMatch(text, /student123|127\.0\.0\.1/, 'nobody is named')
  })

  for (const [name, authorization] of [
    ['nothing', null],
    ['another token', `Bearer ${token.toLowerCase()}`],
    ['a part of the token', `Bearer ${token.slice(0, -1)}`],
    ['more than the token', `Bearer ${token}x`],
    ['two tokens', `Bearer ${token} ${token}`],
    ['no token', 'Bearer '],
    ['another scheme', `Basic ${token}`],
    ['the token without a scheme', token],
  ] as const) {
    it(`are not told to whoever brings ${name}`, async () => {
      const { status, headers, text } = await campus
        .visitor()
        .get('/metrics', authorization === null ? {} : { authorization })
      assert.equal(status, 401)
      assert.match(headers['www-authenticate'] ?? '', /^Bearer/)
      assert.equal(headers['cache-control'], 'no-store')
      assert.doesNotMatch(text, /latchkey_/)
    })
  }

  it('come in whatever case the scheme is written', async () => {
    assert.equal((await campus.visitor().get('/metrics', { authorization: `bearer ${token}` })).status, 200)
  })

  it('are not for somebody who is signed in, be it an administrator', async () => {
    const visitor = campus.visitor()
    await visitor.signIn('admin', password)
    assert.equal((await visitor.get('/metrics')).status, 401)
  })

  it('touch no session: they begin none, and do not look at a token that is none', async () => {
    const forger = campus.visitor()
    forger.cookies.set('__Host-Http-sid', `abcdefgh.${'A'.repeat(86)}`)
    const created = async () => /^latchkey_sessions_created_total (\d+)$/m.exec((await scrape(campus)).text)?.[1]
    const before = await created()
    const answer = await scrape(campus, forger)
    assert.deepEqual([answer.status, answer.headers['set-cookie']], [200, undefined])
    assert.equal(await created(), before)
    assert.match(answer.text, /^latchkey_events_total\{type="token\.forged"\} 0$/m)
    assert.match((await scrape(campus)).text, /^latchkey_events_total\{type="token\.forged"\} 0$/m)
  })

  it('are of one Campus only, however many a process has', async () => {
    const other = await openCampusIn({ METRICS_TOKEN: token })
    await other.visitor().signIn('instructor', password)
    assert.match((await scrape(other)).text, /^latchkey_sign_ins_total\{level="1"\} 1$/m)
  })
})

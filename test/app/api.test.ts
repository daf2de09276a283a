import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { openCampus, password } from './open-campus.ts'

const minute = 60_000
const campus = await openCampus()
const json = { 'content-type': 'application/json' }
/** Well-formed, and never issued. */
const madeUpToken = `abcdefgh.${'A'.repeat(86)}`
const credentials = JSON.stringify({ username: 'student123', password })

describe('Campus for programs', () => {
  const signedIn = async () => {
    const visitor = campus.visitor()
    assert.equal((await visitor.send('POST', '/api/login', json, credentials)).status, 200)
    return visitor
  }

  it('signs in from curl, with no cookie and no header of a browser', async () => {
    const visitor = campus.visitor()
    const answer = await visitor.send('POST', '/api/login', json, credentials)
    assert.equal(answer.status, 200)
    assert.deepEqual(JSON.parse(answer.text), { message: 'Login successful.', user: { username: 'student123' } })
    assert.ok(visitor.cookies.has('__Host-Http-sid'))
  })

  it('answers wrong credentials with 401', async () => {
    const answer = await campus
      .visitor()
      .send('POST', '/api/login', json, JSON.stringify({ username: 'student123', password: 'x' }))
    assert.equal(answer.status, 401)
    assert.deepEqual(JSON.parse(answer.text), { message: 'Invalid credentials.' })
  })

  it('tells a guest that nobody is signed in', async () => {
    const answer = await campus.visitor().get('/api/check_session')
    assert.equal(answer.status, 401)
    assert.deepEqual(JSON.parse(answer.text), { is_authenticated: false })
  })

  it('tells a user how long the session lasts, and asking does not lengthen it', async () => {
    const visitor = await signedIn()
    campus.pass(10 * minute)
    const answer = JSON.parse((await visitor.get('/api/check_session')).text)
    assert.deepEqual(answer.user, { username: 'student123' })
    assert.equal(answer.is_authenticated, true)
    assert.ok(answer.expires_in > 4 * 60 && answer.expires_in <= 5 * 60, String(answer.expires_in))
    assert.ok(answer.absolute_expires_in > 7.8 * 3600 && answer.absolute_expires_in <= 470 * 60)
    campus.pass(6 * minute)
    assert.equal((await visitor.get('/api/check_session')).status, 401)
  })

  it('gives out CSRF tokens', async () => {
    const answer = await (await signedIn()).get('/csrf-token')
    assert.match(JSON.parse(answer.text).csrf_token, /^[\w-]{64}$/)
    assert.equal(answer.headers['cache-control'], 'no-store')
  })

  it('reads and changes the profile', async () => {
    const visitor = await signedIn()
    const changed = await visitor.sendJson('/api/profile', { about_me: 'by a program' })
    assert.equal(changed.status, 200)
    assert.equal(JSON.parse(changed.text).about_me, 'by a program')
    assert.deepEqual(JSON.parse((await visitor.get('/api/profile')).text), {
      username: 'student123',
      role: 'student',
      about_me: 'by a program',
    })
  })

  it('signs out', async () => {
    const visitor = await signedIn()
    const token = visitor.cookies.get('__Host-Http-sid') ?? ''
    const answer = await visitor.sendJson('/api/logout', {})
    assert.equal(answer.status, 200)
    assert.equal(answer.headers['clear-site-data'], '"storage"')
    visitor.cookies.set('__Host-Http-sid', token)
    assert.equal((await visitor.get('/api/check_session')).status, 401)
  })

  it('signs out without a body', async () => {
    const visitor = await signedIn()
    const { csrf_token } = JSON.parse((await visitor.get('/csrf-token')).text)
    assert.equal((await visitor.send('POST', '/api/logout', { 'x-csrftoken': csrf_token })).status, 200)
  })

  const refused: [
    name: string,
    signedIn: boolean,
    method: string,
    path: string,
    headers: Record<string, string>,
    body: string,
    status: number,
  ][] = [
    ['the profile of nobody', false, 'GET', '/api/profile', {}, '', 401],
    ['a new profile of nobody', false, 'POST', '/api/profile', json, '{"about_me":"x"}', 401],
    ['a new profile without token', true, 'POST', '/api/profile', json, '{"about_me":"x"}', 403],
    ['a sign-out without token', true, 'POST', '/api/logout', {}, '', 403],
    ['a request from another site', true, 'POST', '/api/logout', { 'sec-fetch-site': 'cross-site' }, '', 403],
    ['broken JSON', false, 'POST', '/api/login', json, '{"username":', 400],
    ['JSON that is no object', false, 'POST', '/api/login', json, '"text"', 400],
    ['a list', false, 'POST', '/api/login', json, '[]', 400],
    ['nothing', false, 'POST', '/api/login', json, '', 400],
    ['names that are no text', false, 'POST', '/api/login', json, '{"username":{"$ne":1},"password":["a"]}', 400],
    [
      'names from the prototype',
      false,
      'POST',
      '/api/login',
      json,
      '{"__proto__":{"username":"student123","password":"x"}}',
      400,
    ],
    [
      'a form',
      false,
      'POST',
      '/api/login',
      { 'content-type': 'application/x-www-form-urlencoded' },
      'username=a&password=b',
      415,
    ],
    ['JSON in disguise', false, 'POST', '/api/login', { 'content-type': 'text/plain' }, credentials, 415],
    ['JSON without a type', false, 'POST', '/api/login', {}, credentials, 415],
    [
      'JSON in an unknown character set',
      false,
      'POST',
      '/api/login',
      { 'content-type': 'application/json; charset=klingon' },
      credentials,
      415,
    ],
    ['too much', false, 'POST', '/api/login', json, JSON.stringify({ username: 'x'.repeat(40_000) }), 413],
    ['an address that is not there', false, 'GET', '/api/nothing', {}, '', 404],
    ['a method that is not there', false, 'GET', '/api/login', {}, '', 404],
  ]
  for (const [name, asUser, method, path, headers, body, status] of refused) {
    it(`answers ${name} with ${status}, in JSON`, async () => {
      const visitor = asUser ? await signedIn() : campus.visitor()
      const answer = await visitor.send(method, path, headers, body)
      assert.equal(answer.status, status)
      assert.match(answer.headers['content-type'] ?? '', /^application\/json/)
      assert.equal(typeof JSON.parse(answer.text).message, 'string')
      assert.equal(answer.headers['x-content-type-options'], 'nosniff')
    })
  }

  it('is well, without touching a session', async () => {
    const visitor = campus.visitor()
    visitor.cookies.set('__Host-Http-sid', madeUpToken)
    const answer = await visitor.get('/healthz')
    assert.equal(answer.status, 200)
    assert.deepEqual(JSON.parse(answer.text), { status: 'ok' })
    assert.equal(answer.headers['set-cookie'], undefined)
    // What looks at the token notes it. Lines come in order, so the first would be the one of the health check.
    await visitor.get('/', { 'user-agent': 'Somebody else' })
    const { userAgent } = await campus.logged('token.forged')
    assert.equal(userAgent, 'Somebody else')
  })
})

describe('Campus for people who do odd things', () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const odd: [
    name: string,
    method: string,
    path: string,
    headers: Record<string, string>,
    body: string,
    status: number,
  ][] = [
    ['a page that is not there', 'GET', '/no-such-page', {}, '', 404],
    ['an address with a broken escape', 'GET', '/%E0%A4%A', {}, '', 404],
    ['an asset outside the directory', 'GET', '/assets/..%2fmain.ts', {}, '', 404],
    ['a method that is not there', 'DELETE', '/profile', { 'sec-fetch-site': 'same-origin' }, '', 303],
    ['JSON instead of a form', 'POST', '/login', json, credentials, 415],
    ['a form that is too large', 'POST', '/login', form, `username=${'x'.repeat(40_000)}`, 413],
    ['a form with too many fields', 'POST', '/login', form, 'a=1&'.repeat(60), 413],
    ['a name sent twice', 'POST', '/login', form, `username=student123&username=admin&password=${password}`, 401],
    ['an empty form', 'POST', '/login', form, '', 401],
  ]
  for (const [name, method, path, headers, body, status] of odd) {
    it(`answers ${name} with ${status}`, async () => {
      const answer = await campus.visitor().send(method, path, headers, body)
      assert.equal(answer.status, status)
      if (status !== 303) assert.match(answer.text, /^<!doctype html>/)
    })
  }

  it('shows user names as text, whatever they are', async () => {
    const { text } = await campus.visitor().signIn('"><img src=x onerror=alert(1)>', 'x')
    assert.doesNotMatch(text, /<img/)
  })

  it('answers a made-up session token like no token, and notes it', async () => {
    const visitor = campus.visitor()
    visitor.cookies.set('__Host-Http-sid', madeUpToken)
    assert.match((await visitor.get('/', { 'user-agent': 'A forger' })).text, /Hello! Please login/)
    await campus.logged('token.forged', { userAgent: 'A forger', severity: 'warning' })
  })
})

it('answers 503 while another process holds the database, and works again afterwards', async () => {
  const visitor = campus.visitor()
  await visitor.signIn('admin', password)
  const other = new DatabaseSync(join(campus.directory, 'campus.db'))
  other.exec('BEGIN IMMEDIATE')
  const answer = await visitor.sendJson('/api/profile', { about_me: 'x' })
  assert.equal(answer.status, 503)
  assert.ok(answer.headers['retry-after'])
  other.exec('ROLLBACK')
  other.close()
  assert.equal((await visitor.sendJson('/api/profile', { about_me: 'x' })).status, 200)
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { addApp, toldTo } from './factors-of.ts'
import { openCampus, password } from './open-campus.ts'

const campus = await openCampus()
const form = { 'content-type': 'application/x-www-form-urlencoded' }
const json = { 'content-type': 'application/json' }

/** A program, which has no cookies. */
function program() {
  const client = campus.visitor()
  const post = async (path: string, body: unknown, headers: Record<string, string> = {}) => {
    const answer = await client.send('POST', path, { ...json, ...headers }, JSON.stringify(body))
    return { ...answer, body: JSON.parse(answer.text || 'null') }
  }
  const me = async (token: string | null, headers: Record<string, string> = {}) => {
    const answer = await client.get(
      '/api/me',
      token === null ? headers : { authorization: `Bearer ${token}`, ...headers },
    )
    return { ...answer, body: JSON.parse(answer.text) }
  }
  const signIn = async () => (await post('/api/token', { username: 'student123', password })).body
  return { client, post, me, signIn }
}

describe('Campus for programs with tokens', () => {
  it('a password buys both tokens, and they are kept by no cache and come with no cookie', async () => {
    const { post, client } = program()
    const answer = await post('/api/token', { username: 'student123', password })
    assert.equal(answer.status, 200)
    assert.deepEqual(Object.keys(answer.body), ['access_token', 'refresh_token', 'token_type', 'expires_in'])
    assert.equal(answer.body.token_type, 'Bearer')
    assert.equal(answer.headers['cache-control'], 'no-store')
    assert.equal(client.cookies.size, 0)
  })

  it('a wrong password, an unknown user and a list of passwords buy nothing', async () => {
    const { post } = program()
    for (const credentials of [
      { username: 'student123', password: 'x' },
      { username: 'nobody', password },
    ]) {
      const { status, body } = await post('/api/token', credentials)
      assert.deepEqual([status, body], [401, { msg: 'Bad username or password' }])
    }
    assert.equal((await post('/api/token', { username: 'student123', password: [password] })).status, 400)
    assert.equal((await post('/api/token', {})).status, 400)
  })

  it('ASVS 6.3.5: a right password without a code, which could test a stolen one, is told to its owner once an hour', async () => {
    const own = await openCampus()
    const owner = own.visitor()
    await owner.signIn('student123', password)
    await addApp(own, owner)
    const told = () => toldTo(own, 'student123').filter(topic => topic === 'second-factor').length
    const ask = (secret: string) =>
      own.visitor().send('POST', '/api/token', json, JSON.stringify({ username: 'student123', password: secret }))
    assert.equal((await ask('wrong')).status, 401)
    assert.equal(told(), 0)
    assert.equal((await ask(password)).status, 401)
    assert.equal(told(), 1)
    await ask(password)
    assert.equal(told(), 1)
  })

  it('the access token says who is asking; without a good one the answer is 401 and says how to ask', async () => {
    const { me, signIn } = program()
    const { access_token: token } = await signIn()
    const { status, body, headers } = await me(token)
    assert.deepEqual([status, body, headers['cache-control']], [200, { logged_in_as: 'student123' }, 'no-store'])
    const [none, bad] = [await me(null), await me('a.b.c')]
    assert.deepEqual([none.status, none.headers['www-authenticate']], [401, 'Bearer'])
    assert.deepEqual([bad.status, bad.headers['www-authenticate']], [401, 'Bearer error="invalid_token"'])
  })

  it('a refresh rotates, and revoking ends everything at once', async () => {
    const { me, post, signIn } = program()
    const first = await signIn()
    const second = (await post('/api/token/refresh', { refresh_token: first.refresh_token })).body
    assert.notEqual(second.refresh_token, first.refresh_token)
    assert.equal((await me(second.access_token)).status, 200)
    assert.equal((await post('/api/token/revoke', { token: second.refresh_token })).status, 200)
    assert.equal((await me(second.access_token)).status, 401)
    const dead = await post('/api/token/refresh', { refresh_token: second.refresh_token })
    assert.deepEqual([dead.status, dead.body], [400, { error: 'invalid_grant' }])
  })

  it('anybody can verify the tokens by the published keys', async () => {
    const { client, signIn } = program()
    const { access_token: token } = await signIn()
    const answer = await client.get('/.well-known/jwks.json')
    const keys = createLocalJWKSet(JSON.parse(answer.text))
    const { payload } = await jwtVerify(token, keys, {
      issuer: 'https://campus.localhost',
      audience: 'https://campus.localhost/api',
      typ: 'at+jwt',
    })
    assert.equal(payload.sub, 'student123')
  })

  it('nothing of a page of another site reaches it, with or without the cookie of a user', async () => {
    const { post } = program()
    const forged = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }
    assert.equal((await post('/api/token', { username: 'student123', password }, forged)).status, 403)
  })
})

describe('the page of devices', () => {
  it('ASVS 7.5.2, 10.4.9: shows browsers and programs, and ends one of them', async () => {
    const { signIn, me } = program()
    await campus.visitor().signIn('student123', password) // somewhere else
    const { access_token: token } = await signIn()
    const visitor = campus.visitor()
    await visitor.signIn('student123', password)
    const page = (await visitor.get('/devices')).text
    assert.match(page, /A program, <code>campus<\/code>/)
    assert.match(page, /This one/)
    const sid = String(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).sid)
    assert.ok(page.includes(`value="${sid}"`))
    assert.equal((await visitor.submit('/devices/end', { sid }, '/devices')).status, 303)
    assert.equal((await me(token)).status, 401)
    assert.equal((await visitor.get('/devices')).text.includes(sid), false)
  })

  it('ends all others, and not this one', async () => {
    const other = campus.visitor()
    await other.signIn('student123', password)
    const { me, signIn } = program()
    const { access_token: token } = await signIn()
    const visitor = campus.visitor()
    await visitor.signIn('student123', password)
    await visitor.submit('/devices/end-others', {}, '/devices')
    assert.equal((await visitor.get('/devices')).status, 200)
    assert.equal((await other.get('/devices')).status, 303)
    assert.equal((await me(token)).status, 401)
  })

  it("ends nobody else's session, whatever the form says", async () => {
    const other = campus.visitor()
    await other.signIn('instructor', password)
    const theirs = /<code>([\w-]{22})<\/code>/.exec((await other.get('/dashboard')).text)?.[1] ?? ''
    assert.equal(theirs.length, 22)
    const visitor = campus.visitor()
    await visitor.signIn('student123', password)
    await visitor.submit('/devices/end', { sid: theirs }, '/devices')
    assert.equal((await other.get('/dashboard')).status, 200)
    assert.equal((await visitor.send('POST', '/devices/end', form, `sid=${theirs}`)).status, 403)
  })

  it('shows a hostile user agent as text', async () => {
    const visitor = campus.visitor()
    const hostile = { 'user-agent': '<script>alert(1)</script>/1.0' }
    await visitor.send('POST', '/api/login', { ...json, ...hostile }, JSON.stringify({ username: 'admin', password }))
    const page = (await visitor.get('/devices')).text
    assert.equal(page.includes('<script>alert'), false)
  })
})

import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import type { SessionStore } from 'latchkey'
import { memoryStore } from 'latchkey/stores/memory'
import { campusOnStore } from './campus-on-store.ts'
import { password } from './open-campus.ts'
import type { Answer } from './visitor.ts'

let failing: 'nothing' | 'writing' | 'everything' = 'nothing'
const fails = (member: string) =>
  failing === 'everything' || (failing === 'writing' && member !== 'read' && member !== 'ping')

/** The memory store, with a switch to break it. */
const store = new Proxy(memoryStore(), {
  get(target, name: keyof SessionStore) {
    const member: unknown = target[name]
    if (typeof member !== 'function' || name === 'close') return member
    return (...args: unknown[]) =>
      fails(name) ? Promise.reject(new Error('no space left')) : member.apply(target, args)
  },
})

const campus = await campusOnStore(store)

describe('T17: when the session store fails, Campus', () => {
  beforeEach(() => {
    failing = 'nothing'
  })
  const assertUnavailable = (answer: Answer) => {
    assert.equal(answer.status, 503)
    assert.ok(answer.headers['retry-after'])
    assert.match(String(answer.headers['content-security-policy']), /default-src 'none'/)
    assert.doesNotMatch(answer.text, /no space left|Please login|Logged out/)
  }

  for (const path of ['/', '/dashboard', '/shop', '/api/check_session', '/csrf-token', '/healthz', '/no-such-page']) {
    it(`answers ${path} with 503, never as if nobody were signed in`, async () => {
      const visitor = campus.visitor()
      await visitor.signIn('student123', password)
      failing = 'everything'
      const answer = await visitor.get(path)
      if (path === '/no-such-page') assert.equal(answer.status, 404)
      else assertUnavailable(answer)
      failing = 'nothing'
      assert.match((await visitor.get('/')).text, /Welcome back, student123!/)
    })
  }

  it('does not say "Logged out." when the session could not be ended', async () => {
    const visitor = campus.visitor()
    await visitor.signIn('student123', password)
    const { csrf_token } = JSON.parse((await visitor.get('/csrf-token')).text)
    failing = 'writing'
    const headers = { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' }
    assertUnavailable(await visitor.send('POST', '/logout', headers, new URLSearchParams({ csrf_token }).toString()))
    assert.ok(visitor.cookies.has('__Host-Http-sid'))
  })

  it('does not say that a choice was saved when it was not, and keeps the security headers', async () => {
    const visitor = campus.visitor()
    await visitor.signIn('student123', password)
    const { csrf_token } = JSON.parse((await visitor.get('/csrf-token')).text)
    failing = 'writing'
    const headers = { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' }
    assertUnavailable(
      await visitor.send(
        'POST',
        '/preferences',
        headers,
        new URLSearchParams({ theme: 'dark', csrf_token }).toString(),
      ),
    )
  })

  it('does not sign anybody in', async () => {
    const visitor = campus.visitor()
    const page = await visitor.get('/login')
    const csrf_token = /name="csrf_token" value="([^"]+)"/.exec(page.text)?.[1] ?? ''
    failing = 'writing'
    const headers = { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' }
    const body = new URLSearchParams({ username: 'student123', password, csrf_token }).toString()
    assertUnavailable(await visitor.send('POST', '/login', headers, body))
    assert.equal(visitor.cookies.size, 0)
  })

  it('serves what needs no session, and writes down what happened', async () => {
    failing = 'everything'
    const visitor = campus.visitor()
    assert.equal((await visitor.get('/assets/base.css')).status, 200)
    assert.match((await visitor.get('/')).text, /Hello! Please login/, 'a visitor without a cookie needs no store')
    await campus.logged('store.failed')
  })
})

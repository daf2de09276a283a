import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decodeJwt } from 'jose'
import { type Api, audience, call, issuer, requestOf, signIn, startApi } from '../actors/api.ts'
import { Browser } from '../actors/browser.ts'

const posted = (body: unknown, headers: Record<string, string> = {}) =>
  requestOf({ method: 'POST', target: '/api/token/refresh', body, headers })

describe('the refresh endpoint', () => {
  it('answers as RFC 6749 says, and no cache keeps it', async () => {
    const api = startApi()
    const { refresh_token } = await signIn(api)
    const answer = await api.bearer.endpoints.refresh(posted({ refresh_token, grant_type: 'refresh_token' }))
    assert.equal(answer.status, 200)
    assert.equal(answer.headers['cache-control'], 'no-store')
    assert.deepEqual(Object.keys(answer.body ?? {}), ['access_token', 'refresh_token', 'token_type', 'expires_in'])
  })

  it('refuses everything else with one of few words', async t => {
    const api = startApi()
    const { refresh_token, access_token } = await signIn(api)
    const polluted = Object.create({ refresh_token })
    const cases: [name: string, body: unknown, status: number, error: string][] = [
      ['nothing', undefined, 400, 'invalid_request'],
      ['an empty body', {}, 400, 'invalid_request'],
      ['an inherited parameter', polluted, 400, 'invalid_request'],
      ['a list', { refresh_token: [refresh_token] }, 400, 'invalid_request'],
      ['64 KiB', { refresh_token: 'a'.repeat(65_536) }, 400, 'invalid_request'],
      ['a guess', { refresh_token: 'abc' }, 400, 'invalid_grant'],
      ['an access token', { refresh_token: access_token }, 400, 'invalid_grant'],
      ['another client', { refresh_token, client_id: 'other' }, 400, 'invalid_grant'],
      ['another grant', { refresh_token, grant_type: 'password' }, 400, 'unsupported_grant_type'],
    ]
    for (const [name, body, status, error] of cases) {
      await t.test(name, async () => {
        const answer = await api.bearer.endpoints.refresh(posted(body))
        assert.deepEqual([answer.status, answer.body], [status, { error }])
      })
    }
    assert.equal((await api.bearer.endpoints.refresh(requestOf())).status, 405)
  })

  it('asks for a proof, and for a nonce, as RFC 9449 says', async () => {
    const api = startApi({ dpop: { required: true, nonce: true } })
    const free = startApi({ keys: api.keys }, api.server)
    const { refresh_token } = await signIn(free)
    const answer = await api.bearer.endpoints.refresh(posted({ refresh_token }))
    assert.deepEqual([answer.status, answer.body], [400, { error: 'invalid_dpop_proof' }])
  })
})

describe('the revocation endpoint (RV-1)', () => {
  for (const kind of ['refresh_token', 'access_token'] as const) {
    it(`ends the session of a token: ${kind}, whatever the hint says`, async () => {
      const api = startApi()
      const answer = await signIn(api)
      const body = { token: answer[kind], token_type_hint: 'nonsense' }
      assert.equal((await api.bearer.endpoints.revoke(posted(body))).status, 200)
      assert.equal((await call(api, answer.access_token)).status, 401)
      assert.deepEqual(await api.server.sessions.list('ada'), [])
    })
  }

  it('ends it by a token that is superseded, too', async () => {
    const api = startApi()
    const { refresh_token } = await signIn(api)
    assert.ok(await api.bearer.stepUp(posted({}), refresh_token, { amr: ['otp'] }))
    await api.bearer.endpoints.revoke(posted({ token: refresh_token }))
    assert.deepEqual(await api.server.sessions.list('ada'), [])
  })

  it('ends nothing by the token of a cookie', async () => {
    const api = startApi()
    const browser = new Browser(api.server)
    await browser.signIn('bob')
    await api.bearer.endpoints.revoke(posted({ token: browser.token }))
    assert.equal((await browser.see()).body?.userId, 'bob')
  })

  it('says 200 to a token that is nobody’s, so that nobody learns which ones are', async () => {
    const api = startApi()
    await signIn(api)
    const answers = await Promise.all(
      ['abc', 'a.b.c', 'x'.repeat(9000)].map(token => api.bearer.endpoints.revoke(posted({ token }))),
    )
    assert.deepEqual(answers.map(answer => answer.status).slice(0, 2), [200, 200])
    assert.equal((await api.server.sessions.list('ada')).length, 1)
  })
})

describe('the introspection endpoint (IN-1)', () => {
  const ask = (api: Api, token: string, mayAsk = () => true) =>
    api.bearer.endpoints.introspect(mayAsk)(posted({ token }))

  it('tells a known caller whose a good token is', async () => {
    const api = startApi()
    const { access_token, refresh_token } = await signIn(api)
    const { sid, exp, iat } = decodeJwt(access_token)
    const whose = { sub: 'ada', sid, client_id: 'app' }
    const access = (await ask(api, access_token)).body
    assert.deepEqual(access, { active: true, token_type: 'Bearer', ...whose, exp, iat, iss: issuer, aud: audience })
    const { exp: _, iat: __, ...refresh } = Object(await ask(api, refresh_token)).body
    assert.deepEqual(refresh, { active: true, token_type: 'refresh_token', ...whose })
  })

  it('leaves no trace: nobody who observes uses hears of it', async () => {
    const api = startApi()
    const { access_token } = await signIn(api)
    let uses = 0
    api.server.sessions.observe(() => {
      uses += 1
    })
    assert.equal(Object(await ask(api, access_token)).body.active, true)
    assert.equal(uses, 0)
  })

  it('tells nobody anything about one that is not, nor strangers about any', async () => {
    const api = startApi()
    const { access_token, refresh_token } = await signIn(api)
    assert.deepEqual((await ask(api, access_token, () => false)).body, { error: 'invalid_client' })
    await api.server.sessions.endUser('ada')
    for (const token of [access_token, refresh_token, 'abc', `${access_token.slice(0, -6)}AAAAAA`]) {
      assert.deepEqual((await ask(api, token)).body, { active: false })
    }
  })

  it('looking is no use of the session, and no rotation', async () => {
    const api = startApi()
    const { access_token, refresh_token } = await signIn(api)
    const [before] = await api.server.sessions.list('ada')
    api.server.clock.advance('5m')
    await ask(api, refresh_token)
    await ask(api, access_token)
    await new Promise(setImmediate)
    assert.deepEqual((await api.server.sessions.list('ada'))[0]?.lastSeenAt, before?.lastSeenAt)
    assert.equal((await api.bearer.endpoints.refresh(posted({ refresh_token }))).status, 200)
  })
})

describe('the key endpoint', () => {
  it('serves public members only, and lets caches keep them for a while', async () => {
    const api = startApi()
    const { status, headers, body } = await api.bearer.endpoints.jwks(requestOf())
    assert.deepEqual([status, headers['cache-control']], [200, 'public, max-age=300'])
    const { keys } = body as { keys: Record<string, string>[] }
    assert.equal(keys.length, 1)
    for (const secret of ['d', 'k', 'p', 'q']) assert.equal(secret in (keys[0] ?? {}), false)
    assert.equal((await api.bearer.endpoints.jwks(requestOf({ method: 'POST' }))).status, 405)
  })
})

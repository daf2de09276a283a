import assert from 'node:assert/strict'
import type { JsonWebKey } from 'node:crypto'
import { describe, it } from 'node:test'
import { calculateJwkThumbprint, decodeJwt, importJWK, type JWK, SignJWT } from 'jose'
import { memoryStore } from 'latchkey/stores/memory'
import { faults, faultyStore } from 'latchkey/testing'
import type { SessionUse } from '../../src/session/events.ts'
import { call, issuer, requestOf, send, signIn, startApi } from '../actors/api.ts'
import { Browser, cookieName } from '../actors/browser.ts'
import { createProof, newProofKeys } from '../actors/dpop-client.ts'
import { startAnotherNode, told } from '../actors/server.ts'

describe('a route that wants a bearer token', () => {
  it('BT-2: says what it wants, and never more than that', async t => {
    const api = startApi()
    const { access_token: good } = await signIn(api)
    const expected: Record<string, [headers: Record<string, string | string[]>, status: number, challenge: string]> = {
      'no token': [{}, 401, 'Bearer'],
      'another scheme': [{ authorization: 'Basic YTpi' }, 401, 'Bearer'],
      'no token after the scheme': [{ authorization: 'Bearer' }, 400, 'Bearer error="invalid_request"'],
      'two tokens': [{ authorization: `Bearer ${good}, Bearer ${good}` }, 400, 'Bearer error="invalid_request"'],
      'two headers': [{ authorization: [`Bearer ${good}`, `Bearer ${good}`] }, 400, 'Bearer error="invalid_request"'],
      'quotes in it': [{ authorization: `Bearer "${good}"` }, 400, 'Bearer error="invalid_request"'],
      'not our token': [{ authorization: 'Bearer abc.def.ghi' }, 401, 'Bearer error="invalid_token"'],
      'a changed one': [{ authorization: `Bearer ${good.slice(0, -8)}AAAAAAAA` }, 401, 'Bearer error="invalid_token"'],
      '64 KiB of it': [{ authorization: `Bearer ${'a'.repeat(65_536)}` }, 401, 'Bearer error="invalid_token"'],
      'the scheme in capitals': [{ authorization: `BEARER ${good}` }, 200, ''],
    }
    for (const [name, [headers, status, challenge]] of Object.entries(expected)) {
      await t.test(name, async () => {
        const reply = await send(api, requestOf({ headers }))
        assert.equal(reply.status, status)
        assert.equal(reply.headers['www-authenticate'] ?? '', challenge)
        if (status !== 200) assert.equal(reply.headers['cache-control'], 'no-store')
      })
    }
  })

  it('BT-1: a token in the address or the body is none', async () => {
    const api = startApi()
    const { access_token: token } = await signIn(api)
    const inAddress = requestOf({ target: `/api/me?access_token=${token}` })
    const inBody = requestOf({ method: 'POST', body: { access_token: token } })
    assert.equal((await send(api, inAddress)).code, 'access-token-missing')
    assert.equal((await send(api, inBody)).code, 'access-token-missing')
  })

  it('over plain HTTP everybody has heard the token: refused, and the operator learns why', async () => {
    const api = startApi()
    const { access_token: token } = await signIn(api)
    const reply = await send(api, requestOf({ encrypted: false, headers: { authorization: `Bearer ${token}` } }))
    assert.equal(reply.code, 'access-token-invalid')
    assert.deepEqual(told(api.server, 'access-token.refused'), ['access-token.refused overheard'])
  })

  it('SU-1: asks for more proof, or fresher, by RFC 9470', async () => {
    const api = startApi()
    const { access_token: token } = await signIn(api)
    api.server.clock.advance('6m')
    assert.equal((await call(api, token, { level: 1, maxAge: '7m' })).status, 200)
    const level = await call(api, token, { level: 2 })
    assert.equal(level.status, 401)
    assert.equal(level.headers['www-authenticate'], 'Bearer error="insufficient_user_authentication", acr_values="2"')
    const fresh = await call(api, token, { maxAge: '5m' })
    assert.equal(fresh.headers['www-authenticate'], 'Bearer error="insufficient_user_authentication", max_age=300')
  })
})

describe('the end of a session and its access tokens (ASVS 7.4.1)', () => {
  it('by default a sign-out ends them at once, on every node', async () => {
    const api = startApi()
    const { access_token: token, refresh_token } = await signIn(api)
    const other = startApi({ keys: api.keys }, startAnotherNode(api.server))
    assert.equal((await call(other, token)).status, 200)
    await api.bearer.revoke(requestOf({ method: 'POST' }), refresh_token)
    assert.equal((await call(other, token)).code, 'access-token-invalid')
    assert.deepEqual(told(other.server, 'access-token.refused'), ['access-token.refused ended'])
  })

  it('with checkSession: false they live until they expire, and no store is asked', async () => {
    const store = faultyStore(memoryStore())
    const api = startApi({ checkSession: false }, { store })
    const { access_token: token, refresh_token } = await signIn(api)
    await api.bearer.revoke(requestOf({ method: 'POST' }), refresh_token)
    store.disturb(faults.refuses)
    assert.equal((await call(api, token)).status, 200)
    api.server.clock.advance('8m')
    assert.equal((await call(api, token)).status, 401)
  })

  it('over a store that fails: 503, and nobody gets in', async () => {
    const store = faultyStore(memoryStore())
    const api = startApi({}, { store })
    const { access_token: token } = await signIn(api)
    store.disturb(faults.refuses)
    assert.deepEqual(await call(api, token).then(({ status, access }) => [status, access]), [503, null])
  })

  it('whoever has the signing key cannot raise a session, make it fresher, or free it of its key', async t => {
    const api = startApi({ dpop: {} })
    const proofKeys = await newProofKeys()
    const now = api.server.clock.now()
    const dpop = await createProof(proofKeys, { method: 'POST', url: `${issuer}/api/token`, now })
    const facts = requestOf({ method: 'POST', target: '/api/token', headers: { dpop } })
    const bound = decodeJwt((await api.bearer.signIn(facts, 'ada', { amr: ['pwd'] })).access_token)
    const plain = decodeJwt((await signIn(api, 'bob')).access_token)
    const [jwk] = api.keys as JsonWebKey[]
    const kid = await calculateJwkThumbprint(jwk as JWK)
    const forged = async (claims: object) =>
      new SignJWT({ ...claims })
        .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid })
        .sign(await importJWK(jwk as JWK))
    assert.equal((await call(api, await forged(plain))).status, 200, 'as it is, it is good')
    const { cnf: _, ...freed } = bound
    const forgeries: Record<string, object> = {
      'a higher level': { ...plain, acr: '2' },
      'another client': { ...plain, client_id: 'other' },
      'another user': { ...plain, sub: 'eve' },
      'without its key': freed,
    }
    api.server.clock.advance('2s')
    forgeries['a later proof'] = { ...plain, auth_time: Number(plain.auth_time) + 1, iat: Number(plain.iat) + 1 }
    for (const [name, claims] of Object.entries(forgeries)) {
      await t.test(name, async () => assert.equal((await call(api, await forged(claims))).code, 'access-token-invalid'))
    }
  })

  it('CS-L2: a flood of bad tokens is counted, not told one by one', async () => {
    const api = startApi()
    for (let i = 0; i < 500; i += 1) await call(api, `a.b.${i}`)
    assert.equal(told(api.server, 'access-token.refused').length, 100)
  })

  it('use counts as use: a session whose tokens are used is not idle', async () => {
    const api = startApi()
    const { access_token: token } = await signIn(api)
    api.server.clock.advance('7m')
    assert.equal((await call(api, token)).status, 200)
    await new Promise(setImmediate)
    const [info] = await api.server.sessions.list('ada')
    assert.equal(info?.lastSeenAt, api.server.clock.now())
  })

  it('CS-T1: whoever observes uses sees where a token is used from, and nothing of one that is refused', async () => {
    const api = startApi()
    const { access_token: token } = await signIn(api)
    const [session] = await api.server.sessions.list('ada')
    const uses: SessionUse[] = []
    api.server.sessions.observe(use => uses.push(use))
    api.server.clock.advance('7m')
    const from = { authorization: `Bearer ${token}`, 'user-agent': 'curl/8.11.0' }
    await send(api, requestOf({ headers: from }))
    await send(api, requestOf({ headers: { ...from, authorization: `Bearer ${token}x` } }))
    assert.deepEqual(
      uses.map(({ origin, client, ...use }) => ({ ...use, origin: origin() })),
      [
        {
          ...{ at: api.server.clock.now(), sid: session?.sid, userId: 'ada' },
          ...{ createdAt: session?.createdAt, lastSeenAt: session?.lastSeenAt },
          origin: { address: '192.0.2.1', userAgent: 'curl/8.11.0' },
        },
      ],
    )
  })
})

describe('a cookie and a bearer token in one request', () => {
  const both = async (
    tokenOf: string,
    cookieOf: string,
    how: { method?: string; headers?: Record<string, string> } = {},
  ) => {
    const api = startApi()
    const { access_token: token } = await signIn(api, tokenOf)
    const browser = new Browser(api.server)
    await browser.signIn(cookieOf)
    const headers = { authorization: `Bearer ${token}`, cookie: `${cookieName}=${browser.token}`, ...how.headers }
    return send(api, requestOf({ ...how, headers }))
  }

  it('of the same user: the token decides', async () => {
    assert.equal((await both('ada', 'ada')).access?.userId, 'ada')
  })

  it('of two users: refused', async () => {
    const reply = await both('ada', 'bob')
    assert.deepEqual([reply.status, reply.code], [400, 'carriers-disagree'])
  })

  it("CSRF-13: the cookie's rules hold too", async () => {
    const forged = { method: 'POST', headers: { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' } }
    assert.equal((await both('ada', 'ada', forged)).code, 'csrf-cross-site')
    const hidden = { method: 'POST' }
    assert.equal((await both('ada', 'ada', hidden)).code, 'csrf-no-origin')
  })

  it('CSRF-13: a bearer token alone may come from any site, also past the session middleware', async () => {
    const api = startApi()
    const { access_token: token } = await signIn(api)
    const headers = { authorization: `Bearer ${token}`, 'sec-fetch-site': 'cross-site', origin: 'https://app.example' }
    const facts = requestOf({ method: 'POST', headers })
    assert.equal(api.server.sessions.exchange(facts).refusal(), null)
    assert.equal((await send(api, facts)).status, 200)
    const withCookie = requestOf({ method: 'POST', headers: { ...headers, cookie: `${cookieName}=x` } })
    assert.equal(api.server.sessions.exchange(withCookie).refusal()?.code, 'csrf-cross-site')
  })
})

describe('DPoP at a route (T21)', async () => {
  const keys = await newProofKeys()
  const url = `${issuer}/api/me`
  const tokenUrl = `${issuer}/api/token`

  async function boundApi(options: NonNullable<Parameters<typeof startApi>[0]> = {}) {
    const api = startApi({ dpop: {}, ...options })
    const now = () => api.server.clock.now()
    const proof = await createProof(keys, { method: 'POST', url: tokenUrl, now: now() })
    const facts = requestOf({ method: 'POST', target: '/api/token', headers: { dpop: proof } })
    const answer = await api.bearer.signIn(facts, 'ada', { amr: ['pwd'] })
    return { api, answer, now }
  }

  it('DP-1: a bound token works with a proof of its key, once', async () => {
    const { api, answer, now } = await boundApi()
    assert.equal(answer.token_type, 'DPoP')
    const proof = await createProof(keys, { method: 'GET', url, accessToken: answer.access_token, now: now() })
    const facts = requestOf({ headers: { authorization: `DPoP ${answer.access_token}`, dpop: proof } })
    assert.equal((await send(api, facts)).access?.userId, 'ada')
    const again = await send(api, facts)
    assert.equal(again.code, 'proof-invalid')
    assert.match(again.headers['www-authenticate'] ?? '', /DPoP error="invalid_dpop_proof", algs="ES256/)
  })

  it('DP-2: a bound token under Bearer, or a plain one under DPoP, is refused', async () => {
    const { api, answer, now } = await boundApi()
    assert.equal((await call(api, answer.access_token)).code, 'access-token-invalid')
    const plain = await signIn(api, 'bob')
    const proof = await createProof(keys, { method: 'GET', url, accessToken: plain.access_token, now: now() })
    const facts = requestOf({ headers: { authorization: `DPoP ${plain.access_token}`, dpop: proof } })
    assert.equal((await send(api, facts)).code, 'access-token-invalid')
  })

  it('a thief with the token and a key of his own gets nowhere, at the route and at the refresh', async () => {
    const { api, answer, now } = await boundApi()
    const thief = await newProofKeys()
    const proof = await createProof(thief, { method: 'GET', url, accessToken: answer.access_token, now: now() })
    const facts = requestOf({ headers: { authorization: `DPoP ${answer.access_token}`, dpop: proof } })
    assert.equal((await send(api, facts)).code, 'proof-invalid')
    const refreshWith = async (holder: typeof keys | null) => {
      const dpop =
        holder && (await createProof(holder, { method: 'POST', url: `${issuer}/api/token/refresh`, now: now() }))
      const headers: Record<string, string> = dpop ? { dpop } : {}
      const request = requestOf({ method: 'POST', target: '/api/token/refresh', headers })
      return api.bearer.refresh(request, answer.refresh_token)
    }
    await assert.rejects(refreshWith(thief), { code: 'proof-invalid' })
    await assert.rejects(refreshWith(null), { code: 'proof-invalid' })
    assert.equal((await refreshWith(keys))?.token_type, 'DPoP')
  })

  it('a client that must prove cannot sign in without', async () => {
    const api = startApi({ dpop: { required: clientId => clientId === 'browser' } })
    await assert.rejects(signIn(api, 'ada', { amr: ['pwd'], clientId: 'browser' }), { code: 'proof-invalid' })
    assert.equal((await signIn(api, 'ada', { amr: ['pwd'], clientId: 'server' })).token_type, 'Bearer')
    assert.deepEqual(
      (await api.server.sessions.list('ada')).map(info => info.clientId),
      ['server'],
    )
  })

  it('with a nonce demanded, the refusal brings one', async () => {
    const api = startApi({ dpop: { required: true, nonce: true } })
    const now = api.server.clock.now()
    const attempt = async (nonce: string | null) => {
      const dpop = await createProof(keys, { method: 'POST', url: tokenUrl, now, nonce })
      return api.bearer.signIn(requestOf({ method: 'POST', target: '/api/token', headers: { dpop } }), 'ada', {
        amr: ['pwd'],
      })
    }
    let nonce = ''
    await assert.rejects(attempt(null), (error: { headers: Record<string, string> }) => {
      nonce = error.headers['dpop-nonce'] ?? ''
      return nonce !== ''
    })
    assert.equal((await attempt(nonce)).token_type, 'DPoP')
  })
})

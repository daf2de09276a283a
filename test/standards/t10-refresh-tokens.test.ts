import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decodeJwt } from 'jose'
import type { TokenAnswer } from 'latchkey/bearer'
import { memoryStore } from 'latchkey/stores/memory'
import { faultyStore } from 'latchkey/testing'
import { call, refresh, requestOf, signIn, startApi } from '../actors/api.ts'
import { startAnotherNode, told } from '../actors/server.ts'

async function refreshed(
  api: ReturnType<typeof startApi>,
  answer: Pick<TokenAnswer, 'refresh_token'>,
): Promise<TokenAnswer> {
  const next = await refresh(api, answer)
  assert.ok(next, 'the refresh token is good')
  return next
}

describe('refresh tokens (T10)', () => {
  it('RT-1: a sign-in hands out both tokens, and each refresh replaces both', async () => {
    const api = startApi()
    const first = await signIn(api)
    assert.deepEqual(Object.keys(first), ['access_token', 'refresh_token', 'token_type', 'expires_in'])
    assert.equal(first.token_type, 'Bearer')
    assert.equal(first.expires_in, 450, 'half of the idle time-out of 15 minutes')
    api.server.clock.advance('7m')
    const second = await refreshed(api, first)
    assert.notEqual(second.refresh_token, first.refresh_token)
    assert.notEqual(second.access_token, first.access_token)
    assert.equal((await call(api, second.access_token)).access?.userId, 'ada')
  })

  it('RT-2: reuse of a rotated token ends the family, for the thief and the owner, and raises an alert', async () => {
    const api = startApi()
    const stolen = await signIn(api)
    const second = await refreshed(api, stolen)
    api.server.clock.advance('1m')
    const third = await refreshed(api, second) // shows that `second` has arrived
    api.server.clock.advance('1m')
    assert.equal(await refresh(api, stolen), null)
    assert.deepEqual(told(api.server, 'token.replayed', 'session.ended'), ['token.replayed', 'session.ended replayed'])
    assert.equal(await refresh(api, third), null)
    assert.equal((await call(api, third.access_token)).status, 401, 'access tokens die with it')
  })

  it('RT-3: twenty refreshes at once yield one successor and log nobody out', async () => {
    const api = startApi()
    const first = await signIn(api)
    const another = startApi({}, startAnotherNode(api.server))
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => refreshed(i % 2 === 0 ? api : another, first)),
    )
    assert.equal(new Set(answers.map(answer => answer.refresh_token)).size, 1)
    assert.notEqual(answers[0]?.refresh_token, first.refresh_token)
    api.server.clock.advance('1m')
    assert.ok(await refresh(api, answers[7] as TokenAnswer))
    assert.deepEqual(told(api.server, 'token.replayed'), [])
  })

  it('RT-1: every refresh rotates, but those that come within the grace of the last one', async () => {
    const api = startApi()
    const tokens = [await signIn(api)]
    for (let i = 0; i < 8; i += 1) {
      api.server.clock.advance('5m')
      tokens.push(await refreshed(api, tokens.at(-1) as TokenAnswer))
    }
    assert.equal(new Set(tokens.map(answer => answer.refresh_token)).size, 9)
    api.server.clock.advance('29s')
    const last = tokens.at(-1) as TokenAnswer
    assert.equal((await refreshed(api, last)).refresh_token, last.refresh_token)
    assert.deepEqual(told(api.server, 'token.replayed'), [])
  })

  it('RT-2: a thief who refreshes as often as the owner is found as soon as one of them uses an access token', async () => {
    const api = startApi()
    const stolen = await signIn(api)
    api.server.clock.advance('2m')
    const owners = await refreshed(api, stolen)
    assert.equal((await call(api, owners.access_token)).status, 200)
    await new Promise(setImmediate)
    api.server.clock.advance('1m')
    assert.equal(await refresh(api, stolen), null)
    assert.deepEqual(told(api.server, 'token.replayed', 'session.ended'), ['token.replayed', 'session.ended replayed'])
  })

  it('RT-3: an access token of before says nothing about the refresh token that got lost', async () => {
    const api = startApi()
    const first = await signIn(api)
    api.server.clock.advance('2m')
    const lost = await refreshed(api, first)
    for (let i = 0; i < 4; i += 1) {
      assert.equal((await call(api, first.access_token)).status, 200)
      api.server.clock.advance('1m')
    }
    assert.equal((await refreshed(api, first)).refresh_token, lost.refresh_token)
    assert.deepEqual(told(api.server, 'token.replayed'), [])
  })

  for (const [what, meanwhile] of [
    ['ends', (api: ReturnType<typeof startApi>) => api.server.sessions.endUser('ada')],
    [
      'is stepped up',
      (api: ReturnType<typeof startApi>, token: string) =>
        api.bearer.stepUp(requestOf({ method: 'POST' }), token, { amr: ['otp'] }),
    ],
  ] as const) {
    it(`a session that ${what} while it is refreshed: nothing is handed out for what it was before`, async () => {
      const inner = memoryStore()
      const store = faultyStore(inner)
      const api = startApi({}, { store })
      const other = startApi({ keys: api.keys }, startAnotherNode(api.server, { store: inner }))
      const first = await signIn(api)
      api.server.clock.advance('2m')
      let isFirst = true
      store.disturb(async proceed => {
        if (isFirst) {
          isFirst = false
          await meanwhile(other, first.refresh_token)
        }
        return proceed()
      }, 'save')
      assert.equal(await refresh(api, first), null)
      store.heal()
      assert.deepEqual(told(api.server, 'token.replayed'), [])
    })
  }

  it('RT-3: a reply that got lost costs nothing: the old token is answered with the same successor', async () => {
    const api = startApi()
    const first = await signIn(api)
    const lost = await refreshed(api, first)
    api.server.clock.advance('5m')
    const again = await refreshed(api, first)
    assert.equal(again.refresh_token, lost.refresh_token)
    assert.ok(await refresh(api, again))
  })

  it('RT-5, ASVS 7.3.2: refreshing never moves the absolute end', async () => {
    const api = startApi({}, { policy: { idleTimeout: '15m', absoluteTimeout: '1h' } })
    let answer = await signIn(api)
    for (let i = 0; i < 5; i += 1) {
      api.server.clock.advance('11m')
      answer = await refreshed(api, answer)
    }
    api.server.clock.advance('5m')
    assert.equal(await refresh(api, answer), null)
    assert.deepEqual(told(api.server, 'session.ended'), ['session.ended expired'])
    assert.equal((await call(api, answer.access_token)).status, 401, 'and no access token outlives it')
  })

  it('ASVS 7.3.2: no access token says that it outlives its session', async () => {
    const api = startApi({ checkSession: false }, { policy: { idleTimeout: '30m', absoluteTimeout: '1h' } })
    const first = await signIn(api)
    api.server.clock.advance('25m')
    const second = await refreshed(api, first)
    api.server.clock.advance('25m')
    const last = await refreshed(api, second)
    assert.equal(last.expires_in, 600)
    const { exp = 0 } = decodeJwt(last.access_token)
    assert.ok(exp * 1000 <= api.server.clock.now() + 600_000)
  })

  it('RT-5: a session that nobody refreshes is idle', async () => {
    const api = startApi()
    const answer = await signIn(api)
    api.server.clock.advance('15m')
    assert.equal(await refresh(api, answer), null)
    assert.deepEqual(told(api.server, 'session.ended'), ['session.ended idle'])
  })

  it('whoever refreshes only when the access token is over is never idle', async () => {
    const api = startApi({ checkSession: false, accessTtl: '15m' })
    let answer = await signIn(api)
    for (let i = 0; i < 20; i += 1) {
      api.server.clock.advance(`${answer.expires_in + 6}s`)
      assert.equal((await call(api, answer.access_token)).status, 401)
      answer = await refreshed(api, answer)
    }
  })

  it('RT-6: what ends sessions ends these', async t => {
    const ends = {
      'end(sid)': (api: ReturnType<typeof startApi>, sid: string) => api.server.sessions.end(sid),
      endUser: (api: ReturnType<typeof startApi>) => api.server.sessions.endUser('ada'),
      endEverybody: (api: ReturnType<typeof startApi>) => api.server.sessions.endEverybody(),
      revoke: (api: ReturnType<typeof startApi>, _: string, { refresh_token: token }: TokenAnswer) =>
        api.bearer.revoke(requestOf({ method: 'POST' }), token),
      'revoke by the access token': (
        api: ReturnType<typeof startApi>,
        _: string,
        { access_token: token }: TokenAnswer,
      ) => api.bearer.revoke(requestOf({ method: 'POST' }), token),
    }
    for (const [name, end] of Object.entries(ends)) {
      await t.test(name, async () => {
        const api = startApi()
        const answer = await signIn(api)
        const sid = String(decodeJwt(answer.access_token).sid)
        assert.ok(await end(api, sid, answer))
        assert.equal((await call(api, answer.access_token)).status, 401)
        assert.equal(await refresh(api, answer), null)
      })
    }
  })

  it('NIST 5.1.2: a refresh proves no presence: the time of the sign-in stays', async () => {
    const api = startApi()
    const first = await signIn(api)
    api.server.clock.advance('6m')
    const second = await refreshed(api, first)
    assert.equal(decodeJwt(second.access_token).auth_time, decodeJwt(first.access_token).auth_time)
  })

  it('a step-up notes level and time, and the token from before is dead at once', async () => {
    const api = startApi()
    const first = await signIn(api)
    api.server.clock.advance('1m')
    const second = await api.bearer.stepUp(requestOf({ method: 'POST' }), first.refresh_token, { amr: ['otp'] })
    assert.ok(second)
    const { access } = await call(api, second.access_token)
    assert.deepEqual([access?.aal, access?.amr], [2, ['pwd', 'otp']])
    assert.equal(await refresh(api, first), null)
    assert.equal(await api.bearer.stepUp(requestOf(), first.refresh_token, { amr: ['otp'] }), null)
  })

  it('when the claims of the application fail, the tokens from before are still good, and no session is left over', async () => {
    let isBroken = false
    const claims = () => {
      if (isBroken) throw new Error('no database')
      return {}
    }
    const api = startApi({ claims })
    const first = await signIn(api)
    isBroken = true
    await assert.rejects(api.bearer.stepUp(requestOf(), first.refresh_token, { amr: ['otp'] }), /no database/)
    await assert.rejects(signIn(api, 'bob'), /no database/)
    isBroken = false
    assert.ok(await refresh(api, first))
    assert.deepEqual(await api.server.sessions.list('bob'), [])
  })

  it('another program cannot use it, and that ends nothing', async () => {
    const api = startApi()
    const answer = await signIn(api, 'ada', { amr: ['pwd'], clientId: 'phone' })
    const as = (clientId: string) =>
      api.bearer.refresh(requestOf({ method: 'POST' }), answer.refresh_token, { clientId })
    assert.equal(await as('laptop'), null)
    assert.deepEqual(told(api.server, 'token.misplaced'), ['token.misplaced'])
    assert.ok(await as('phone'))
  })

  it('ASVS 10.4.9: the list of sessions shows them beside those of cookies', async () => {
    const api = startApi()
    await signIn(api, 'ada', { amr: ['pwd'], clientId: 'phone' })
    const [info] = await api.server.sessions.list('ada')
    assert.deepEqual([info?.carrier, info?.clientId, info?.userAgent], ['bearer', 'phone', 'Test/1.0'])
  })

  it('a client id that no token could name begins no session', async () => {
    const api = startApi()
    for (const clientId of ['', 'x'.repeat(257)]) {
      await assert.rejects(signIn(api, 'ada', { amr: ['pwd'], clientId }), /clientId must be/)
    }
    assert.deepEqual(await api.server.sessions.list('ada'), [])
  })

  it('over plain HTTP nothing is handed out', async () => {
    const { bearer } = startApi()
    await assert.rejects(bearer.signIn(requestOf({ encrypted: false }), 'ada', { amr: ['pwd'] }), /plain HTTP/)
    assert.deepEqual(await startApi().server.sessions.list('ada'), [])
  })
})

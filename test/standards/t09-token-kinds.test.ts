import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { call, newKeys, refresh, requestOf, send, signIn, startApi } from '../actors/api.ts'
import { Browser } from '../actors/browser.ts'
import { told } from '../actors/server.ts'

/**
 * Every kind of token at every other kind's door (T09: ASVS 9.2.2 to 9.2.4, JWT-8). Nobody gets in, and nothing happens to
 * the session that the token belongs to.
 */
describe('T09: a token of one kind at the door of another', async () => {
  const keys = newKeys() // the same for all: kind, audience and issuer must tell them apart
  const api = startApi({ keys })
  const answer = await signIn(api)
  const browser = new Browser(api.server)
  await browser.signIn('bob')
  const csrf = (await browser.send((_, exchange) => exchange.csrfToken())).body ?? ''
  const other = startApi({ keys, audience: 'https://campus.example/reports' }, api.server)
  const foreign = startApi({ keys, issuer: 'https://other.example' }, api.server)

  const tokens: Record<string, string> = {
    access: answer.access_token,
    refresh: answer.refresh_token,
    cookie: browser.token ?? '',
    csrf,
    'access for another audience': (await signIn(other)).access_token,
    'access of another issuer': (await signIn(foreign)).access_token,
  }
  const doors: Record<
    string,
    { readonly opens: readonly string[]; readonly knock: (token: string) => Promise<boolean> }
  > = {
    resource: { opens: ['access'], knock: async token => (await call(api, token)).status === 200 },
    refresh: {
      opens: ['refresh'],
      knock: async token => (await refresh(api, { refresh_token: token })) !== null,
    },
    cookie: {
      opens: ['cookie'],
      knock: async token => (await new Browser(api.server, token).see()).body?.userId !== null,
    },
    'CSRF token': {
      opens: [],
      knock: async token => {
        const strict = startApi({}, { csrf: { token: true } })
        const victim = new Browser(strict.server)
        await victim.signIn('eve')
        const reply = await victim.send(session => session.load(), { headers: { 'x-csrf-token': token } })
        return reply.status === 200
      },
    },
    'proof of possession': {
      opens: [],
      knock: async token => {
        const strict = startApi({ dpop: {} })
        const { access_token } = await signIn(strict)
        const headers = { authorization: `DPoP ${access_token}`, dpop: token }
        return (await send(strict, requestOf({ headers }))).status === 200
      },
    },
  }
  for (const [door, { opens, knock }] of Object.entries(doors)) {
    for (const [kind, token] of Object.entries(tokens)) {
      if (opens.includes(kind)) continue
      it(`${kind} at ${door}: refused`, async () => assert.equal(await knock(token), false))
    }
  }

  it('the sessions they belong to are as they were', async () => {
    assert.equal((await call(api, answer.access_token)).status, 200)
    assert.equal((await browser.see()).body?.userId, 'bob')
    assert.ok(await refresh(api, answer))
    assert.ok(told(api.server, 'token.misplaced').length >= 2)
    assert.deepEqual(told(api.server, 'token.replayed', 'session.ended'), [])
  })
})

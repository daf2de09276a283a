import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Browser, type Circumstances } from '../actors/browser.ts'
import { newSecretText, type Server, startServer, told } from '../actors/server.ts'

/** Three servers over one store, as they are restarted: with the old secret, with the new one in front, without the old one. */
function threeReleases() {
  const [oldSecret, newSecret] = [newSecretText(), newSecretText()]
  const options = { csrf: { token: true } }
  const first = startServer({ secrets: [oldSecret], ...options })
  const next = (secrets: string[]) => startServer({ secrets, store: first.store, clock: first.clock, ...options })
  return { first, both: next([newSecret, oldSecret]), last: next([newSecret]) }
}

const at = (server: Server, browser: Browser) => new Browser(server, browser.token)
const keyIdOf = (browser: Browser) => browser.token?.slice(0, 8)
const csrfTokenFrom = async (browser: Browser) =>
  (await browser.send(async (session, exchange) => (await session.load()) && exchange.csrfToken(), { method: 'GET' }))
    .body ?? ''
const withToken = (csrf: string): Circumstances => ({ headers: { 'x-csrf-token': csrf } })

describe('T20 key rotation with live sessions', () => {
  it('11.2.2, 13.3.4: a session goes on under the new ring, and its token moves to the new key when it rotates', async () => {
    const { first, both, last } = threeReleases()
    const browser = new Browser(first)
    await browser.signIn('alice')
    const old = keyIdOf(browser)
    const moved = at(both, browser)
    assert.equal((await moved.see()).body?.userId, 'alice')
    assert.equal(keyIdOf(moved), old, 'nothing changes before it is due')
    first.clock.advance('10m')
    await moved.see()
    assert.notEqual(keyIdOf(moved), old)
    assert.equal((await moved.see()).body?.userId, 'alice')
    assert.equal((await at(last, moved).see()).body?.userId, 'alice', 'the old key is not needed any more')
    assert.deepEqual(told(both, 'token.forged', 'token.replayed', 'record.corrupt'), [])
  })

  it('13.3.4: new tokens are issued under the new key at once', async () => {
    const { first, both } = threeReleases()
    const [before, after] = [new Browser(first), new Browser(both)]
    await before.signIn('alice')
    await after.signIn('alice')
    assert.notEqual(keyIdOf(before), keyIdOf(after))
    assert.equal((await at(first, after).see()).body?.userId, null, 'the old release does not know the new key')
  })

  it('a lost reply across the change of keys leads to one successor secret, whichever release answers', async () => {
    const { first, both } = threeReleases()
    const browser = new Browser(first)
    await browser.signIn('alice')
    first.clock.advance('10m')
    const offered = [
      (await browser.see({ lost: true })).token,
      (await at(both, browser).see({ lost: true })).token,
      (await browser.see({ lost: true })).token,
    ].map(token => Buffer.from(token?.slice(9) ?? '', 'base64url').toString('hex', 0, 48))
    assert.equal(new Set(offered).size, 1)
    assert.notEqual(offered[0], '')
  })

  it('13.3.4: with the old secret removed its tokens are refused as forged, and the data stays sealed', async () => {
    const { first, last } = threeReleases()
    const browser = new Browser(first)
    await browser.signIn('alice')
    const reply = await at(last, browser).see()
    assert.deepEqual(reply.body, { id: null, userId: null, data: {} })
    assert.deepEqual(told(last), ['token.forged'])
    assert.equal((await browser.see()).body?.userId, 'alice', 'the session itself lives')
  })

  it('data that was written under one ring opens under the next', async () => {
    const { first, both } = threeReleases()
    const browser = new Browser(first)
    await browser.put({ cart: 1 })
    assert.deepEqual((await at(both, browser).see()).body?.data, { cart: 1 })
  })

  it('a CSRF token of the old ring is good under the new one until its secret is removed', async () => {
    const { first, both, last } = threeReleases()
    const browser = new Browser(first)
    await browser.signIn('alice')
    const form = await csrfTokenFrom(browser)
    const moved = at(both, browser)
    assert.equal((await moved.put({ n: 1 }, withToken(form))).status, 200)
    first.clock.advance('10m')
    await moved.see()
    assert.equal((await moved.put({ n: 2 }, withToken(form))).status, 200, 'it survives the rotation of the secret')
    const removed = await at(last, moved).put({ n: 3 }, withToken(form))
    assert.deepEqual([removed.status, removed.code], [403, 'csrf-token-invalid'])
  })

  it('a CSRF token of the new ring is good on the old release only for sessions of keys that it knows', async () => {
    const { first, both } = threeReleases()
    const browser = new Browser(first)
    await browser.signIn('alice')
    const form = await csrfTokenFrom(at(both, browser))
    assert.equal((await browser.put({ n: 1 }, withToken(form))).code, 'csrf-token-invalid')
    assert.equal((await at(both, browser).put({ n: 1 }, withToken(form))).status, 200)
  })

  it('11.2.2: with the new key known everywhere before it issues anywhere, no node ever refuses a token of another', async () => {
    const [oldSecret, newSecret] = [newSecretText(), newSecretText()]
    const first = startServer({ secrets: [oldSecret] })
    const deploy = (secrets: string[]) => startServer({ secrets, store: first.store, clock: first.clock })
    const steps = [[oldSecret], [oldSecret, newSecret], [newSecret, oldSecret]].map(deploy)
    const browser = new Browser(first)
    await browser.signIn('alice')
    for (const [step, later] of steps.slice(1).entries()) {
      // While a release goes out both are at work, and every other answer is lost.
      for (let request = 0; request < 40; request += 1) {
        first.clock.advance('3m')
        const node = request % 3 ? later : steps[step]
        if (!node) continue
        const here = at(node, browser)
        assert.equal((await here.see({ lost: request % 2 === 0 })).body?.userId, 'alice', `step ${step}, ${request}`)
        browser.token = here.token
      }
    }
    for (const node of steps) assert.deepEqual(told(node, 'token.forged', 'token.replayed', 'record.corrupt'), [])
  })

  it('a replay is recognised across the change of keys', async () => {
    const { first, both } = threeReleases()
    const browser = new Browser(first)
    await browser.signIn('alice')
    const thief = browser.thief()
    await browser.rotate(withToken(await csrfTokenFrom(browser)))
    first.clock.advance('1m')
    await at(both, thief).see()
    assert.deepEqual(told(both), ['token.replayed', 'session.ended replayed'])
    assert.equal((await browser.see()).body?.userId, null)
  })

  it("a page open meanwhile is still the same user's, and opens what it keeps for them, at every step", async () => {
    const first = startServer()
    const [oldSecret, newSecret] = [first.secret, newSecretText()]
    const steps = [[oldSecret], [oldSecret, newSecret], [newSecret, oldSecret], [newSecret]].map(secrets =>
      startServer({ secrets, store: first.store, clock: first.clock }),
    )
    const statuses = await Promise.all(
      steps.map(async node => {
        const browser = new Browser(node)
        await browser.signIn('alice')
        const { body } = await browser.send(
          async (session, exchange) => (await session.load()) && exchange.sessionStatus(),
        )
        return body
      }),
    )
    assert.equal(new Set(statuses.map(status => status?.subject)).size, 1)
    for (const [step, later] of statuses.slice(1).entries()) {
      // Kept under the first, opened with any: in both directions, while a release goes out.
      const [before, after] = [statuses[step]?.formKeys ?? [], later?.formKeys ?? []]
      assert.ok(after.includes(before[0] ?? '') && before.length > 0, `step ${step}`)
    }
    const [key] = statuses[0]?.formKeys ?? []
    const eve = new Browser(first)
    await eve.signIn('eve')
    const { body } = await eve.send(async (session, exchange) => (await session.load()) && exchange.sessionStatus())
    assert.ok(!body?.formKeys.includes(key ?? ''), 'nobody else gets it')
  })
})

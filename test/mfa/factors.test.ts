import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { UsageError } from 'latchkey'
import { createFactors, type FactorsOptions } from 'latchkey/mfa'
import { memoryFactors } from 'latchkey/mfa/stores/memory'
import { Browser } from '../actors/browser.ts'
import { appWith, enrol, sessionOf, startFactors } from '../actors/second-factors.ts'
import { startServer } from '../actors/server.ts'

describe('createFactors refuses options that cannot be meant', () => {
  const wrong: readonly (readonly [what: string, options: object, says: RegExp])[] = [
    ['no store', { store: undefined }, /store is missing.*sqliteFactors/],
    ['no issuer', { issuer: undefined }, /issuer/],
    ['an empty issuer', { issuer: ' ' }, /issuer/],
    ['an issuer with a colon', { issuer: 'Campus: Bank' }, /without colon/],
    ['an issuer that is too long', { issuer: 'x'.repeat(65) }, /64 characters/],
    ['another window', { totpWindow: 'next' }, /totpWindow/],
    ['a timeout without unit', { storeTimeout: 5 }, /storeTimeout/],
    ['passkeys of no domain', { passkeys: { rpId: 'https://x', origins: [] } }, /rpId/],
  ]
  for (const [what, options, says] of wrong) {
    it(what, () => {
      const { sessions } = startServer()
      const all = { store: memoryFactors(), issuer: 'Campus', ...options } as FactorsOptions
      assert.throws(() => createFactors(sessions, all), { code: 'usage', message: says })
    })
  }

  it('sessions of another copy of the package', () => {
    const foreign = {} as Parameters<typeof createFactors>[0]
    assert.throws(() => createFactors(foreign, { store: memoryFactors(), issuer: 'Campus' }), UsageError)
  })

  it('T23: factors in memory in production', () => {
    const { NODE_ENV } = process.env
    process.env.NODE_ENV = 'production'
    try {
      assert.throws(() => memoryFactors(), { code: 'usage', message: /after a restart/ })
    } finally {
      if (NODE_ENV === undefined) delete process.env.NODE_ENV
      else process.env.NODE_ENV = NODE_ENV
    }
  })
})

describe('factors with real sessions', () => {
  it('a second factor completes a sign-in; half-way in, none can be set up (T14)', async () => {
    const node = startFactors()
    const browser = new Browser(node)
    const app = await enrol(node, 'ada')
    const begun = await browser.send(async session => {
      await session.beginSignIn('ada', { amr: ['pwd'] })
      assert.equal(await node.factors.required(session.pending?.userId ?? ''), true)
      return node.factors.beginTotp(session, 'mallory')
    })
    assert.equal(begun.code, 'usage')
    const halfWay = await browser.send(session => session.load().then(() => node.factors.beginTotp(session, 'x')))
    assert.equal(halfWay.code, 'usage')

    const done = await browser.send(async session => {
      await session.load()
      const answer = await node.factors.checkCode({ userId: session.pending?.userId ?? '', device: null }, app.code())
      assert.ok(answer.outcome === 'passed')
      await session.completeSignIn({ amr: answer.amr })
      return { userId: session.userId, aal: session.aal, amr: session.amr }
    })
    assert.deepEqual(done.body, { userId: 'ada', aal: 2, amr: ['pwd', 'otp'] })
  })

  it('an enrolment goes over several requests, and not into another session of the same user', async () => {
    const node = startFactors()
    const [browser, other] = [new Browser(node), new Browser(node)]
    for (const one of [browser, other]) await one.send(session => session.signIn('ada', { amr: ['pwd'] }))
    const begun = await browser.send(session => node.factors.beginTotp(session, 'ada'))
    assert.ok(begun.body)
    const { uri, ticket } = begun.body
    const confirm = (from: Browser) =>
      from.send(session => node.factors.confirmTotp(session, ticket, appWith(uri, node.clock).code(), 'phone'))
    assert.deepEqual((await confirm(other)).body, { outcome: 'refused' })
    assert.deepEqual((await confirm(browser)).body, { outcome: 'passed', userId: 'ada', factor: 'totp', amr: ['otp'] })
    const added = node.events.find(({ type }) => type === 'factor.added')
    assert.equal(added?.userId, 'ada')
    assert.ok(added?.sid, 'it is known in which session')
  })

  it('passkeys are off until they are turned on', async () => {
    const { factors } = startFactors()
    const session = sessionOf('ada')
    for (const call of [
      () => factors.beginPasskey(session, 'ada'),
      () => factors.confirmPasskey(session, {}, 'key'),
      () => factors.passkeyChallenge(session, null),
      () => factors.checkPasskey(session, { userId: null, device: null }, {}),
    ]) {
      await assert.rejects(call(), { code: 'usage', message: /passkeys are off/ })
    }
  })

  it('an attempt without a user is a mistake in the code, not a failure of somebody', async () => {
    const { factors } = startFactors()
    for (const userId of [null, undefined, '', 7, 'x'.repeat(257)])
      await assert.rejects(factors.checkCode({ userId: userId as string, device: null }, '123456'), { code: 'usage' })
  })
})

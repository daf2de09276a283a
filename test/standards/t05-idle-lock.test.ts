import assert from 'node:assert/strict'
import { afterEach, it } from 'node:test'
import type { Session, SignInOptions } from 'latchkey'
import { Browser, type Handler } from '../actors/browser.ts'
import { lockedFor, look } from '../actors/locked-view.ts'
import { type Data, type Server, type ServerOptions, startAnotherNode, startServer, told } from '../actors/server.ts'
import { onEveryStoreAndSealed } from '../actors/stores.ts'

const minute = 60_000
const idle = 15 * minute
const lock = { atIdle: 'lock' } as const

onEveryStoreAndSealed('T05 idle sessions that lock', open => {
  let server: Server
  const start = async (options: ServerOptions = {}, how: Partial<SignInOptions> = {}) => {
    server = startServer({ store: open(), ...options, policy: { ...lock, ...options.policy } })
    const browser = new Browser(server)
    await browser.signIn('alice', how)
    await browser.put({ essay: 'half written' })
    server.events.length = 0
    return browser
  }
  const passMs = (ms: number) => server.clock.set(server.clock.now() + ms)
  const seen = async (browser: Browser) => (await browser.send(look, { method: 'GET' })).body
  const userSeenBy = async (browser: Browser) => (await seen(browser))?.userId ?? null
  /** Alice was away for too long. */
  const locked = async (options: ServerOptions = {}) => {
    const browser = await start(options)
    passMs(idle)
    return browser
  }
  const assertLocked = async (browser: Browser) => {
    assert.deepEqual(await seen(browser), lockedFor('alice'))
    assert.deepEqual(
      await seen(new Browser(startAnotherNode(server, { policy: lock }), browser.token)),
      lockedFor('alice'),
    )
  }
  afterEach(() => server.sessions.close())

  it('NIST 2.2.3, C6: locked after the idle time-out, and not a millisecond sooner; one factor goes on where it was', async () => {
    const browser = await start()
    const { id } = (await seen(browser)) ?? {}
    passMs(idle - 1)
    assert.equal(await userSeenBy(browser), 'alice')
    passMs(idle - 1)
    assert.equal(await userSeenBy(browser), 'alice', 'use starts it anew')
    passMs(idle)
    await assertLocked(browser)
    const old = browser.token
    assert.equal((await browser.send(session => session.stepUp({ amr: ['pwd'] }))).status, 200)
    assert.notEqual(browser.token, old)
    const back = await seen(browser)
    assert.deepEqual([back?.id, back?.userId, back?.data], [id, 'alice', { essay: 'half written' }])
    assert.deepEqual(told(server, 'session.unlocked', 'session.ended', 'session.stepped-up'), ['session.unlocked'])
    assert.equal((await seen(new Browser(server, old)))?.userId, null, 'the token that was locked is dead')
    passMs(idle - 1)
    assert.equal(await userSeenBy(browser), 'alice', 'unlocking is use')
  })

  const refused: readonly (readonly [what: string, code: string, handler: Handler<unknown>])[] = [
    ['requireUser', 'session-locked', (_, exchange) => exchange.requireUser()],
    ['requireUser without use', 'session-locked', (_, exchange) => exchange.requireUser({ activity: false })],
    ['requireLevel(0)', 'session-locked', (_, exchange) => exchange.requireLevel(0)],
    ['requireFresh', 'session-locked', (_, exchange) => exchange.requireFresh(86_400_000)],
    ['a change of data', 'session-locked', async session => Object.assign((await session.load()).data, { n: 1 })],
    ['update()', 'session-locked', session => session.update(data => Object.assign(data, { n: 1 }))],
    ['rotate()', 'session-locked', session => session.rotate()],
    ['confirm()', 'session-locked', session => session.confirm('change e-mail', 'x')],
    ['redeem()', 'session-locked', session => session.redeem('x', 'change e-mail', 'x', { amr: ['pwd'] })],
    ['failConfirmation()', 'session-locked', session => session.failConfirmation('x', 'change e-mail')],
    ['completeSignIn()', 'usage', session => session.completeSignIn({ amr: ['otp'] })],
    ['a step-up that proves nothing', 'usage', session => session.stepUp({ amr: [] })],
  ]
  for (const [what, code, handler] of refused) {
    it(`NIST 2.2.3: locked: ${what} is refused, changes nothing and unlocks nothing`, async () => {
      const browser = await locked()
      const { status, code: found, setCookie } = await browser.send(handler)
      assert.deepEqual([status === 200, found, setCookie], [false, code, null])
      await assertLocked(browser)
      await browser.send(session => session.stepUp({ amr: ['pwd'] }))
      assert.deepEqual((await seen(browser))?.data, { essay: 'half written' })
    })
  }

  it('what a handler wrote into the empty data of a locked session does not go over what its user has', async () => {
    const browser = await locked()
    const writeAndUnlock: Handler<unknown> = async session => {
      Object.assign((await session.load()).data, { essay: 'nothing' })
      await session.stepUp({ amr: ['pwd'] })
    }
    assert.equal((await browser.send(writeAndUnlock)).status, 200)
    assert.deepEqual((await seen(browser))?.data, { essay: 'half written' })

    const again = await locked()
    const writeAndSignIn: Handler<unknown> = async session => {
      Object.assign((await session.load()).data, { essay: 'nothing' })
      await session.signIn('alice', { amr: ['pwd'] })
    }
    assert.equal((await again.send(writeAndSignIn)).status, 200)
    assert.deepEqual((await seen(again))?.data, { essay: 'half written' })
  })

  const harmless: readonly (readonly [what: string, handler: Handler<unknown>])[] = [
    ['looking', look],
    ['looking without use', session => session.load({ activity: false })],
    ['a challenge for a passkey', session => session.challenge('passkey', 'alice')],
    [
      'a right answer',
      async session => session.answer(await session.challenge('passkey', 'alice'), 'passkey', 'alice'),
    ],
    ['a wrong answer', async session => session.answer(await session.challenge('passkey', 'alice'), 'passkey', 'bob')],
    ['reading the data', async session => structuredClone((await session.load()).data)],
    ['the status', async (session, exchange) => (await session.load()) && exchange.sessionStatus()],
  ]
  for (const [what, handler] of harmless) {
    it(`NIST 2.2.3: locked: ${what}, again and again, keeps it locked`, async () => {
      const browser = await locked()
      for (let n = 0; n < 20; n += 1) {
        assert.equal((await browser.send(handler)).status, 200)
        await assertLocked(browser)
        passMs(minute)
      }
    })
  }

  it('a challenge from before is answered while locked, once', async () => {
    const browser = await start()
    const { body } = await browser.send(s => s.challenge('passkey', 'alice', { lifetime: '1h' }))
    passMs(idle)
    const answer: Handler<boolean> = session => session.answer(body ?? '', 'passkey', 'alice')
    assert.deepEqual([(await browser.send(answer)).body, (await browser.send(answer)).body], [true, false])
    await assertLocked(browser)
  })

  it('a confirmation from before is not redeemed while locked, and does not unlock', async () => {
    const browser = await start()
    const { body } = await browser.send(s => s.confirm('change e-mail', 'x', { lifetime: '1h' }))
    passMs(idle)
    const redeem: Handler<void> = s => s.redeem(body?.id ?? '', 'change e-mail', 'x', { amr: ['pwd'] })
    assert.notEqual((await browser.send(redeem)).status, 200)
    await assertLocked(browser)
    await browser.send(session => session.stepUp({ amr: ['pwd'] }))
    assert.equal((await browser.send(redeem)).status, 200)
  })

  const begun: readonly (readonly [what: string, finish: (session: Session<Data>) => Promise<unknown>])[] = [
    ['update()', session => session.update(data => Object.assign(data, { n: 1 }))],
    ['a change of data', async session => Object.assign(session.data, { n: 1 })],
    ['rotate()', session => session.rotate()],
    ['a challenge', session => session.challenge('passkey')],
    ['loading it once more, as use', session => session.load()],
  ]
  for (const [what, finish] of begun) {
    it(`NIST 2.2.3: a request that began before and ends with ${what} does not unlock it`, async () => {
      const browser = await start()
      const [loaded, done] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      const { token } = browser
      const long = browser.send(async session => {
        await session.load({ activity: false })
        loaded.resolve()
        await done.promise
        await session.load()
        await finish(session)
      })
      await loaded.promise
      passMs(idle)
      const other = new Browser(server, token)
      assert.equal((await seen(other))?.locked, 'alice')
      done.resolve()
      const { token: next } = await long
      await assertLocked(next ? new Browser(server, next) : other)
    })
  }

  it('NIST 2.2.3: who found it locked is not let in by a rotation that was under way', async () => {
    const browser = await start()
    const { body: challenge } = await browser.send(s => s.challenge('passkey', null, { lifetime: '1h' }))
    const [loaded, rotate, found, answer] = Array.from({ length: 4 }, () => Promise.withResolvers<void>())
    passMs(11 * minute)
    const { token } = browser
    const long = new Browser(server, token).send(async session => {
      await session.load()
      loaded?.resolve()
      await rotate?.promise
    })
    await loaded?.promise
    passMs(idle)
    const other = new Browser(server, token)
    const late = other.send(async session => {
      assert.deepEqual(await look(session), lockedFor('alice'))
      found?.resolve()
      await answer?.promise
      assert.equal(await session.answer(challenge ?? '', 'passkey'), true)
      return look(session)
    })
    await found?.promise
    rotate?.resolve()
    assert.ok((await long).token, 'it rotated')
    answer?.resolve()
    assert.deepEqual((await late).body, lockedFor('alice'))
    await assertLocked(other)
    assert.equal((await other.send(session => session.stepUp({ amr: ['pwd'] }))).status, 200)
    assert.equal(await userSeenBy(other), 'alice')
  })

  it('signing out works while it is locked', async () => {
    const browser = await locked()
    const { token } = browser
    const reply = await browser.signOut()
    assert.deepEqual([reply.status, reply.token], [200, ''])
    assert.deepEqual(await seen(new Browser(server, token)), lockedFor(null))
    assert.deepEqual(told(server, 'session.ended'), ['session.ended signed-out'])
    assert.deepEqual(await server.sessions.list('alice'), [])
  })

  it('signing in works while it is locked: the same user keeps the data, another one sees none of it', async () => {
    for (const [next, data] of [
      ['alice', { essay: 'half written' }],
      ['bob', {}],
    ] as const) {
      const browser = await locked()
      const { token } = browser
      assert.equal((await browser.signIn(next)).status, 200)
      const after = await seen(browser)
      assert.deepEqual([after?.userId, after?.data, after?.locked], [next, data, null])
      assert.equal((await seen(new Browser(server, token)))?.locked, null, 'the locked one is over')
      assert.equal((await server.sessions.list('alice')).length, next === 'alice' ? 1 : 0)
      await server.sessions.close()
    }
  })

  it('2.3.1: a first factor alone does not unlock: it begins a sign-in, which sees none of the data', async () => {
    const browser = await locked()
    await browser.send(session => session.beginSignIn('alice', { amr: ['pwd'] }))
    const after = await seen(browser)
    assert.deepEqual([after?.userId, after?.data, after?.pending?.userId], [null, {}, 'alice'])
  })

  it('NIST 5.1-k: the CSRF token of the locked page is good for unlocking, one from before as well, none is refused', async () => {
    const tokenOf: Handler<string> = async (session, exchange) => (await session.load()) && exchange.csrfToken()
    const unlock: Handler<void> = session => session.stepUp({ amr: ['pwd'] })
    for (const when of ['locked', 'before', 'foreign', 'none'] as const) {
      const browser = await start({ csrf: { token: true } }).then(async fresh => {
        const page = await fresh.send(tokenOf, { method: 'GET' })
        return { fresh, page: page.body ?? '' }
      })
      passMs(idle)
      const { body } = await browser.fresh.send(tokenOf, { method: 'GET' })
      const foreign = (await new Browser(server).send(tokenOf, { method: 'GET' })).body
      const token = { locked: body, before: browser.page, foreign, none: undefined }[when]
      const { code } = await browser.fresh.send(unlock, { headers: token ? { 'x-csrf-token': token } : {} })
      const expected = { locked: null, before: null, foreign: 'csrf-token-invalid', none: 'csrf-token-missing' }[when]
      assert.equal(code, expected)
      assert.equal(await userSeenBy(browser.fresh), expected === null ? 'alice' : null)
      await server.sessions.close()
    }
  })

  it('the page of a locked session knows that it is locked, and nothing of its user', async () => {
    const browser = await locked()
    const status: Handler<unknown> = async (session, exchange) => (await session.load()) && exchange.sessionStatus()
    const { csrfToken: _, ...shown } = (await browser.send(status, { method: 'GET' })).body as Record<string, unknown>
    assert.deepEqual(shown, { signedIn: false, locked: true, idleIn: null, endsIn: null, subject: null, formKeys: [] })
  })

  it('7.3.2: the absolute time-out ends it, locked or not, to the millisecond', async () => {
    const browser = await start()
    const { createdAt } = (await seen(browser)) ?? {}
    server.clock.set((createdAt ?? 0) + 8 * 3_600_000 - 1)
    await assertLocked(browser)
    passMs(1)
    assert.deepEqual(await seen(browser), lockedFor(null))
    assert.equal((await browser.send(session => session.stepUp({ amr: ['pwd'] }))).code, 'usage')
    assert.deepEqual(told(server, 'session.ended'), ['session.ended expired'])
  })

  it('7.3.2: unlocking does not prolong it', async () => {
    const browser = await start()
    const { createdAt } = (await seen(browser)) ?? {}
    const end = (createdAt ?? 0) + 8 * 3_600_000
    while (server.clock.now() + idle < end) {
      passMs(idle)
      await browser.send(session => session.stepUp({ amr: ['pwd'] }))
      assert.equal(await userSeenBy(browser), 'alice')
    }
    server.clock.set(end)
    assert.equal(await userSeenBy(browser), null)
  })

  it('the level after unlocking is that of what was proved', async () => {
    const browser = await start({}, { amr: ['pwd', 'otp'] })
    passMs(idle)
    await browser.send(session => session.stepUp({ amr: ['pwd'] }))
    const { aal, authenticatedAt } = (await seen(browser)) ?? {}
    assert.deepEqual([aal, authenticatedAt], [2, server.clock.now()])
    assert.equal((await browser.send((_, e) => e.requireFresh(minute, { level: 2 }))).code, 'not-fresh')
  })

  it('a persistent session locks after its own idle time-out', async () => {
    const browser = await start({ policy: { rotateEvery: false } }, { persistent: true })
    passMs(14 * 86_400_000 - 1)
    assert.equal(await userSeenBy(browser), 'alice')
    passMs(14 * 86_400_000)
    await assertLocked(browser)
    const { setCookie } = await browser.send(session => session.stepUp({ amr: ['pwd'] }))
    assert.match(setCookie ?? '', /; Max-Age=\d+;/)
    assert.equal(await userSeenBy(browser), 'alice')
  })

  it('guests and pending sign-ins end instead', async () => {
    await start()
    const [guest, pending] = [new Browser(server), new Browser(server)]
    await guest.put({ cart: 1 })
    await pending.send(session => session.beginSignIn('bob', { amr: ['pwd'] }))
    passMs(idle)
    for (const browser of [guest, pending]) assert.deepEqual(await seen(browser), lockedFor(null))
    assert.deepEqual(told(server, 'session.ended'), ['session.ended idle', 'session.ended idle'])
  })

  it('7.5.2: the list shows it as locked, and it can be ended from there', async () => {
    const browser = await start()
    const lockedInList = async () => (await server.sessions.list('alice')).map(({ locked }) => locked)
    assert.deepEqual(await lockedInList(), [false])
    passMs(idle - 1)
    assert.deepEqual(await lockedInList(), [false])
    passMs(1)
    assert.deepEqual(await lockedInList(), [true])
    const [{ sid } = { sid: '' }] = await server.sessions.list('alice')
    assert.equal((await server.sessions.find(sid))?.locked, true)
    assert.equal(await server.sessions.end(sid), true)
    assert.deepEqual(await seen(browser), lockedFor(null))
  })

  it('7.4.2: the end of all sessions of its user ends it', async () => {
    const browser = await locked()
    await server.sessions.endUser('alice')
    assert.deepEqual(await seen(browser), lockedFor(null))
    assert.notEqual((await browser.send(session => session.stepUp({ amr: ['pwd'] }))).status, 200)
  })

  it('the sweep leaves it alone until its absolute time-out', async () => {
    const browser = await start()
    const { createdAt } = (await seen(browser)) ?? {}
    passMs(idle)
    assert.equal(await server.sessions.sweep(), 0)
    await assertLocked(browser)
    server.clock.set((createdAt ?? 0) + 8 * 3_600_000)
    assert.equal(await server.sessions.sweep(), 1)
    assert.deepEqual(told(server, 'session.ended'), ['session.ended expired'])
  })

  it('3.2-T: a superseded token is a replay while it is locked, too: both holders are out', async () => {
    const browser = await start()
    const thief = browser.thief()
    await browser.rotate()
    passMs(idle)
    assert.equal((await seen(thief))?.locked, null)
    assert.deepEqual(told(server, 'token.replayed', 'session.ended'), ['token.replayed', 'session.ended replayed'])
    assert.deepEqual(await seen(browser), lockedFor(null))
  })

  it('a thief with a copy of a locked session has nothing, and nothing after it is unlocked', async () => {
    const browser = await locked()
    const thief = browser.thief()
    assert.deepEqual(await seen(thief), lockedFor('alice'))
    await browser.send(session => session.stepUp({ amr: ['pwd'] }))
    assert.deepEqual(await seen(thief), lockedFor(null))
  })

  it('"last seen" that a lost touch left behind locks early by less than touchEvery, and use in between keeps it open', async () => {
    const browser = await start({ policy: { touchEvery: '1m' } })
    for (let n = 0; n < 40; n += 1) {
      passMs(minute - 1)
      assert.equal(await userSeenBy(browser), 'alice')
    }
    passMs(idle - minute)
    assert.equal(await userSeenBy(browser), 'alice')
  })

  it('who turns locking off ends what would be locked, who turns it on locks what is there', async () => {
    const browser = await locked()
    const ending = startAnotherNode(server, { policy: { atIdle: 'end' } })
    assert.deepEqual(await seen(new Browser(ending, browser.token)), lockedFor(null))
    assert.deepEqual(told(ending, 'session.ended'), ['session.ended idle'])
    const plain = new Browser(ending)
    await plain.signIn('alice')
    passMs(idle)
    assert.deepEqual(await seen(new Browser(server, plain.token)), lockedFor('alice'))
  })
})

import assert from 'node:assert/strict'
import { afterEach, it } from 'node:test'
import type { AssuranceLevel, Proved, SignInOptions } from 'latchkey'
import { Browser, type Handler } from '../actors/browser.ts'
import { type Server, type ServerOptions, startAnotherNode, startServer, told } from '../actors/server.ts'
import { onEveryStoreAndSealed } from '../actors/stores.ts'

const second = 1_000
const minute = 60 * second
const day = 86_400 * second

onEveryStoreAndSealed('T12 step-up', (open, { readFiles }) => {
  let server: Server
  const start = (options: ServerOptions = {}) => {
    server = startServer({ store: open(), ...options })
    return new Browser(server)
  }
  const passMs = (ms: number) => server.clock.set(server.clock.now() + ms)
  /** Why a request that needs this level is refused, or `null`. */
  const refusedAt = async (browser: Browser, level: AssuranceLevel) =>
    (await browser.send((_, exchange) => exchange.requireLevel(level), { method: 'GET' })).code
  const refusedUnlessFresh = async (browser: Browser, withinMs: number, level?: 1 | 2 | 3) =>
    (await browser.send((_, exchange) => exchange.requireFresh(withinMs, level ? { level } : {}), { method: 'GET' }))
      .code
  const levelOf = async (browser: Browser) =>
    (await browser.send(async session => (await session.load()).aal, { method: 'GET' })).body
  afterEach(() => server.sessions.close())

  const guest: Handler<unknown> = async session => Object.assign((await session.load()).data, { cart: 1 })
  const signIn =
    (options: SignInOptions): Handler<unknown> =>
    session =>
      session.signIn('alice', options)
  const both =
    (first: Handler<unknown>, next: Handler<unknown>): Handler<unknown> =>
    async (session, exchange) => {
      await first(session, exchange)
      await next(session, exchange)
    }
  const stepUp =
    (proved: Proved): Handler<unknown> =>
    session =>
      session.stepUp(proved)

  const people: readonly (readonly [who: string, how: Handler<unknown>, level: AssuranceLevel])[] = [
    ['a visitor', session => session.load(), 0],
    ['a guest', guest, 0],
    ['somebody between two factors', session => session.beginSignIn('alice', { amr: ['pwd'] }), 0],
    [
      'somebody between two factors, who proved a lot',
      session => session.beginSignIn('alice', { amr: ['mfa'], aal: 3 }),
      0,
    ],
    ['a user with a password', signIn({ amr: ['pwd'] }), 1],
    ['a user with a password and a PIN, one kind of factor', signIn({ amr: ['pwd', 'pin'] }), 1],
    ['a user with a one-time code alone', signIn({ amr: ['otp'] }), 1],
    ['a user with methods that nobody knows', signIn({ amr: ['magic', '__proto__', 'constructor'] }), 1],
    ['a user with a password and a code', signIn({ amr: ['pwd', 'otp'] }), 2],
    ['a user with a passkey that knows its user', signIn({ amr: ['swk', 'user', 'mfa'] }), 2],
    ['a user whose code came later', both(signIn({ amr: ['pwd'] }), stepUp({ amr: ['otp'] })), 2],
    ['a user who gave the password twice', both(signIn({ amr: ['pwd'] }), stepUp({ amr: ['pwd'] })), 1],
    ['a user who signed in anew with less', both(signIn({ amr: ['pwd', 'otp'] }), signIn({ amr: ['pwd'] })), 1],
    ['a user of whom the application knows more', signIn({ amr: ['pwd'], aal: 3 }), 3],
    ['a user who proved less after more', both(signIn({ amr: ['hwk'], aal: 3 }), stepUp({ amr: ['hwk'], aal: 1 })), 3],
    [
      'both factors, one after the other',
      both(
        session => session.beginSignIn('alice', { amr: ['pwd'] }),
        session => session.completeSignIn({ amr: ['otp'] }),
      ),
      2,
    ],
  ]
  for (const [who, how, level] of people) {
    it(`6.3.3, NIST 5.1-f: ${who} has level ${level}, and no guard lets them do more`, async () => {
      const browser = start()
      assert.equal((await browser.send(how)).status, 200)
      assert.equal(await levelOf(browser), level)
      for (const needed of [1, 2, 3] as const) {
        const missing = level === 0 ? 'not-signed-in' : 'level-too-low'
        assert.equal(await refusedAt(browser, needed), level >= needed ? null : missing)
      }
    })
  }

  it('6.3.3: what is refused is told, and neither ends nor changes the session', async () => {
    const browser = start()
    await browser.signIn('alice')
    server.events.length = 0
    const { error, setCookie } = await browser.send((_, exchange) => exchange.requireLevel(2))
    assert.deepEqual([(error as { status: number }).status, setCookie], [401, null])
    assert.deepEqual(told(server), ['request.refused level-too-low'])
    assert.equal((await browser.see()).body?.userId, 'alice')
  })

  it('7.5.1: re-authentication in place: same session, data kept, the token replaced, the old one dead at once', async () => {
    const browser = start()
    await browser.signIn('alice')
    await browser.put({ essay: 'half written' })
    const before = await browser.see()
    const old = browser.token
    const reply = await browser.send(async session => {
      await session.load()
      session.data.unsaved = true
      await session.stepUp({ amr: ['otp'] })
    })
    assert.ok(reply.token)
    assert.notEqual(reply.token, old)
    const { body } = await browser.see()
    assert.deepEqual(body, { ...before.body, data: { essay: 'half written', unsaved: true } })
    assert.equal((await browser.see({ token: old })).body?.userId, null)
    assert.equal((await new Browser(startAnotherNode(server), old).see()).body?.userId, null)
  })

  for (const [what, prepare] of [
    ['a visitor', session => session.load()],
    ['a guest', guest],
    ['a pending sign-in', session => session.beginSignIn('alice', { amr: ['pwd'] })],
  ] as readonly (readonly [string, Handler<unknown>])[]) {
    it(`2.3.1: stepUp makes ${what} nobody`, async () => {
      const browser = start()
      await browser.send(prepare)
      assert.equal((await browser.stepUp()).code, 'usage')
      assert.equal((await browser.see()).body?.userId, null)
    })
  }

  it('a step-up that proves nothing is refused', async () => {
    const browser = start()
    await browser.signIn('alice')
    for (const amr of [[], 'otp', null]) {
      assert.equal((await browser.send(session => session.stepUp({ amr } as Proved))).code, 'usage')
    }
    assert.equal(await levelOf(browser), 1)
  })

  it('7.5.1: freshness ends to the millisecond, and proving it again starts it anew', async () => {
    const browser = start()
    await browser.signIn('alice')
    passMs(5 * minute - 1)
    assert.equal(await refusedUnlessFresh(browser, 5 * minute), null)
    passMs(1)
    assert.equal(await refusedUnlessFresh(browser, 5 * minute), 'not-fresh')
    await browser.send(stepUp({ amr: ['pwd'] }))
    passMs(5 * minute - 1)
    assert.equal(await refusedUnlessFresh(browser, 5 * minute), null)
    passMs(1)
    assert.equal(await refusedUnlessFresh(browser, 5 * minute), 'not-fresh')
  })

  it('NIST 5.1.2: neither use nor rotation of the session is a proof', async () => {
    const browser = start()
    await browser.signIn('alice')
    for (let n = 0; n < 4; n += 1) {
      passMs(5 * minute)
      await browser.put({ n })
      await browser.rotate()
    }
    assert.equal(await refusedUnlessFresh(browser, 20 * minute + 1), null)
    assert.equal(await refusedUnlessFresh(browser, 20 * minute), 'not-fresh')
  })

  /** What was proved when (ms), when somebody asks, and the highest level that what is five minutes old then makes. */
  const fresh: readonly (readonly [
    proofs: readonly (readonly [at: number, proved: Proved])[],
    at: number,
    level: AssuranceLevel,
  ])[] = [
    [[[0, { amr: ['pwd', 'otp'] }]], 5 * minute - 1, 2],
    [[[0, { amr: ['pwd', 'otp'] }]], 5 * minute, 0],
    [
      [
        [0, { amr: ['pwd'] }],
        [4 * minute, { amr: ['otp'] }],
      ],
      5 * minute - 1,
      2,
    ],
    [
      [
        [0, { amr: ['pwd'] }],
        [4 * minute, { amr: ['otp'] }],
      ],
      5 * minute,
      1,
    ],
    [
      [
        [0, { amr: ['pwd', 'otp'] }],
        [6 * minute, { amr: ['pwd'] }],
      ],
      6 * minute,
      1,
    ],
    [
      [
        [0, { amr: ['pwd', 'otp'] }],
        [6 * minute, { amr: ['otp'] }],
      ],
      6 * minute,
      1,
    ],
    [
      [
        [0, { amr: ['pwd'] }],
        [6 * minute, { amr: ['swk', 'mfa'] }],
      ],
      11 * minute - 1,
      2,
    ],
    [
      [
        [0, { amr: ['pwd'] }],
        [6 * minute, { amr: ['swk', 'mfa'] }],
      ],
      11 * minute,
      0,
    ],
    [
      [
        [0, { amr: ['hwk'], aal: 3 }],
        [6 * minute, { amr: ['hwk'] }],
      ],
      6 * minute,
      1,
    ],
    [[[0, { amr: ['pwd'], aal: 3 }]], 5 * minute - 1, 3],
  ]
  for (const [proofs, at, level] of fresh) {
    const story = proofs.map(
      ([when, { amr, aal }]) => `${amr.join(' and ')}${aal ? ` (level ${aal})` : ''} at ${when} ms`,
    )
    it(`7.5.1: ${story.join(', ')}: at ${at} ms that is level ${level} within five minutes`, async () => {
      const browser = start()
      const began = server.clock.now()
      for (const [index, [when, proved]] of proofs.entries()) {
        server.clock.set(began + when)
        await browser.send(index === 0 ? signIn(proved) : stepUp(proved))
      }
      server.clock.set(began + at)
      for (const needed of [1, 2, 3] as const) {
        assert.equal(await refusedUnlessFresh(browser, 5 * minute, needed), level >= needed ? null : 'not-fresh')
      }
    })
  }

  it('freshness is no way in for who is not signed in', async () => {
    const browser = start()
    assert.equal(await refusedUnlessFresh(browser, 5 * minute), 'not-signed-in')
    await browser.send(session => session.beginSignIn('alice', { amr: ['pwd', 'otp'] }))
    assert.equal(await refusedUnlessFresh(browser, 5 * minute), 'not-signed-in')
    assert.equal(await refusedUnlessFresh(browser, 5 * minute, 2), 'not-signed-in')
  })

  it('NIST 2.2.3, 5.1-g: "remember me" keeps level 1; what is above lasts for the idle time-out after its proofs', async () => {
    const browser = start()
    await browser.signIn('alice', { amr: ['pwd', 'otp'], persistent: true })
    passMs(15 * minute - 1)
    assert.equal(await levelOf(browser), 2)
    passMs(1)
    assert.equal(await levelOf(browser), 1)
    assert.equal(await refusedAt(browser, 2), 'level-too-low')
    assert.equal(await refusedAt(browser, 1), null)
    passMs(3 * day)
    assert.equal(await levelOf(browser), 1)
    assert.equal((await server.sessions.list('alice'))[0]?.aal, 1)
  })

  it('WSTG-ATHN-05: a remembered session has a token that says nothing, is replaced in use, kept nowhere, and bounded', async () => {
    const browser = start()
    await browser.signIn('alice', { amr: ['pwd', 'otp'], persistent: true })
    const end = server.clock.now() + 30 * day
    const tokens = [browser.token ?? '']
    for (let at = server.clock.now(); at < end; at = server.clock.now()) {
      assert.equal((await browser.see()).body?.userId, 'alice')
      if (browser.token !== tokens.at(-1)) tokens.push(browser.token ?? '')
      server.clock.set(Math.min(at + 6 * 60 * minute, end))
    }
    assert.equal((await browser.see()).body?.userId, null, 'however busy, it is over after thirty days')
    assert.ok(tokens.length > 60, `${tokens.length} tokens`)
    assert.equal(new Set(tokens).size, tokens.length)
    assert.doesNotMatch(`${tokens} ${tokens.map(token => Buffer.from(token, 'base64url').toString('latin1'))}`, /alice/)
    for (const token of tokens) assert.ok(!readFiles().includes(token.slice(-20)))
  })

  it('WSTG-ATHN-05: a remembered token that was replaced and comes back is a theft, and ends the session', async () => {
    const browser = start()
    await browser.signIn('alice', { persistent: true })
    const thief = browser.thief()
    passMs(day)
    await browser.see()
    await browser.see()
    passMs(2 * minute)
    assert.equal((await thief.see()).body?.userId, null)
    assert.deepEqual(told(server, 'token.replayed'), ['token.replayed'])
    assert.equal((await browser.see()).body?.userId, null)
    assert.deepEqual(await server.sessions.list('alice'), [])
  })

  it('NIST 5.1-g: however busy a remembered session is, its level is not kept up', async () => {
    const browser = start()
    await browser.signIn('alice', { amr: ['pwd', 'otp'], persistent: true })
    for (let n = 1; n < 15; n += 1) {
      passMs(minute)
      await browser.put({ n })
      assert.equal(await levelOf(browser), 2)
    }
    passMs(minute)
    assert.equal(await levelOf(browser), 1)
  })

  const raising: readonly (readonly [what: string, proved: readonly Proved[], level: AssuranceLevel])[] = [
    ['nothing', [], 1],
    ['the password', [{ amr: ['pwd'] }], 1],
    ['a code alone, which was the second of two factors weeks ago', [{ amr: ['otp'] }], 1],
    ['a password and a code', [{ amr: ['pwd'] }, { amr: ['otp'] }], 2],
    ['a passkey that knows its user', [{ amr: ['hwk', 'user', 'mfa'] }], 2],
    ['what the application knows better', [{ amr: ['sc'], aal: 3 }], 3],
  ]
  for (const [what, proved, level] of raising) {
    it(`NIST 5.1-g: in a remembered session ${what} makes level ${level}, for the idle time-out`, async () => {
      const browser = start()
      await browser.signIn('alice', { amr: ['pwd', 'otp'], persistent: true })
      passMs(3 * day)
      for (const one of proved) await browser.send(stepUp(one))
      assert.equal(await levelOf(browser), level)
      assert.equal((await server.sessions.list('alice'))[0]?.aal, level)
      passMs(15 * minute - 1)
      assert.equal(await levelOf(browser), level)
      passMs(1)
      assert.equal(await levelOf(browser), 1)
    })
  }

  it('an ordinary session keeps its level until it ends', async () => {
    const browser = start({ policy: { idleTimeout: '2h', absoluteTimeout: '8h' } })
    await browser.signIn('alice', { amr: ['pwd', 'otp'] })
    for (let n = 0; n < 4; n += 1) {
      passMs(2 * 60 * minute - 1)
      assert.equal(await levelOf(browser), 2)
    }
  })

  it('16.3.1: the event tells the level that the step-up reached', async () => {
    const browser = start()
    await browser.signIn('alice')
    await browser.stepUp()
    const levels = server.events.flatMap(event => (event.type === 'session.stepped-up' ? [event.aal] : []))
    assert.deepEqual(levels, [2])
  })

  it('16.3.1: in a remembered session the event tells the level of now, not of weeks ago', async () => {
    const browser = start()
    await browser.signIn('alice', { persistent: true })
    passMs(3 * day)
    await browser.stepUp()
    const levels = server.events.flatMap(event => (event.type === 'session.stepped-up' ? [event.aal] : []))
    assert.deepEqual([levels, await levelOf(browser)], [[1], 1])
  })
})

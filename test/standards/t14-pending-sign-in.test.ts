import assert from 'node:assert/strict'
import { afterEach, it } from 'node:test'
import fc from 'fast-check'
import { Browser, type Handler } from '../actors/browser.ts'
import { begin, complete, look, PendingStory, pendingStep } from '../actors/pending-story.ts'
import { type Server, type ServerOptions, startServer, told } from '../actors/server.ts'
import { onEveryStoreAndSealed } from '../actors/stores.ts'

const minute = 60_000
/** How many random stories on each store; `FUZZ_RUNS=20000` for a longer night. */
const numRuns = Number(process.env.FUZZ_RUNS ?? 100)

onEveryStoreAndSealed('T14 a sign-in between its factors', (open, { store }) => {
  let server: Server
  const start = (options: ServerOptions = {}) => {
    server = startServer({ store: open(), ...options })
    return new Browser(server)
  }
  const passMs = (ms: number) => server.clock.set(server.clock.now() + ms)
  const seen = async (browser: Browser, token = browser.token) =>
    (await browser.send(look, { method: 'GET', token })).body
  afterEach(() => server.sessions.close())

  it('6.3.3: two factors, two new tokens and sids; nobody is signed in before the second', async () => {
    const browser = start()
    await browser.put({ cart: 1 })
    const guest = { token: browser.token, id: (await seen(browser))?.id }
    await browser.send(begin('alice'))
    const pending = { token: browser.token, id: (await seen(browser))?.id }
    assert.deepEqual(await seen(browser), { id: pending.id, userId: null, pending: 'alice', data: { cart: 1 } })
    passMs(minute)
    const reply = await browser.send(async session => {
      await session.completeSignIn({ amr: ['otp'] })
      return { aal: session.aal, proofs: session.proofs }
    })
    const now = server.clock.now()
    assert.deepEqual(reply.body, {
      aal: 2,
      proofs: [
        { method: 'pwd', at: now - minute, aal: 1 },
        { method: 'otp', at: now, aal: 1 },
      ],
    })
    const user = { token: browser.token, id: (await seen(browser))?.id }
    assert.deepEqual(await seen(browser), { id: user.id, userId: 'alice', pending: null, data: { cart: 1 } })
    assert.equal(new Set([guest.token, pending.token, user.token, guest.id, pending.id, user.id]).size, 6)
    for (const { token } of [guest, pending]) {
      assert.deepEqual(await seen(new Browser(server, token)), { id: null, userId: null, pending: null, data: {} })
    }
    const types = ['sign-in.begun', 'session.signed-in'] as const
    assert.deepEqual(told(server, ...types), [...types])
    assert.equal(server.events.find(({ type }) => type === 'sign-in.begun')?.userId, 'alice')
  })

  const nothingElse: readonly (readonly [what: string, code: string, handler: Handler<unknown>])[] = [
    ['requireUser', 'not-signed-in', (_, exchange) => exchange.requireUser()],
    ['requireLevel', 'not-signed-in', (_, exchange) => exchange.requireLevel(1)],
    ['requireFresh', 'not-signed-in', (_, exchange) => exchange.requireFresh(minute)],
    ['stepUp', 'usage', session => session.stepUp({ amr: ['otp'] })],
    ['confirm', 'usage', session => session.confirm('change e-mail', 'x')],
    ['redeem', 'usage', session => session.redeem('x', 'change e-mail', 'x', { amr: ['otp'] })],
  ]
  for (const [what, code, handler] of nothingElse) {
    it(`6.3.3, WSTG-ATHN-11: between the factors ${what} is refused, and the second factor is still possible`, async () => {
      const browser = start()
      await browser.send(begin('alice'))
      assert.equal((await browser.send(handler)).code, code)
      assert.deepEqual(await server.sessions.list('alice'), [])
      const status = await browser.send(async (session, exchange) => (await session.load()) && exchange.sessionStatus())
      const { csrfToken: _, ...shown } = status.body ?? {}
      assert.deepEqual(shown, {
        ...{ signedIn: false, locked: false, idleIn: null, endsIn: null },
        ...{ subject: null, formKeys: [] },
      })
      assert.equal((await browser.send(complete)).status, 200)
      assert.equal((await seen(browser))?.userId, 'alice')
    })
  }

  for (const [what, prepare] of [
    ['a visitor', async () => {}],
    ['a guest', (browser: Browser) => browser.put({ cart: 1 })],
    ['a signed-in user', (browser: Browser) => browser.signIn('bob')],
  ] as const) {
    it(`2.3.1, WSTG-ATHN-11: a second factor without a first makes ${what} nobody else`, async () => {
      const browser = start()
      await prepare(browser)
      const before = await seen(browser)
      assert.equal((await browser.send(complete)).code, 'usage')
      assert.deepEqual(await seen(browser), before)
    })
  }

  it('the second factor may come for ten minutes, and not a millisecond longer, however busy the page is', async () => {
    const browser = start()
    await browser.send(begin('alice'))
    for (let n = 0; n < 9; n += 1) {
      passMs(minute)
      assert.equal((await seen(browser))?.pending, 'alice')
    }
    passMs(minute - 1)
    assert.equal((await seen(browser))?.pending, 'alice')
    const copy = browser.thief()
    if (store !== 'sealed') assert.equal((await copy.send(complete)).status, 200)
    await browser.send(begin('bob'))
    passMs(10 * minute)
    assert.equal((await seen(browser))?.pending, null)
    assert.deepEqual([(await browser.send(complete)).code, (await seen(browser))?.userId], ['session-ended', null])
    assert.deepEqual(await server.sessions.list('bob'), [])
    await browser.send(begin('bob'))
    assert.equal((await browser.send(complete)).status, 200)
  })

  for (const [what, endAll, isRefused] of [
    ["of the user's sessions", () => server.sessions.endUser('alice'), true],
    ["of everybody's sessions", () => server.sessions.endEverybody(), true],
    ["of another user's sessions", () => server.sessions.endUser('bob'), false],
  ] as const) {
    it(`7.4.2: an end ${what} between the factors ${isRefused ? 'refuses' : 'does not refuse'} the second`, async () => {
      const browser = start()
      await browser.send(begin('alice'))
      await endAll()
      const { code } = await browser.send(complete)
      if (isRefused) {
        assert.ok(code === 'sign-in-overtaken' || code === 'session-ended' || code === 'usage', String(code))
      } else assert.equal(code, null)
      // Nor can it be tried again: what is left is a guest.
      const { userId, pending } = (await seen(browser)) ?? {}
      assert.deepEqual([userId, pending], [isRefused ? null : 'alice', null])
      assert.equal((await server.sessions.list('alice')).length, isRefused ? 0 : 1)
    })
  }

  it('7.4.2: an end of the sessions while the password was checked refuses too, with its generation', async () => {
    const browser = start()
    const generation = await server.sessions.generation('alice')
    await server.sessions.endUser('alice')
    await browser.send(session => session.beginSignIn('alice', { amr: ['pwd'], generation }))
    assert.equal((await browser.send(complete)).code, 'sign-in-overtaken')
    assert.deepEqual(await server.sessions.list('alice'), [])
  })

  it("7.2.4: a guest's token that was planted neither sees who is about to sign in nor lives on", async () => {
    const attacker = start()
    await attacker.put({ planted: true })
    const victim = new Browser(server, attacker.token)
    await victim.send(begin('alice'))
    for (const wait of [0, 59_999, minute]) {
      passMs(wait)
      assert.deepEqual(await seen(attacker), { id: null, userId: null, pending: null, data: {} })
    }
    assert.equal((await victim.send(complete)).status, 200)
    assert.deepEqual(await seen(attacker), { id: null, userId: null, pending: null, data: {} })
    assert.equal((await seen(victim))?.userId, 'alice')
  })

  it("7.2.4: a pending sign-in that was planted does not become the victim's", async () => {
    const attacker = start()
    await attacker.send(begin('mallory'))
    const victim = new Browser(server, attacker.token)
    await victim.send(begin('alice'))
    assert.notEqual((await attacker.send(complete)).status, 200)
    assert.equal((await victim.send(complete)).status, 200)
    assert.deepEqual([(await seen(attacker))?.userId, (await seen(victim))?.userId], [null, 'alice'])
  })

  it("a user's data is not shown to who has no more than a password, be it the same user's", async () => {
    for (const next of ['alice', 'bob']) {
      const browser = start()
      await browser.signIn('alice')
      await browser.put({ diary: 'private' })
      const reply = await browser.send(async session => {
        await session.load()
        session.data.draft = 'private, too'
        await session.beginSignIn(next, { amr: ['pwd'] })
        return structuredClone(session.data)
      })
      assert.deepEqual(reply.body, {})
      assert.deepEqual((await seen(browser))?.data, {})
      assert.deepEqual(await server.sessions.list('alice'), [], 'the session before is over')
      await browser.send(complete)
      assert.deepEqual((await seen(browser))?.data, {})
      await server.sessions.close()
    }
  })

  it('2.3.1: completed twice it signs in once; the second time comes too late, and harms nobody', async () => {
    const browser = start()
    await browser.send(begin('alice'))
    const { token } = browser
    await browser.send(complete)
    for (const wait of [0, minute, 5 * minute]) {
      passMs(wait)
      const { status, setCookie } = await browser.send(complete, { token })
      assert.deepEqual([status === 200, setCookie], [false, null])
    }
    assert.equal((await seen(browser))?.userId, 'alice')
    assert.equal((await server.sessions.list('alice')).length, 1)
  })

  it('a double click where one session is the limit leaves its user signed in', async () => {
    const browser = start({ policy: { maxSessions: 1 } })
    await browser.send(begin('alice'))
    const { token } = browser
    const replies = await Promise.all([1, 2].map(() => browser.send(complete, { token, lost: true })))
    const [winner] = replies.filter(({ status }) => status === 200)
    assert.equal((await seen(browser, winner?.token ?? null))?.userId, 'alice')
  })

  it('"remember me" holds for what the second factor makes, and for nothing before', async () => {
    const browser = start()
    const first = await browser.send(session => session.beginSignIn('alice', { amr: ['pwd'], persistent: true }))
    assert.doesNotMatch(first.setCookie ?? '', /max-age|expires/i)
    assert.match((await browser.send(complete)).setCookie ?? '', /; Max-Age=2592000;/)
    const { error } = await start({ policy: { persistent: false } }).send(session =>
      session.beginSignIn('alice', { amr: ['pwd'], persistent: true }),
    )
    assert.match(String(error), /policy\.persistent/)
  })

  it('who gives up is a visitor again', async () => {
    const browser = start()
    await browser.send(begin('alice'))
    const { token } = browser
    assert.equal((await browser.signOut()).token, '')
    assert.notEqual((await browser.send(complete, { token })).status, 200)
  })

  it(`2.3.1, WSTG-SESS-08: in ${numRuns} random stories nobody becomes a user without both factors`, async () => {
    await server?.sessions.close()
    await fc.assert(
      fc.asyncProperty(fc.array(pendingStep, { maxLength: 40, size: 'max' }), async steps => {
        const story = new PendingStory(startServer({ store: open(), policy: { rotateEvery: '4m' } }))
        for (const one of steps) await story.play(one)
        await story.server.sessions.close()
      }),
      { numRuns: store === 'memory' || store === 'sealed' ? numRuns : Math.ceil(numRuns / 5) },
    )
    start()
  })
})

import assert from 'node:assert/strict'
import { afterEach, it } from 'node:test'
import type { PolicyOptions, SignInOptions } from 'latchkey'
import { Browser } from '../actors/browser.ts'
import { type Server, startServer, told } from '../actors/server.ts'
import { onEveryStoreAndSealed } from '../actors/stores.ts'

onEveryStoreAndSealed('T18 sessions at the same time', open => {
  let server: Server
  const start = (policy: PolicyOptions) => {
    server = startServer({ store: open(), policy })
  }
  afterEach(() => server.sessions.close())
  /** A new browser signs in, a second after the one before. */
  const signIn = async (userId = 'alice', persistent = false) => {
    server.clock.advance('1s')
    const browser = new Browser(server)
    const reply = await browser.signIn(userId, { persistent })
    return Object.assign(browser, { reply })
  }
  const alive = async (...browsers: Browser[]) =>
    Promise.all(browsers.map(async browser => (await browser.see()).body?.userId !== null))

  it('7.1.2: without a limit everybody stays, and every session is listed, newest first', async () => {
    start({})
    const browsers = []
    for (let n = 0; n < 20; n += 1) browsers.push(await signIn())
    assert.ok((await alive(...browsers)).every(Boolean))
    const list = await server.sessions.list('alice')
    assert.equal(list.length, 20)
    assert.deepEqual(
      list.map(info => info.createdAt),
      list.map(info => info.createdAt).sort((a, b) => b - a),
    )
  })

  it('7.1.2: evict-oldest: one more sign-in ends the oldest session, and tells', async () => {
    start({ maxSessions: 2 })
    const [one, two] = [await signIn(), await signIn()]
    server.events.length = 0
    const three = await signIn()
    assert.deepEqual(await alive(one, two, three), [false, true, true])
    assert.deepEqual(told(server, 'session.ended'), ['session.ended evicted'])
    assert.equal((await server.sessions.list('alice')).length, 2)
  })

  it('7.1.2: evict-oldest goes by the sign-in, however much the oldest is used', async () => {
    start({ maxSessions: 2 })
    const [one, two] = [await signIn(), await signIn()]
    server.clock.advance('10m')
    await one.see()
    const three = await signIn()
    assert.deepEqual(await alive(one, two, three), [false, true, true])
  })

  it('7.1.2: refuse: one more sign-in is refused, tells, sets no cookie, and ends nobody', async () => {
    start({ maxSessions: 2, atMaxSessions: 'refuse' })
    const [one, two] = [await signIn(), await signIn()]
    server.events.length = 0
    const three = await signIn()
    assert.deepEqual([three.reply.status, three.reply.code, three.token], [403, 'too-many-sessions', null])
    assert.deepEqual(told(server), ['sign-in.refused too-many-sessions'])
    assert.deepEqual(await alive(one, two), [true, true])
    await one.signOut()
    assert.equal((await signIn()).reply.status, 200)
  })

  it('a refused guest keeps the cart', async () => {
    start({ maxSessions: 1, atMaxSessions: 'refuse' })
    await signIn()
    const guest = new Browser(server)
    await guest.put({ cart: 1 })
    assert.equal((await guest.signIn('alice')).status, 403)
    assert.deepEqual((await guest.see()).body?.data, { cart: 1 })
  })

  for (const atMaxSessions of ['evict-oldest', 'refuse'] as const) {
    it(`${atMaxSessions}: a user who signs in again in the same browser takes no second place`, async () => {
      start({ maxSessions: 2, atMaxSessions })
      const [one, two] = [await signIn(), await signIn()]
      for (let round = 0; round < 5; round += 1) {
        server.clock.advance('1s')
        assert.equal((await one.signIn('alice')).status, 200)
        assert.deepEqual(await alive(one, two), [true, true])
      }
      assert.equal((await server.sessions.list('alice')).length, 2)
    })

    it(`${atMaxSessions}: other users, guests and sessions that are over take no place`, async () => {
      start({ maxSessions: 1, atMaxSessions })
      const bob = await signIn('bob')
      await new Browser(server).put({ cart: 1 })
      await (await signIn()).signOut()
      await signIn()
      server.clock.advance('15m')
      const again = await signIn()
      assert.equal(again.reply.status, 200)
      assert.deepEqual(await alive(again), [true])
      assert.equal(bob.reply.status, 200)
      assert.deepEqual(told(server, 'sign-in.refused'), [])
      assert.equal(told(server).filter(event => event === 'session.ended evicted').length, 0)
    })

    it(`${atMaxSessions}: persistent sessions count like all others`, async () => {
      start({ maxSessions: 1, atMaxSessions })
      const remembered = await signIn('alice', true)
      server.clock.advance('13d')
      const second = await signIn()
      const refuse = atMaxSessions === 'refuse'
      assert.equal(second.reply.status, refuse ? 403 : 200)
      assert.deepEqual(await alive(remembered, second), [refuse, !refuse])
    })

    it(`WSTG-SESS-11, ${atMaxSessions}: of 30 sign-ins at once no more stay than the limit`, async () => {
      start({ maxSessions: 3, atMaxSessions })
      const browsers = Array.from({ length: 30 }, () => new Browser(server))
      await Promise.all(browsers.map(browser => browser.signIn('alice')))
      assert.equal((await alive(...browsers)).filter(Boolean).length, 3)
      assert.equal((await server.sessions.list('alice')).length, 3)
    })
  }

  for (const atMaxSessions of ['evict-oldest', 'refuse'] as const) {
    it(`${atMaxSessions}: a user who signs in again four times at once in the same browser has one session`, async () => {
      start({ maxSessions: 1, atMaxSessions })
      const browser = await signIn()
      const again = { token: browser.token, lost: true }
      await Promise.all([1, 2, 3, 4].map(() => browser.signIn('alice', {}, again)))
      assert.equal((await server.sessions.list('alice')).length, 1)
    })
  }

  it('refuse: a session that was ended during its new sign-in does not make room for two', async () => {
    start({ maxSessions: 1, atMaxSessions: 'refuse' })
    const browser = await signIn()
    const passwordChecked = Promise.withResolvers<void>()
    const again = browser.send(async session => {
      await session.load()
      await passwordChecked.promise
      await session.signIn('alice', { amr: ['pwd'] })
    })
    await server.sessions.endUser('alice')
    const elsewhere = await signIn()
    passwordChecked.resolve()
    assert.equal((await again).code, 'too-many-sessions')
    assert.deepEqual(await alive(elsewhere), [true])
  })

  it('WSTG-SESS-11: of a hundred sign-ins, one after the other, the last ones stay', async () => {
    start({ maxSessions: 3 })
    const browsers = []
    for (let n = 0; n < 100; n += 1) browsers.push(await signIn())
    const stayed = await alive(...browsers)
    assert.deepEqual(
      stayed,
      browsers.map((_, index) => index >= 97),
    )
    assert.equal(told(server).filter(event => event === 'session.ended evicted').length, 97)
  })

  it('a limit made lower holds with the next sign-in', async () => {
    start({})
    const browsers = [await signIn(), await signIn(), await signIn(), await signIn()]
    const strict = startServer({
      secrets: [server.secret],
      store: server.store,
      clock: server.clock,
      policy: { maxSessions: 2 },
    })
    server.clock.advance('1s')
    const last = new Browser(strict)
    await last.signIn('alice')
    assert.deepEqual(await alive(...browsers, last), [false, false, false, true, true])
  })

  it('7.5.2: the list is exactly what is open: one entry for each, with how and since when, and nobody else’s', async () => {
    start({ persistent: { idleTimeout: '7d', absoluteTimeout: '30d' } })
    const kinds: readonly SignInOptions[] = [
      { amr: ['pwd'] },
      { amr: ['pwd', 'otp'] },
      { amr: ['swk', 'user', 'mfa'], persistent: true },
    ]
    const expected: unknown[] = []
    for (const { amr, persistent = false } of kinds) {
      server.clock.advance('1s')
      const browser = new Browser(server, null, `192.0.2.${expected.length + 1}`)
      await browser.signIn('alice', { amr, persistent })
      const { body } = await browser.see()
      const at = server.clock.now()
      expected.unshift({
        ...{ sid: body?.id, userId: 'alice', createdAt: at, lastSeenAt: at, authenticatedAt: at },
        ...{ idleExpiresAt: at + (persistent ? 7 * 1_440 : 15) * 60_000 },
        ...{ absoluteExpiresAt: at + (persistent ? 30 * 24 : 8) * 3_600_000 },
        ...{ aal: amr.length > 1 ? 2 : 1, amr, locked: false, carrier: 'cookie', clientId: null, persistent },
        ...{ address: `192.0.2.${expected.length + 1}`, userAgent: 'Test/1.0' },
      })
    }
    const over = await signIn()
    await over.signOut()
    await signIn('bob')
    await new Browser(server).put({ cart: 1 })
    await new Browser(server).send(session => session.beginSignIn('alice', { amr: ['pwd'] }))
    assert.deepEqual(await server.sessions.list('alice'), expected)
  })

  it('7.5.2: ended from the list, one is over and the others stay; nobody ends what is not there', async () => {
    start({})
    const [one, two, three] = [await signIn(), await signIn(), await signIn()]
    const { body } = await two.see()
    assert.equal(await server.sessions.end(body?.id ?? ''), true)
    assert.deepEqual(await alive(one, two, three), [true, false, true])
    assert.deepEqual(told(server, 'session.ended'), ['session.ended revoked'])
    assert.equal(await server.sessions.end(body?.id ?? ''), false)
    assert.equal(await server.sessions.end('nonsense'), false)
    assert.equal((await server.sessions.list('alice')).length, 2)
  })

  it('7.4.3, 7.5.2: all others end, this one stays, also those that are locked or remembered', async () => {
    start({ atIdle: 'lock' })
    const away = await signIn()
    server.clock.advance('15m')
    const [remembered, here, bob] = [await signIn('alice', true), await signIn(), await signIn('bob')]
    const locks = (await server.sessions.list('alice')).map(({ locked }) => locked)
    assert.deepEqual(locks, [false, false, true])
    const { body } = await here.see()
    assert.equal(await server.sessions.endUser('alice', { except: body?.id ?? '' }), 2)
    assert.deepEqual(await alive(away, remembered, here, bob), [false, false, true, true])
    assert.deepEqual(
      (await server.sessions.list('alice')).map(({ sid }) => sid),
      [body?.id],
    )
  })

  for (const atMaxSessions of ['evict-oldest', 'refuse'] as const) {
    it(`${atMaxSessions}: a sign-in between its factors takes no place, and evicts nobody before it is complete`, async () => {
      start({ maxSessions: 1, atMaxSessions })
      const one = await signIn()
      const pending = Array.from({ length: 5 }, () => new Browser(server))
      for (const browser of pending) await browser.send(session => session.beginSignIn('alice', { amr: ['pwd'] }))
      assert.deepEqual(await alive(one), [true])
      assert.equal((await server.sessions.list('alice')).length, 1)
      const [first] = pending
      const reply = await first?.send(session => session.completeSignIn({ amr: ['otp'] }))
      const refuse = atMaxSessions === 'refuse'
      assert.deepEqual([reply?.status, reply?.code], refuse ? [403, 'too-many-sessions'] : [200, null])
      assert.deepEqual(await alive(one), [refuse])
      assert.equal((await server.sessions.list('alice')).length, 1)
    })

    it(`${atMaxSessions}: a locked session keeps its place, and unlocking it takes no second one`, async () => {
      start({ maxSessions: 2, atMaxSessions, atIdle: 'lock' })
      const away = await signIn()
      server.clock.advance('15m')
      const here = await signIn()
      assert.equal((await away.send(session => session.stepUp({ amr: ['pwd'] }))).status, 200)
      assert.deepEqual(await alive(away, here), [true, true])
      server.clock.advance('15m')
      const third = await signIn()
      const refuse = atMaxSessions === 'refuse'
      assert.equal(third.reply.status, refuse ? 403 : 200)
      const unlocked = await away.send(session => session.stepUp({ amr: ['pwd'] }))
      assert.equal(unlocked.status === 200, refuse, 'the oldest was evicted, though it was locked')
    })
  }

  it('CS-S11: the list shows where from and since when, but neither token nor data', async () => {
    start({})
    const browser = await signIn()
    await browser.put({ diary: 'private' })
    const list = JSON.stringify(await server.sessions.list('alice'))
    assert.match(list, /"address":"192\.0\.2\.1"/)
    assert.match(list, /"userAgent":"Test\/1\.0"/)
    assert.doesNotMatch(list, /private|diary/)
    assert.ok(!list.includes(browser.token?.slice(40) ?? ''))
  })
})

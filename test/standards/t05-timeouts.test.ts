import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { type Duration, type PresetName, presets, type SignInOptions } from 'latchkey'
import { durationMs } from '../../src/session/duration.ts'
import { Browser } from '../actors/browser.ts'
import { type Server, type ServerOptions, startAnotherNode, startServer, told } from '../actors/server.ts'
import { onEveryStoreAndSealed } from '../actors/stores.ts'

onEveryStoreAndSealed('T05 time-outs', open => {
  let server: Server
  const start = async (options: ServerOptions = {}, how: Partial<SignInOptions> = {}) => {
    server = startServer({ store: open(), ...options })
    const browser = new Browser(server)
    await browser.signIn('alice', how)
    server.events.length = 0
    return browser
  }
  const pass = (length: Duration) => server.clock.advance(length)
  const passMs = (ms: number) => server.clock.set(server.clock.now() + ms)
  const userSeenBy = async (browser: Browser) => (await browser.see()).body?.userId ?? null
  afterEach(() => server.sessions.close())

  /** Uses the session every minute, for so long. */
  const keepBusy = async (browser: Browser, length: Duration) => {
    for (let left = durationMs(length, ''); left > 0; left -= 60_000) {
      passMs(Math.min(left, 60_000))
      if ((await userSeenBy(browser)) === null) return false
    }
    return true
  }

  it('7.3.1, WSTG-SESS-07: a session nobody used for the idle time-out is over, and not a millisecond sooner', async () => {
    const browser = await start()
    passMs(15 * 60_000 - 1)
    assert.equal(await userSeenBy(browser), 'alice')
    passMs(15 * 60_000 - 1)
    assert.equal(await userSeenBy(browser), 'alice', 'using it started the time-out anew (NIST 5.2-b)')
    pass('15m')
    assert.equal(await userSeenBy(browser), null)
    assert.deepEqual(told(server, 'session.ended'), ['session.ended idle'])
  })

  it('7.3.2: a session is over at the absolute time-out however busy it is', async () => {
    const browser = await start()
    assert.equal(await keepBusy(browser, '479m'), true)
    passMs(60_000 - 1)
    assert.equal(await userSeenBy(browser), 'alice')
    passMs(1)
    assert.equal(await userSeenBy(browser), null)
    assert.deepEqual(told(server, 'session.ended'), ['session.ended expired'])
  })

  it('WSTG-SESS-06b, NIST 5.2-a: what timed out stays over on the server, and its data is gone', async () => {
    const browser = await start()
    await browser.put({ diary: 'private' })
    const { id } = (await browser.see()).body ?? {}
    pass('15m')
    for (let round = 0; round < 3; round += 1) {
      assert.deepEqual((await browser.see()).body, { id: null, userId: null, data: {} })
    }
    server.clock.set(server.clock.now() - 60 * 60_000)
    assert.equal(await userSeenBy(browser), null, 'a clock that goes back brings nothing back')
    assert.equal((await server.store.read(id ?? ''))?.body, '')
    assert.equal(told(server, 'session.ended').length, 1)
  })

  it('a session that timed out unseen is neither listed nor found, and cannot be ended once more', async () => {
    const browser = await start()
    const { id } = (await browser.see()).body ?? {}
    pass('15m')
    assert.deepEqual(await server.sessions.list('alice'), [])
    assert.equal(await server.sessions.find(id ?? ''), null)
  })

  it('the sweep ends what timed out unseen, told once, and leaves what lives', async () => {
    const browser = await start()
    pass('10m')
    const other = new Browser(server)
    await other.signIn('bob')
    pass('5m')
    server.events.length = 0
    assert.equal(await server.sessions.sweep(), 1)
    assert.deepEqual(told(server), ['session.ended idle'])
    assert.equal(await userSeenBy(browser), null)
    assert.equal(await userSeenBy(other), 'bob')
  })

  it('NIST 5.2-b: to ask is not to use: activity: false keeps nobody signed in', async () => {
    const browser = await start()
    for (let minute = 1; minute < 15; minute += 1) {
      pass('1m')
      const reply = await browser.send(async session => {
        await session.load({ activity: false })
        return [session.userId, session.idleExpiresAt]
      })
      assert.deepEqual(reply.body, ['alice', server.clock.now() + (15 - minute) * 60_000])
    }
    pass('1m')
    assert.equal(await userSeenBy(browser), null)
  })

  it('asking and then using in one request is use', async () => {
    const browser = await start()
    pass('14m')
    await browser.send(async session => {
      await session.load({ activity: false })
      await session.load()
    })
    pass('14m')
    assert.equal(await userSeenBy(browser), 'alice')
  })

  it('NIST 5.2-b: a change of data by a request that only asks does not count as use', async () => {
    const browser = await start()
    pass('14m')
    await browser.send(async session => {
      await session.load({ activity: false })
      session.data.polled = 1
    })
    pass('1m')
    assert.equal(await userSeenBy(browser), null)
  })

  it('a change of data by a request that only asks does not take back the use of another one meanwhile', async () => {
    const browser = await start()
    pass('14m')
    const used = Promise.withResolvers<void>()
    const polling = browser.send(async session => {
      await session.load({ activity: false })
      await used.promise
      session.data.polled = 1
    })
    await browser.see()
    used.resolve()
    await polling
    pass('14m')
    assert.equal(await userSeenBy(browser), 'alice')
  })

  const busyWith: readonly (readonly [what: string, use: (browser: Browser) => Promise<unknown>])[] = [
    ['looking', browser => browser.see()],
    ['changing data', browser => browser.put({ at: server.clock.now() })],
    ['update()', browser => browser.send(session => session.update(data => Object.assign(data, { n: 1 })))],
    ['rotate()', browser => browser.rotate()],
    ['stepUp()', browser => browser.stepUp()],
  ]
  for (const [what, use] of busyWith) {
    it(`7.3.2: ${what} starts the idle time-out anew, and never the absolute one`, async () => {
      const browser = await start()
      const end = server.clock.now() + 8 * 3_600_000
      while (server.clock.now() + 14 * 60_000 < end) {
        pass('14m')
        await use(browser)
        const reply = await browser.send(async session => (await session.load()).absoluteExpiresAt)
        assert.equal(reply.body, end)
      }
      server.clock.set(end)
      assert.equal(await userSeenBy(browser), null)
    })
  }

  it('NIST 5.2-b: signing in again starts both time-outs anew', async () => {
    const browser = await start()
    assert.equal(await keepBusy(browser, '470m'), true)
    await browser.signIn('alice')
    assert.equal(await keepBusy(browser, '479m'), true)
    pass('1m')
    assert.equal(await userSeenBy(browser), null)
  })

  it('5.1.1-d: the client’s cookie decides nothing: one that it keeps too long, or renews itself, is refused', async () => {
    const browser = await start({}, { persistent: true })
    const kept = browser.token
    pass('14d')
    assert.equal(await userSeenBy(browser), null)
    browser.token = kept
    assert.equal(await userSeenBy(browser), null)
  })

  it('an ordinary cookie goes with the browser, a persistent one lasts as long as its session', async () => {
    const browser = await start()
    assert.doesNotMatch((await browser.signIn('alice')).setCookie ?? '', /max-age|expires/i)
    assert.match((await browser.signIn('alice', { persistent: true })).setCookie ?? '', /; Max-Age=2592000;/)
    pass('10d')
    assert.match((await browser.see()).setCookie ?? '', /; Max-Age=1728000;/, 'rotation shortens it, never renews it')
  })

  it('persistent sessions live by their own limits, exact to the millisecond', async () => {
    const browser = await start({ policy: { rotateEvery: false } }, { persistent: true })
    const end = server.clock.now() + 30 * 86_400_000
    for (const until of [14 * 86_400_000 - 1, 28 * 86_400_000 - 2]) {
      server.clock.set(end - 30 * 86_400_000 + until)
      assert.equal(await userSeenBy(browser), 'alice')
    }
    server.clock.set(end - 1)
    assert.equal(await userSeenBy(browser), 'alice')
    server.clock.set(end)
    assert.equal(await userSeenBy(browser), null)
    assert.deepEqual(told(server, 'session.ended'), ['session.ended expired'])
  })

  it('policy.persistent false refuses persistent sign-in, naming the option', async () => {
    const browser = await start({ policy: { persistent: false } })
    const reply = await browser.signIn('alice', { persistent: true })
    assert.deepEqual([reply.status, reply.code], [500, 'usage'])
  })

  it('a policy made shorter holds at once for the sessions that are there', async () => {
    const browser = await start({}, { persistent: true })
    const strict = startAnotherNode(server, {
      policy: { idleTimeout: '5m', absoluteTimeout: '1h', persistent: false },
    })
    pass('5m')
    assert.deepEqual(await strict.sessions.list('alice'), [])
    assert.equal((await new Browser(strict, browser.token).see()).body?.userId, null)
    assert.deepEqual(told(strict), ['session.ended idle'])
  })

  it('"last seen" is written at most every touchEvery, and the time-out strikes early by no more than that', async () => {
    const browser = await start()
    const lastSeen = async () => (await server.sessions.list('alice'))[0]?.lastSeenAt ?? 0
    const signedInAt = await lastSeen()
    passMs(14_999)
    await browser.see()
    assert.equal(await lastSeen(), signedInAt)
    passMs(1)
    await browser.see()
    assert.equal(await lastSeen(), signedInAt + 15_000)
  })

  it('the end that a session tells of is the end that comes', async () => {
    const browser = await start()
    for (const waitMs of [14_999, 1, 20_000]) {
      passMs(waitMs)
      const { body } = await browser.send(async session => (await session.load()).idleExpiresAt)
      const other = startAnotherNode(server)
      const now = server.clock.now()
      server.clock.set(Number(body) - 1)
      assert.equal((await other.sessions.list('alice')).length, 1, 'a moment before')
      server.clock.set(Number(body))
      assert.equal((await other.sessions.list('alice')).length, 0, 'then')
      server.clock.set(now)
    }
  })

  describe('presets', () => {
    for (const preset of Object.keys(presets) as PresetName[]) {
      const { idleTimeout, absoluteTimeout } = presets[preset]
      it(`NIST 2.x.3: ${preset} ends a session after ${idleTimeout} without use and after ${absoluteTimeout} at all`, async () => {
        const browser = await start({ policy: { preset } })
        const [idleMs, absoluteMs] = [durationMs(idleTimeout, ''), durationMs(absoluteTimeout, '')]
        const began = server.clock.now()
        passMs(idleMs - 1)
        assert.equal(await userSeenBy(browser), 'alice')
        while (began + absoluteMs - server.clock.now() > idleMs) {
          passMs(idleMs - 1)
          assert.equal(await userSeenBy(browser), 'alice')
        }
        server.clock.set(began + absoluteMs - 1)
        assert.equal(await userSeenBy(browser), 'alice')
        passMs(1)
        assert.equal(await userSeenBy(browser), null)

        await browser.signIn('alice')
        passMs(idleMs)
        assert.equal(await userSeenBy(browser), null)
      })
    }
  })
})

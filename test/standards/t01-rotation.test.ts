import assert from 'node:assert/strict'
import { afterEach, it } from 'node:test'
import type { Duration } from 'latchkey'
import { Browser, whoAmI } from '../actors/browser.ts'
import { type Server, type ServerOptions, startServer, told } from '../actors/server.ts'
import { onEveryStore } from '../actors/stores.ts'

onEveryStore('T01 rotation', open => {
  let server: Server
  /** A signed-in browser; `due` lets so much time pass while it is used that the next request rotates. */
  const start = async (options: ServerOptions = {}) => {
    server = startServer({ store: open(), ...options })
    const browser = new Browser(server)
    await browser.signIn('alice')
    await browser.put({ n: 0 })
    return browser
  }
  const pass = (length: Duration) => server.clock.advance(length)
  afterEach(() => server.sessions.close())

  it('CS-S5: a used session gets a new secret every rotateEvery, under the same sid', async () => {
    const browser = await start()
    const { id } = (await browser.see()).body ?? {}
    const tokens = new Set([browser.token])
    for (let round = 0; round < 12; round += 1) {
      pass('5m')
      assert.equal((await browser.see()).body?.id, id)
      tokens.add(browser.token)
    }
    assert.equal(tokens.size, 7)
    assert.equal(told(server, 'session.rotated').length, 6)
  })

  it('CS-S5: not a millisecond before it is due', async () => {
    const browser = await start()
    server.clock.set(server.clock.now() + 10 * 60_000 - 1)
    assert.equal((await browser.see()).setCookie, null)
    pass('1ms')
    assert.notEqual((await browser.see()).token, null)
  })

  it('with rotateEvery false the token stays', async () => {
    const browser = await start({ policy: { rotateEvery: false } })
    pass('14m')
    assert.equal((await browser.see()).setCookie, null)
  })

  it('a request that only asks (activity: false) does not rotate', async () => {
    const browser = await start()
    pass('10m')
    const reply = await browser.send(session => session.load({ activity: false }), { method: 'GET' })
    assert.equal(reply.setCookie, null)
  })

  it('a response with status 500 does not rotate, the next one does', async () => {
    const browser = await start()
    pass('10m')
    assert.equal((await browser.see({ status: 500 })).setCookie, null)
    assert.notEqual((await browser.see()).setCookie, null)
  })

  it('CK-13: of 50 parallel requests across a rotation all are answered, with one successor', async () => {
    const browser = await start()
    pass('10m')
    const replies = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        browser.send(
          async session => {
            if (index % 2) await session.update(data => Object.assign(data, { n: Number(data.n) + 1 }))
            return whoAmI(session)
          },
          { lost: true },
        ),
      ),
    )
    assert.deepEqual(new Set(replies.map(reply => `${reply.status} ${reply.body?.userId}`)), new Set(['200 alice']))
    const issued = new Set(replies.map(reply => reply.token))
    issued.delete(null)
    assert.equal(issued.size, 1)
    assert.equal(told(server, 'session.rotated').length, 1)
    const [successor] = issued
    assert.equal((await browser.see({ token: successor ?? null })).body?.data.n, 25)
  })

  it('CK-13: a client whose replies are lost keeps working, and always gets the same successor', async () => {
    const browser = await start()
    const offered = new Set<string | null>()
    for (let minute = 0; minute < 7 * 60; minute += 5) {
      pass('5m')
      const reply = await browser.see({ lost: true })
      assert.equal(reply.body?.userId, 'alice', `after ${minute} minutes`)
      if (reply.token) offered.add(reply.token)
    }
    assert.equal(offered.size, 1, 'never a third token')
    await browser.see()
    assert.deepEqual(offered, new Set([browser.token]))
    assert.equal((await browser.see()).body?.userId, 'alice')
    assert.deepEqual(told(server, 'token.replayed'), [])
  })

  it('CK-13: the old token works until the new one was seen, then for the grace; a minute after that it is a replay', async () => {
    const browser = await start()
    const old = browser.thief()
    pass('10m')
    await browser.see()
    pass('5m')
    assert.equal((await old.see({ lost: true })).body?.userId, 'alice', 'the new one was not seen yet')
    await browser.see()
    server.clock.set(server.clock.now() + 29_999)
    const inGrace = await old.see({ lost: true })
    assert.equal(inGrace.body?.userId, 'alice')
    assert.equal(inGrace.token, browser.token)
    server.events.length = 0
    for (const late of ['1ms', '29s', '999ms'] as const) {
      pass(late)
      const { body, setCookie } = await old.see({ lost: true })
      assert.deepEqual([body?.userId, setCookie], [null, null], 'refused without a word: it may be under way')
    }
    assert.deepEqual(told(server), [])
    pass('1ms')
    assert.equal((await old.see()).body?.userId, null)
    assert.deepEqual(told(server), ['token.replayed', 'session.ended replayed'])
    assert.equal((await browser.see()).body?.userId, null, 'one of the two is a thief: both are out')
  })

  it('CK-13: use in the grace cannot rotate again, nor can the new token', async () => {
    const browser = await start({ policy: { rotateEvery: '1m', grace: '30s' } })
    const old = browser.thief()
    pass('1m')
    await browser.see()
    pass('10m')
    // The successor is long due itself, but only now it is seen.
    assert.equal((await browser.see()).setCookie, null)
    assert.equal((await old.see({ lost: true })).token, browser.token)
    pass('29s')
    assert.equal((await browser.see()).setCookie, null)
    assert.equal((await old.see({ lost: true })).token, browser.token)
    pass('1s')
    assert.notEqual((await browser.see()).setCookie, null, 'the grace is over')
  })

  it('after the next rotation the token before last is a replay', async () => {
    const browser = await start()
    const first = browser.thief()
    for (let round = 0; round < 3; round += 1) {
      pass('10m')
      await browser.see()
      await browser.see()
    }
    await first.see()
    assert.deepEqual(told(server, 'token.replayed', 'session.ended'), ['token.replayed', 'session.ended replayed'])
  })

  it('the thief rotates first: the victim’s next visit a minute later ends the session', async () => {
    const victim = await start()
    const thief = victim.thief()
    pass('10m')
    await thief.see()
    await thief.see()
    pass('1m')
    assert.equal((await victim.see()).body?.userId, null)
    assert.equal((await thief.see()).body?.userId, null)
    assert.deepEqual(told(server, 'token.replayed'), ['token.replayed'])
  })

  it('the victim rotates first: the thief’s next visit a minute later ends the session', async () => {
    const victim = await start()
    const thief = victim.thief()
    pass('10m')
    await victim.see()
    await victim.see()
    pass('1m')
    assert.equal((await thief.see()).body?.userId, null)
    assert.equal((await victim.see()).body?.userId, null)
    const [replay] = server.events.filter(event => event.type === 'token.replayed')
    assert.deepEqual([replay?.userId, replay?.origin?.address], ['alice', '203.0.113.66'])
  })

  it('onReplay refuse: the thief is refused every time, with an alert, and the victim goes on', async () => {
    const victim = await start({ onReplay: 'refuse' })
    const thief = victim.thief()
    pass('10m')
    await victim.see()
    await victim.see()
    pass('1m')
    for (let round = 0; round < 3; round += 1) {
      const reply = await thief.see()
      assert.deepEqual([reply.body?.userId, reply.setCookie], [null, null])
      assert.equal((await victim.see()).body?.userId, 'alice')
    }
    assert.equal(told(server, 'token.replayed').length, 3)
  })

  it('a long request that was let in with the old token and finishes after the grace keeps its write', async () => {
    const browser = await start()
    const uploaded = Promise.withResolvers<void>()
    const upload = browser.send(
      async session => {
        await session.load()
        await uploaded.promise
        session.data.upload = 'done'
        await session.update(data => Object.assign(data, { n: Number(data.n) + 1 }))
      },
      { lost: true },
    )
    pass('10m')
    await browser.see()
    await browser.put({ meanwhile: true })
    pass('5m')
    uploaded.resolve()
    assert.equal((await upload).status, 200)
    assert.deepEqual((await browser.see()).body?.data, { n: 1, meanwhile: true, upload: 'done' })
    assert.deepEqual(told(server, 'token.replayed'), [])
  })

  it('a request that comes with the old token in the grace keeps its write', async () => {
    const browser = await start()
    const old = browser.thief()
    pass('10m')
    await browser.see()
    await browser.see()
    const reply = await old.put({ late: true })
    assert.equal(reply.token, browser.token)
    assert.deepEqual((await browser.see()).body?.data, { n: 0, late: true })
  })

  it('CK-13: a request whose token is still the current one when it saves at last gets no cookie', async () => {
    const browser = await start()
    const old = browser.thief()
    pass('10m')
    await browser.see()
    const uploaded = Promise.withResolvers<void>()
    const upload = browser.send(async session => {
      await session.load()
      await uploaded.promise
      session.data.upload = 'done'
    })
    await old.put({ meanwhile: true }, { lost: true })
    uploaded.resolve()
    const reply = await upload
    assert.deepEqual([reply.status, reply.setCookie], [200, null])
  })

  it('the answer to a page that only looked is not refused because the session was stepped up meanwhile', async () => {
    const browser = await start()
    pass('10m')
    const steppedUp = Promise.withResolvers<void>()
    const looking = browser.send(
      async session => {
        const seen = await whoAmI(session)
        await steppedUp.promise
        return seen
      },
      { method: 'GET', lost: true },
    )
    await browser.stepUp()
    steppedUp.resolve()
    const reply = await looking
    assert.deepEqual([reply.status, reply.setCookie], [200, null])
    assert.equal((await browser.see()).body?.userId, 'alice')
  })
})

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { afterEach, describe, it } from 'node:test'
import { createKeyRing } from '../../src/session/key-ring.ts'
import { newSecret, newSid, writeToken } from '../../src/session/token.ts'
import { Browser } from '../actors/browser.ts'
import { type Server, type ServerOptions, startServer, told } from '../actors/server.ts'
import { onEveryStore, onEveryStoreAndSealed } from '../actors/stores.ts'

/** What a browser may keep of a token: nothing but which key issued it. */
function partsOf(token: string | null) {
  const payload = Buffer.from(token?.slice(9) ?? '', 'base64url')
  const part = (from: number, to: number) => payload.toString('hex', from, to)
  return { sid: part(0, 16), secret: part(16, 48), tag: part(48, 64) }
}

onEveryStore('T01 sign-in', open => {
  let server: Server
  const start = (options: ServerOptions = {}) => {
    server = startServer({ store: open(), ...options })
    return new Browser(server)
  }
  afterEach(() => server.sessions.close())

  it('7.2.4, WSTG-SESS-03a, NIST 5.1-b: sid, secret and tag all change, and so they do when the user signs in again', async () => {
    const browser = start()
    const seen: ReturnType<typeof partsOf>[] = []
    await browser.put({ cart: 1 })
    seen.push(partsOf(browser.token))
    for (let round = 0; round < 3; round += 1) {
      const old = browser.token
      await browser.signIn('alice')
      seen.push(partsOf(browser.token))
      assert.equal((await new Browser(server, old).see()).body?.userId, null, 'the old one died with it')
    }
    for (const part of ['sid', 'secret', 'tag'] as const) {
      assert.equal(new Set(seen.map(parts => parts[part])).size, seen.length, part)
    }
    assert.deepEqual((await browser.see()).body?.data, { cart: 1 })
    assert.equal((await server.sessions.list('alice')).length, 1)
  })

  it('7.2.4: the old record is an empty tombstone, and only that of a user’s session names its successor', async () => {
    const browser = start()
    await browser.put({ cart: 1 })
    const ids: string[] = []
    for (let round = 0; round < 3; round += 1) {
      ids.push((await browser.see()).body?.id ?? '')
      await browser.signIn('alice')
    }
    const [guest, first, second] = await Promise.all(ids.map(sid => server.store.read(sid)))
    for (const record of [guest, first, second]) {
      assert.deepEqual([record?.body, record?.ended?.reason], ['', 'superseded'])
    }
    assert.equal(guest?.ended?.successor, undefined)
    assert.equal(first?.ended?.successor, ids[2])
    assert.equal(second?.ended?.successor, (await browser.see()).body?.id)
  })

  it('WSTG-SESS-03b: a token that was planted before the sign-in lets nobody in afterwards', async () => {
    const attacker = start()
    await attacker.put({ planted: true })
    const victim = attacker.thief()
    await victim.signIn('alice')
    await victim.put({ diary: 'private' })
    const reply = await attacker.see()
    assert.deepEqual(reply.body, { id: null, userId: null, data: {} })
    assert.equal(reply.setCookie, null)
    assert.equal((await victim.see()).body?.userId, 'alice')
  })

  it('WSTG-SESS-03b: a planted token of the attacker’s own account does not become the victim’s session', async () => {
    const attacker = start()
    await attacker.signIn('mallory')
    await attacker.put({ card: 'of mallory' })
    const victim = attacker.thief()
    await victim.signIn('alice')
    assert.deepEqual((await victim.see()).body?.data, {}, 'nothing of another user comes along')
    assert.equal((await attacker.see()).body?.userId, null)
  })

  it('WSTG-SESS-03c: a token that was never issued is not adopted, even with a good tag', async () => {
    const browser = start()
    const ring = createKeyRing([server.secret])
    const wellFormed = writeToken(ring.newest, newSid(randomBytes, null), newSecret(randomBytes))
    const foreign = writeToken(
      createKeyRing([randomBytes(32).toString('base64url')]).newest,
      newSid(randomBytes, null),
      newSecret(randomBytes),
    )
    for (const token of [wellFormed, foreign, 'abc', '']) {
      browser.token = token
      await browser.put({ theme: 'dark' })
      assert.notEqual(partsOf(browser.token).sid, partsOf(token).sid)
      browser.token = token
      await browser.signIn('alice')
      assert.notEqual(partsOf(browser.token).sid, partsOf(token).sid)
    }
    assert.equal(told(server, 'token.used-after-end').length, 2)
    assert.equal(told(server, 'token.forged').length, 4, 'the one of another server and the one that is none')
  })

  it('a request under way during the sign-in is refused quietly for a minute, and leaves no cookie behind', async () => {
    const browser = start()
    await browser.put({ cart: 1 })
    const inFlight = browser.thief()
    await browser.signIn('alice')
    server.events.length = 0
    server.clock.set(server.clock.now() + 59_999)
    const looking = await inFlight.see()
    assert.deepEqual([looking.status, looking.body?.userId, looking.setCookie], [200, null, null])
    const changing = await inFlight.put({ cart: 2 })
    assert.deepEqual([changing.status, changing.code, changing.setCookie], [401, 'session-ended', null])
    const updating = await inFlight.send(session => session.update(data => Object.assign(data, { cart: 2 })))
    assert.deepEqual([updating.status, updating.code, updating.setCookie], [401, 'session-ended', null])
    const signingOut = await inFlight.signOut()
    assert.deepEqual([signingOut.status, signingOut.code, signingOut.setCookie], [401, 'session-ended', null])
    assert.deepEqual(told(server), [])
    assert.deepEqual((await browser.see()).body?.data, { cart: 1 })
  })

  it('a request that was let in before the sign-in and wants to save after it is refused, and leaves no cookie', async () => {
    const browser = start()
    await browser.put({ cart: 1 })
    const signedIn = Promise.withResolvers<void>()
    const slow = browser.send(
      async session => {
        await session.load()
        await signedIn.promise
        session.data.cart = 2
      },
      { lost: true },
    )
    await browser.signIn('alice')
    signedIn.resolve()
    const reply = await slow
    assert.deepEqual([reply.status, reply.code, reply.setCookie], [401, 'session-ended', null])
    assert.deepEqual((await browser.see()).body?.data, { cart: 1 })
  })

  it('WSTG-SESS-03b: a planted guest token cannot be used to sign the user out either', async () => {
    const attacker = start()
    await attacker.put({ planted: true })
    const victim = attacker.thief()
    await victim.signIn('alice')
    server.clock.advance('60s')
    server.events.length = 0
    assert.equal((await attacker.see()).body?.userId, null)
    assert.deepEqual(told(server), ['token.used-after-end superseded'])
    assert.equal((await victim.see()).body?.userId, 'alice')
  })

  it('after a minute the token of a session that its user signed in from again is a replay, which ends the new one', async () => {
    const browser = start()
    await browser.signIn('alice')
    const thief = browser.thief()
    await browser.signIn('alice')
    server.clock.set(server.clock.now() + 59_999)
    await thief.see()
    server.events.length = 0
    server.clock.advance('1ms')
    assert.equal((await thief.see()).body?.userId, null)
    assert.deepEqual(told(server), ['token.replayed', 'session.ended replayed'])
    assert.equal((await browser.see()).body?.userId, null)
    server.events.length = 0
    await thief.see()
    assert.deepEqual(told(server), ['token.used-after-end superseded'], 'there is nothing left to replay')
  })

  it('a replay reaches the session through several sign-ins', async () => {
    const browser = start()
    await browser.signIn('alice')
    const old = browser.thief()
    for (let round = 0; round < 3; round += 1) await browser.signIn('alice')
    server.clock.advance('60s')
    await old.see()
    assert.equal((await browser.see()).body?.userId, null)
  })

  it('onReplay refuse: the old token is refused with an alert, and the session lives', async () => {
    const browser = start({ onReplay: 'refuse' })
    await browser.signIn('alice')
    const thief = browser.thief()
    await browser.signIn('alice')
    server.clock.advance('60s')
    server.events.length = 0
    assert.equal((await thief.see()).body?.userId, null)
    assert.deepEqual(told(server), ['token.replayed'])
    assert.equal((await browser.see()).body?.userId, 'alice')
  })
})

onEveryStoreAndSealed('T01 step-up', open => {
  for (const change of ['stepUp', 'rotate'] as const) {
    describe(`${change}()`, () => {
      let server: Server
      const start = async (options: ServerOptions = {}) => {
        server = startServer({ store: open(), ...options })
        const browser = new Browser(server)
        await browser.signIn('alice')
        await browser.put({ n: 1 })
        return browser
      }
      afterEach(() => server.sessions.close())

      it('7.2.4, CS-S4: the secret changes, the session stays, and the old token is dead at once', async () => {
        const browser = await start()
        const [before, old] = [partsOf(browser.token), browser.thief()]
        const reply = await browser[change]()
        const after = partsOf(reply.token)
        assert.equal(after.sid, before.sid)
        assert.notEqual(after.secret, before.secret)
        assert.equal((await old.see()).body?.userId, null)
        assert.equal((await browser.see()).body?.userId, 'alice')
      })

      it('for a minute the old token is refused quietly and leaves no cookie behind', async () => {
        const browser = await start()
        const inFlight = browser.thief()
        await browser[change]()
        server.events.length = 0
        server.clock.set(server.clock.now() + 59_999)
        const looking = await inFlight.see()
        assert.deepEqual([looking.body?.userId, looking.setCookie], [null, null])
        const changing = await inFlight.put({ n: 2 })
        assert.deepEqual([changing.status, changing.code, changing.setCookie], [401, 'session-ended', null])
        assert.deepEqual(told(server), [])
        assert.deepEqual((await browser.see()).body?.data, { n: 1 })
      })

      it('after a minute it is a replay that ends the session with an alert', async () => {
        const browser = await start()
        const thief = browser.thief()
        await browser[change]()
        server.clock.advance('60s')
        server.events.length = 0
        await thief.see()
        assert.deepEqual(told(server), ['token.replayed', 'session.ended replayed'])
        assert.equal((await browser.see()).body?.userId, null)
      })

      it('it is a replay even when the session was written in between and the old secret forgotten', async () => {
        const browser = await start()
        const thief = browser.thief()
        await browser[change]()
        server.clock.advance('60s')
        await browser.put({ n: 2 })
        server.events.length = 0
        await thief.see()
        assert.deepEqual(told(server), ['token.replayed', 'session.ended replayed'])
      })

      it('the predecessor of a rotation dies with it', async () => {
        const browser = await start()
        const predecessor = browser.thief()
        server.clock.advance('10m')
        await browser.see()
        assert.notEqual(browser.token, predecessor.token)
        await browser[change]()
        assert.equal((await predecessor.see()).body?.userId, null)
        server.clock.advance('60s')
        server.events.length = 0
        await predecessor.see()
        assert.deepEqual(told(server), ['token.replayed', 'session.ended replayed'])
      })

      it('a request that came with the predecessor may do it, and then the successor is dead too', async () => {
        const browser = await start()
        const late = browser.thief()
        server.clock.advance('10m')
        await browser.see()
        const reply = await late[change]()
        assert.equal(reply.status, 200)
        assert.equal((await browser.see()).body?.userId, null)
        assert.equal((await late.see()).body?.userId, 'alice')
      })
    })
  }
})

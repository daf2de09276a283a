import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { Browser, whoAmI } from '../actors/browser.ts'
import { type Server, startAnotherNode, startServer, told } from '../actors/server.ts'
import { onEveryStoreAndSealed } from '../actors/stores.ts'

onEveryStoreAndSealed('T06 end of session', (open, { store }) => {
  /** Two nodes over one store. */
  let here: Server
  let there: Server
  beforeEach(() => {
    here = startServer({ store: open() })
    there = startAnotherNode(here)
  })
  afterEach(() => here.sessions.close())

  /** Alice on the first node, and what the second one sees of the same token. */
  const signedIn = async (userId = 'alice') => {
    const browser = new Browser(here)
    await browser.signIn(userId)
    await browser.put({ diary: 'private' })
    const elsewhere = new Browser(there, browser.token)
    assert.equal((await elsewhere.see()).body?.userId, userId)
    return { browser, elsewhere, sid: (await browser.see()).body?.id ?? '' }
  }
  const nobody = { id: null, userId: null, data: {} }

  it('7.4.1, WSTG-SESS-06a, NIST 5.1-e: after sign-out the token is refused on every node, its data erased', async () => {
    const { browser, elsewhere, sid } = await signedIn()
    const copy = browser.thief()
    const reply = await browser.signOut()
    assert.match(reply.setCookie ?? '', /^__Host-Http-sid=; Max-Age=0; .*Path=\/; Secure; HttpOnly/)
    assert.equal(browser.token, null)
    for (const other of [copy, elsewhere]) assert.deepEqual((await other.see()).body, nobody)
    assert.equal((await here.store.read(sid))?.body, '')
    assert.deepEqual(await there.sessions.list('alice'), [])
    assert.equal(await there.sessions.find(sid), null)
  })

  it('WSTG-SESS-06c: a token copied to a second device dies with the sign-out on the first, also under way', async () => {
    const { browser, elsewhere } = await signedIn()
    const signedOut = Promise.withResolvers<void>()
    const writing = elsewhere.send(async session => {
      await session.load()
      await signedOut.promise
      session.data.late = true
    })
    const updating = elsewhere.send(async session => {
      await session.load()
      await signedOut.promise
      await session.update(data => Object.assign(data, { late: true }))
    })
    const rotating = elsewhere.send(async session => {
      await session.load()
      await signedOut.promise
      await session.rotate()
    })
    await browser.signOut()
    signedOut.resolve()
    for (const late of await Promise.all([writing, updating, rotating])) {
      assert.deepEqual([late.status, late.code, late.setCookie], [401, 'session-ended', null])
    }
    assert.deepEqual((await elsewhere.see()).body, nobody, 'a late write never resurrects')
  })

  for (const next of ['signIn', 'stepUp', 'rotate'] as const) {
    it(`a sign-out that ${next}() next door overtook says so, and keeps the cookie: the session lives on`, async () => {
      const { browser } = await signedIn()
      const renewed = Promise.withResolvers<void>()
      const signingOut = browser.send(
        async session => {
          await session.load()
          await renewed.promise
          await session.end()
        },
        { lost: true },
      )
      await (next === 'signIn' ? browser.signIn('alice') : browser[next]())
      renewed.resolve()
      const reply = await signingOut
      const alive = (await browser.see()).body?.userId === 'alice'
      if (alive) assert.deepEqual([reply.status, reply.code, reply.setCookie], [401, 'session-ended', null])
      else assert.equal(reply.status, 200)
    })
  }

  it('signing out twice, and without a session, is no error', async () => {
    const { browser } = await signedIn()
    const copy = browser.thief()
    await browser.signOut()
    const again = await copy.signOut()
    assert.equal(again.status, 200)
    assert.match(again.setCookie ?? '', /Max-Age=0/)
    const without = await browser.signOut()
    assert.deepEqual([without.status, without.setCookie], [200, null])
    assert.equal(told(here, 'session.ended').length, 1)
  })

  it('a page may still say something to the visitor after sign-out: that is a new anonymous session', async () => {
    const { browser, sid } = await signedIn()
    const reply = await browser.send(async session => {
      await session.end()
      session.data.message = 'Goodbye.'
    })
    assert.notEqual(reply.token, '')
    const seen = (await browser.see()).body
    assert.notEqual(seen?.id, sid)
    assert.deepEqual([seen?.userId, seen?.data], [null, { message: 'Goodbye.' }])
  })

  it('7.4.2: endUser ends every session of the user, on every node, and nobody else’s', async () => {
    const [one, two, bob] = [await signedIn(), await signedIn(), await signedIn('bob')]
    assert.equal(await there.sessions.endUser('alice'), 2)
    for (const { browser, elsewhere } of [one, two]) {
      assert.deepEqual((await browser.see()).body, nobody)
      assert.deepEqual((await elsewhere.see()).body, nobody)
    }
    assert.equal((await bob.browser.see()).body?.userId, 'bob')
    assert.deepEqual(told(there, 'session.ended', 'sessions.ended-all'), [
      'session.ended revoked',
      'session.ended revoked',
      'sessions.ended-all revoked',
    ])
  })

  it('7.4.3: endUser with except keeps that session only', async () => {
    const [one, two] = [await signedIn(), await signedIn()]
    assert.equal(await here.sessions.endUser('alice', { except: one.sid }), 1)
    assert.equal((await one.elsewhere.see()).body?.userId, 'alice')
    assert.deepEqual((await two.elsewhere.see()).body, nobody)
  })

  it('7.4.5: endEverybody ends every session there is, anonymous ones included', async () => {
    const [alice, bob] = [await signedIn(), await signedIn('bob')]
    const guest = new Browser(here)
    await guest.put({ cart: 1 })
    assert.equal(await there.sessions.endEverybody(), 3)
    for (const browser of [alice.browser, bob.elsewhere, guest]) assert.deepEqual((await browser.see()).body, nobody)
    assert.deepEqual(told(there, 'sessions.ended-all'), ['sessions.ended-all revoked'])
  })

  it('7.5.2: end(sid) with a user id ends only this user’s session (IDOR)', async () => {
    const [alice, mallory] = [await signedIn(), await signedIn('mallory')]
    assert.equal(await here.sessions.end(alice.sid, { userId: 'mallory' }), false)
    assert.equal((await alice.browser.see()).body?.userId, 'alice')
    assert.equal(await here.sessions.end(alice.sid, { userId: 'alice' }), true)
    assert.equal(await here.sessions.end(alice.sid, { userId: 'alice' }), false)
    assert.deepEqual((await alice.elsewhere.see()).body, nobody)
    assert.equal((await mallory.browser.see()).body?.userId, 'mallory')
    const guest = new Browser(here)
    await guest.put({ cart: 1 })
    const { id } = (await guest.see()).body ?? {}
    assert.equal(await here.sessions.end(id ?? '', { userId: 'mallory' }), false, 'nor an anonymous one')
    assert.equal(await here.sessions.end(id ?? ''), true)
    for (const sid of ['', 'nonsense', '../../etc/passwd', "' or 1=1 --", '__proto__']) {
      assert.equal(await here.sessions.end(sid, { userId: 'mallory' }), false, sid)
    }
  })

  const overtaking: readonly (readonly [name: string, end: () => Promise<unknown>])[] = [
    ['endUser', () => there.sessions.endUser('alice')],
    ['endEverybody', () => there.sessions.endEverybody()],
  ]
  for (const [name, end] of overtaking) {
    it(`7.4.2: a sign-in whose password check was under way during ${name} is refused`, async () => {
      const browser = new Browser(here)
      await browser.put({ cart: 1 })
      const cart = browser.token
      const generation = await here.sessions.generation('alice')
      await end()
      const reply = await browser.signIn('alice', { generation })
      assert.deepEqual([reply.status, reply.code, reply.setCookie], [401, 'sign-in-overtaken', null])
      assert.deepEqual(await there.sessions.list('alice'), [])
      assert.deepEqual(told(here, 'sign-in.refused'), ['sign-in.refused sign-in-overtaken'])
      assert.equal(browser.token, cart)
      assert.equal((await browser.signIn('alice')).status, 200, 'the next one is welcome')
    })
  }

  it('7.4.2: of sign-ins that race with endUser none is left that began before', async () => {
    for (let round = 0; round < 10; round += 1) {
      const generation = await here.sessions.generation('alice')
      const browsers = Array.from({ length: 8 }, (_, index) => new Browser(index % 2 ? here : there))
      const signIns = browsers.map((browser, index) =>
        index === round % 8
          ? there.sessions.endUser('alice')
          : browser.signIn('alice', { generation }).then(reply => reply.status),
      )
      await Promise.all(signIns)
      for (const browser of browsers) assert.equal((await browser.see()).body?.userId, null)
      assert.deepEqual(await here.sessions.list('alice'), [])
    }
  })

  // Where cookies carry the data, each carries a copy.
  if (store !== 'sealed') {
    it('a session that another node changed is seen changed at once', async () => {
      const { browser, elsewhere } = await signedIn()
      await elsewhere.put({ diary: 'two' })
      assert.deepEqual((await browser.send(whoAmI)).body?.data, { diary: 'two' })
    })
  }

  describe('every way to end is told exactly once, by the node that did it', () => {
    const ends: readonly (readonly [
      reason: string,
      end: (session: Awaited<ReturnType<typeof signedIn>>) => unknown,
    ])[] = [
      ['signed-out', ({ browser }) => browser.signOut()],
      ['superseded', ({ browser }) => browser.signIn('alice')],
      ['revoked', ({ sid }) => here.sessions.end(sid)],
      ['idle', () => here.clock.advance('15m')],
      [
        'expired',
        async ({ browser }) => {
          for (let minute = 0; minute < 480; minute += 10) {
            here.clock.advance('10m')
            await browser.see()
          }
        },
      ],
      [
        'replayed',
        async ({ browser }) => {
          const old = browser.thief()
          await browser.rotate()
          here.clock.advance('1m')
          await old.see()
        },
      ],
    ]
    for (const [reason, end] of ends) {
      it(reason, async () => {
        const session = await signedIn()
        await end(session)
        await Promise.all([session.browser.see(), session.elsewhere.see(), session.elsewhere.see()])
        await here.sessions.sweep()
        const endings = [...here.events, ...there.events].filter(
          event => event.type === 'session.ended' && event.sid === session.sid,
        )
        assert.deepEqual(
          endings.map(event => [event.type === 'session.ended' && event.reason, event.userId]),
          [[reason, 'alice']],
        )
      })
    }
  })
})

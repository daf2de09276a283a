import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import type { SessionUse } from 'latchkey'
import { memoryStore } from 'latchkey/stores/memory'
import { Browser, type Handler } from '../actors/browser.ts'
import { lockedFor, look } from '../actors/locked-view.ts'
import { type Server, startAnotherNode, startServer, told } from '../actors/server.ts'
import { onEveryStore } from '../actors/stores.ts'

onEveryStore('T18 sessions whose user is asked to prove again who they are', open => {
  let server: Server
  const start = async () => {
    server = startServer({ store: open() })
    const browser = new Browser(server)
    await browser.signIn('alice')
    await browser.put({ essay: 'half written' })
    server.events.length = 0
    const { id } = await seen(browser)
    return { browser, sid: id ?? '' }
  }
  const seen = async (browser: Browser) => {
    const { body } = await browser.send(look, { method: 'GET' })
    assert.ok(body)
    return body
  }
  afterEach(() => server.sessions.close())

  it('NIST 5.3: until they do it is nobody’s, on every node, and for whoever copied the token, too', async () => {
    const { browser, sid } = await start()
    const thief = browser.thief()
    assert.equal(await server.sessions.lock(sid), true)
    for (const holder of [browser, thief, new Browser(startAnotherNode(server), browser.token)]) {
      assert.deepEqual(await seen(holder), lockedFor('alice'))
    }
    assert.deepEqual(told(server, 'session.locked', 'session.ended'), ['session.locked'])
    assert.equal((await server.sessions.find(sid))?.locked, true)
  })

  it('a proof gives it back with its data under a new token, and the copy is dead', async () => {
    const { browser, sid } = await start()
    const thief = browser.thief()
    await server.sessions.lock(sid)
    assert.equal((await browser.send(session => session.stepUp({ amr: ['pwd'] }))).status, 200)
    const back = await seen(browser)
    assert.deepEqual([back.id, back.userId, back.data], [sid, 'alice', { essay: 'half written' }])
    assert.equal((await seen(thief)).userId, null)
    assert.deepEqual(told(server, 'session.locked', 'session.unlocked'), ['session.locked', 'session.unlocked'])
    assert.equal((await server.sessions.find(sid))?.locked, false)
  })

  it('a sign-in gives it back, too, under a new id', async () => {
    const { browser, sid } = await start()
    await server.sessions.lock(sid)
    await browser.signIn('alice')
    const back = await seen(browser)
    assert.deepEqual([back.userId, back.data, back.id === sid], ['alice', { essay: 'half written' }, false])
  })

  const powerless: readonly (readonly [what: string, handler: Handler<unknown>])[] = [
    ['use', session => session.load()],
    ['a change of data', async session => Object.assign((await session.load()).data, { n: 1 })],
    ['rotate()', session => session.rotate()],
    ['confirm()', session => session.confirm('change e-mail', 'x')],
    ['a step-up that proves nothing', session => session.stepUp({ amr: [] })],
  ]
  for (const [what, handler] of powerless) {
    it(`${what} does not unlock it`, async () => {
      const { browser, sid } = await start()
      await server.sessions.lock(sid)
      await browser.send(handler)
      assert.deepEqual(await seen(browser), lockedFor('alice'))
    })
  }

  it('a rotation that was due does not unlock it, and an idle time-out ends it', async () => {
    const { browser, sid } = await start()
    await server.sessions.lock(sid)
    server.clock.advance('10m')
    await browser.send(session => session.load())
    assert.deepEqual(await seen(browser), lockedFor('alice'))
    server.clock.advance('5m')
    assert.equal((await seen(browser)).locked, null, 'asking is no use of it: its time ran on')
  })

  it('what is written meanwhile does not get past the question', async () => {
    const { browser, sid } = await start()
    await Promise.all([
      server.sessions.lock(sid),
      ...Array.from({ length: 20 }, () => browser.put({ n: 1 }, { lost: true })),
    ])
    assert.deepEqual(await seen(browser), lockedFor('alice'))
  })

  it('asked twice it is told once; a session that is over, or never was, cannot be asked', async () => {
    const { browser, sid } = await start()
    assert.deepEqual([await server.sessions.lock(sid), await server.sessions.lock(sid)], [true, true])
    assert.equal(told(server, 'session.locked').length, 1)
    await server.sessions.end(sid)
    assert.equal(await server.sessions.lock(sid), false)
    assert.equal(await server.sessions.lock('A'.repeat(22)), false)
    assert.equal((await seen(browser)).locked, null)
  })

  it('a guest has nothing to prove: the session ends', async () => {
    const { browser } = await start()
    const guest = new Browser(server)
    await guest.put({ n: 1 })
    const { id } = await seen(guest)
    assert.equal(await server.sessions.lock(id ?? ''), true)
    assert.equal((await seen(guest)).id, null)
    assert.equal((await seen(browser)).userId, 'alice')
  })
})

describe('T18 uses of sessions', () => {
  it('CS-S8: each request that loads a live session is seen once, with where it comes from and where the session began', async () => {
    const server = startServer({ store: memoryStore() })
    const uses: SessionUse[] = []
    const stop = server.sessions.observe(use => {
      uses.push(use)
      throw new Error('harms nobody')
    })
    const browser = new Browser(server)
    await browser.signIn('alice')
    assert.equal(uses.length, 0, 'a session that begins is an event')
    const thief = browser.thief()
    await browser.send(async session => {
      await session.load()
      await session.load()
    })
    await thief.see()
    assert.deepEqual(
      uses.map(use => [use.userId, use.origin().address, use.client.address]),
      [
        ['alice', '192.0.2.1', '192.0.2.1'],
        ['alice', '203.0.113.66', '192.0.2.1'],
      ],
    )
    await new Browser(server, 'forged').see()
    await browser.signOut()
    assert.equal(uses.length, 3, 'the sign-out was the last use, a forged token is none')
    stop()
    await browser.signIn('alice')
    await browser.see()
    assert.equal(uses.length, 3)
    await server.sessions.close()
  })

  it('16.2.5, CS-S6: a forged token is told with what stands for it, and whether it names a key of ours', async () => {
    const server = startServer()
    const browser = new Browser(server)
    await browser.signIn('alice')
    const token = browser.token ?? ''
    server.events.length = 0
    const changed = `${token.slice(0, -2)}${token.endsWith('AA') ? 'BB' : 'AA'}`
    for (const forged of [changed, changed, `unknown0.${token.slice(9)}`]) await new Browser(server, forged).see()
    const told = server.events.flatMap(event => (event.type === 'token.forged' ? [event] : []))
    assert.deepEqual(
      told.map(({ key }) => key),
      ['ours', 'ours', 'unknown'],
    )
    assert.equal(told[0]?.token, told[1]?.token)
    assert.notEqual(told[0]?.token, told[2]?.token)
    for (const { token } of told) assert.match(token, /^[\w-]{22}$/)
    assert.ok(!JSON.stringify(server.events).includes(changed.slice(20, 60)))
  })

  it('16.2.5: a failed sign-in is told with what stands for the account, and with nothing that was typed', async () => {
    const server = startServer()
    const fail = (typed: string) => new Browser(server).send(async session => session.signInFailed(typed))
    for (const typed of ['Alice', ' alice', 'ＡＬＩＣＥ', 'bob', 'hunter2 hunter2']) await fail(typed)
    const failed = server.events.flatMap(event => (event.type === 'sign-in.failed' ? [event.account] : []))
    assert.equal(failed.length, 5)
    assert.equal(new Set(failed.slice(0, 3)).size, 1, 'the same account however it is written')
    assert.equal(new Set(failed).size, 3)
    for (const account of failed) assert.match(account, /^[\w-]{22}$/)
    assert.doesNotMatch(JSON.stringify(server.events), /alice|hunter2/i)
    const elsewhere = startServer({ secrets: ['another secret 8Vt2kq0Zr5xUe1nYw3bMa7'] })
    await new Browser(elsewhere).send(async session => session.signInFailed('alice'))
    assert.ok(!JSON.stringify(elsewhere.events).includes(failed[0] ?? ''), 'another secret, another name')
  })
})

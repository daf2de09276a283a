import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { type Session, UsageError } from 'latchkey'
import { sealedStore } from 'latchkey/stores/sealed'
import { Browser } from '../actors/browser.ts'
import { oneUse } from '../actors/one-use.ts'
import { type Data, type Server, startAnotherNode, startServer } from '../actors/server.ts'
import { onEveryStore, onEveryStoreAndSealed } from '../actors/stores.ts'

const minute = 60_000

onEveryStoreAndSealed('T12 challenges', open => {
  let server: Server
  let alice: Browser
  const start = async () => {
    server = startServer({ store: open() })
    alice = new Browser(server)
    await alice.signIn('alice')
  }
  const passMs = (ms: number) => server.clock.set(server.clock.now() + ms)
  afterEach(() => server.sessions.close())

  it('6.6.2: a challenge is answered once, in its session, for its purpose and data, in its time', async () => {
    await start()
    const ask = async (browser = alice, lifetime?: '1m') =>
      (await browser.send(s => s.challenge('passkey', { user: 'alice' }, lifetime ? { lifetime } : {}))).body ?? ''
    const answer = async (text: unknown, purpose = 'passkey', data: unknown = { user: 'alice' }, browser = alice) =>
      (await browser.send(session => session.answer(text as string, purpose, data))).body
    const other = new Browser(server)
    await other.signIn('alice')

    const right = await ask()
    assert.match(right, /^[\w-]{43}$/)
    assert.notEqual(right, await ask())
    assert.deepEqual([await answer(right), await answer(right)], [true, false], 'once')
    const wrongly: readonly (readonly [string, (text: string) => Promise<unknown>])[] = [
      ['purpose', text => answer(text, 'totp')],
      ['data', text => answer(text, 'passkey', { user: 'mallory' })],
      ['no data', text => answer(text, 'passkey', null)],
    ]
    for (const [what, wrong] of wrongly) {
      const text = await ask()
      assert.deepEqual([await wrong(text), await answer(text)], [false, false], `another ${what} spends it`)
    }
    for (const text of ['', 'x', null, 7, right.slice(1)]) assert.equal(await answer(text), false)
    const elsewhere = await ask()
    assert.equal(await answer(elsewhere, 'passkey', { user: 'alice' }, other), false)
    assert.equal(await answer(elsewhere, 'passkey', { user: 'alice' }, new Browser(server)), false)
    assert.equal(await answer(elsewhere), true)
    const [late, inTime] = [await ask(alice, '1m'), await ask(alice, '1m')]
    passMs(minute - 1)
    assert.equal(await answer(inTime), true)
    passMs(1)
    assert.equal(await answer(late), false)
  })

  it('what is spent is not brought back by a request that began before and saves after', async () => {
    await start()
    const { body = '' } = await alice.send(session => session.challenge('passkey'))
    const [loaded, spent] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const slow = new Browser(server, alice.token).send(async session => {
      await session.load()
      loaded.resolve()
      await spent.promise
      session.data.slow = true
    })
    await loaded.promise
    const answer = () => alice.send(session => session.answer(body, 'passkey'))
    assert.equal((await answer()).body, true)
    spent.resolve()
    assert.equal((await slow).status, 200)
    assert.equal((await answer()).body, false)
  })

  it('a visitor gets a session for a challenge, what was put into it is kept, and a sign-in leaves the challenge behind', async () => {
    await start()
    const guest = new Browser(server)
    const { body } = await guest.send(async session => {
      await session.load()
      session.data.cart = 1
      return [await session.challenge('passkey'), await session.challenge('passkey')]
    })
    assert.deepEqual((await guest.see()).body?.data, { cart: 1 })
    assert.equal((await guest.send(session => session.answer(body?.[0] ?? '', 'passkey'))).body, true)
    await guest.signIn('bob')
    assert.equal((await guest.send(session => session.answer(body?.[1] ?? '', 'passkey'))).body, false)
  })

  it('a request that a sign-in overtook gets no challenge, and no cookie that would overwrite the new one', async () => {
    await start()
    const guest = new Browser(server)
    await guest.put({ cart: 1 })
    const { token } = guest
    await guest.signIn('bob')
    const { code, setCookie } = await guest.send(session => session.challenge('passkey'), { token })
    assert.deepEqual([code, setCookie], ['session-ended', null])
  })
})

onEveryStore('T12 what is good once', open => {
  oneUse(async () => {
    const first = startServer({ store: open(), policy: { atIdle: 'lock' } })
    return [first, startAnotherNode(first, { policy: { atIdle: 'lock' } })]
  })
})

describe('T12 where the cookie is all there is', () => {
  it('challenges and confirmations are refused, and the message says what to do', async () => {
    const server = startServer({ store: sealedStore() })
    const browser = new Browser(server)
    await browser.signIn('alice')
    const calls: readonly ((session: Session<Data>) => Promise<unknown>)[] = [
      session => session.challenge('passkey'),
      session => session.confirm('change e-mail', 'x'),
    ]
    for (const call of calls) {
      const { error } = await browser.send(call)
      assert.ok(error instanceof UsageError)
      assert.match(error.message, /store/)
    }
    assert.equal((await browser.see()).body?.userId, 'alice')
  })
})

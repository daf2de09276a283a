import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Browser, whoAmI } from '../actors/browser.ts'
import { startServer } from '../actors/server.ts'

/** A browser that is signed in, with something in its session. */
async function signedIn(data: Record<string, unknown> = { kept: 1 }) {
  const server = startServer()
  const browser = new Browser(server)
  await browser.put(data)
  await browser.signIn('alice')
  return { server, browser }
}

async function dataOf(browser: Browser) {
  return (await browser.see()).body?.data
}

describe('session data', () => {
  for (const [name, call] of [
    ['rotate', 'rotate'],
    ['stepUp', 'stepUp'],
  ] as const) {
    it(`a change made before ${name}() is saved`, async () => {
      const { browser } = await signedIn()
      await browser.send(async session => {
        await session.load()
        session.data.before = 'unsaved'
        await (call === 'rotate' ? session.rotate() : session.stepUp({ amr: ['otp'] }))
        assert.equal(session.data.before, 'unsaved')
      })
      assert.deepEqual(await dataOf(browser), { kept: 1, before: 'unsaved' })
    })
  }

  it('a change made while update() is under way is saved', async () => {
    const { browser } = await signedIn()
    await browser.send(async session => {
      await session.load()
      session.data.before = 1
      const updating = session.update(data => {
        data.before = Number(data.before) + 1
        data.kept = 2
      })
      session.data.meanwhile = 'unsaved'
      await updating
      assert.deepEqual({ ...session.data }, { kept: 2, before: 2, meanwhile: 'unsaved' })
    })
    assert.deepEqual(await dataOf(browser), { kept: 2, before: 2, meanwhile: 'unsaved' })
  })

  it('two updates of one request at once both count', async () => {
    const { browser } = await signedIn({ n: 0 })
    await browser.send(async session => {
      await session.load()
      session.data.extra = true
      const increment = () =>
        session.update(data => {
          data.n = Number(data.n) + 1
        })
      await Promise.all([increment(), increment(), increment()])
      assert.deepEqual({ ...session.data }, { n: 3, extra: true })
    })
    assert.deepEqual(await dataOf(browser), { n: 3, extra: true })
  })

  it('an update that fails writes nothing, and what was unsaved before is still saved with the response', async () => {
    const { browser } = await signedIn()
    await browser.send(async session => {
      await session.load()
      session.data.before = 1
      await assert.rejects(
        session.update(() => {
          throw new RangeError('no')
        }),
        RangeError,
      )
    })
    assert.deepEqual(await dataOf(browser), { kept: 1, before: 1 })
  })

  it('an update after the response has begun takes back nothing of what others saved meanwhile', async () => {
    const { browser } = await signedIn()
    let late: Promise<unknown> = Promise.resolve()
    const slow = Promise.withResolvers<void>()
    const first = browser.send(async (session, exchange) => {
      await session.load()
      session.data.mine = 1
      await slow.promise
      await exchange.settle(200)
      late = session.update(data => {
        data.streamed = true
      })
      await late
    })
    await browser.put({ theirs: 2 })
    slow.resolve()
    await first
    assert.deepEqual(await dataOf(browser), { kept: 1, mine: 1, theirs: 2, streamed: true })
  })

  it('an update after a response with status 500 does not bring the discarded changes back', async () => {
    const { browser } = await signedIn()
    await browser.send(
      async (session, exchange) => {
        await session.load()
        session.data.discarded = true
        await exchange.settle(500)
        await session.update(data => {
          data.streamed = true
        })
      },
      { status: 500 },
    )
    assert.deepEqual(await dataOf(browser), { kept: 1, streamed: true })
  })

  it('WSTG-SESS-08: a key named __proto__ is data, before and after update(), and changes no prototype', async () => {
    const { browser } = await signedIn()
    await browser.send(async session => {
      await session.update(data =>
        Object.defineProperty(data, '__proto__', { value: { admin: true }, enumerable: true }),
      )
      await session.load()
      assert.equal(Object.getPrototypeOf(session.data), Object.prototype)
      await session.update(data => {
        data.n = 1
      })
      assert.equal(Object.getPrototypeOf(session.data), Object.prototype)
      assert.equal('admin' in session.data, false)
    })
    const json = await browser.send(async session => JSON.stringify((await session.load()).data))
    assert.deepEqual(JSON.parse(json.body ?? ''), JSON.parse('{"kept":1,"__proto__":{"admin":true},"n":1}'))
  })

  it('when somebody else signs in, nothing of the user before is left, saved or unsaved, not even in an object held', async () => {
    const { browser } = await signedIn({ diary: 'of alice' })
    await browser.send(async session => {
      await session.load()
      const held = session.data
      held.draft = 'of alice, unsaved'
      await session.signIn('bob', { amr: ['pwd'] })
      assert.deepEqual({ ...held }, {})
      held.theme = 'dark'
    })
    assert.deepEqual((await browser.see()).body?.data, { theme: 'dark' })
  })

  it('a guest keeps the cart that another request of theirs saved while the password was being checked', async () => {
    const server = startServer()
    const browser = new Browser(server)
    await browser.put({ cart: ['a'] })
    const passwordChecked = Promise.withResolvers<void>()
    const signingIn = browser.send(async session => {
      await session.load()
      session.data.returnTo = '/'
      await passwordChecked.promise
      await session.signIn('alice', { amr: ['pwd'] })
    })
    assert.equal((await browser.put({ cart: ['a', 'b'] })).status, 200)
    passwordChecked.resolve()
    await signingIn
    const seen = await browser.send(whoAmI)
    assert.deepEqual(seen.body?.data, { cart: ['a', 'b'], returnTo: '/' })
  })
})

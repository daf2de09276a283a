import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Session, type SessionStore, UsageError } from 'latchkey'
import { memoryStore } from 'latchkey/stores/memory'
import { Browser } from '../actors/browser.ts'
import { type Data, startServer, told } from '../actors/server.ts'

/** A memory store that counts what is asked of it. */
function counting() {
  const asked: string[] = []
  const store = new Proxy(memoryStore(), {
    get(target, property: keyof SessionStore) {
      const member = target[property]
      if (typeof member !== 'function') return member
      return (...args: unknown[]) => {
        asked.push(property)
        return (member as (...args: unknown[]) => unknown).apply(target, args)
      }
    },
  })
  return { store, asked }
}

describe('what a request costs the store', () => {
  const start = async () => {
    const { store, asked } = counting()
    const server = startServer({ store })
    const browser = new Browser(server)
    await browser.signIn('alice')
    asked.length = 0
    return { server, browser, asked }
  }

  it('CC-2: nothing, when nobody asks for the session', async () => {
    const { browser, asked } = await start()
    const reply = await browser.send(() => 'public page')
    assert.deepEqual([asked, reply.headers], [[], {}])
  })

  it('2.4.1: nothing, when a visitor without a session looks and puts nothing in', async () => {
    const { server, asked } = await start()
    const reply = await new Browser(server).see()
    assert.deepEqual([asked, reply.setCookie], [[], null])
  })

  it('2.4.1: nothing, when the token is forged', async () => {
    const { server, asked } = await start()
    await new Browser(server, `${'x'.repeat(8)}.${'y'.repeat(86)}`).see()
    assert.deepEqual(asked, [])
  })

  it('one read, when the session is only looked at, however often', async () => {
    const { browser, asked } = await start()
    await browser.send(async session => {
      await Promise.all([session.load(), session.load()])
      await session.load()
      return [session.userId, session.data, session.amr]
    })
    assert.deepEqual(asked, ['read'])
  })

  it('one read and one write, when something changed; none, when it was changed back', async () => {
    const { browser, asked } = await start()
    await browser.put({ n: 1 })
    assert.deepEqual(asked.splice(0), ['read', 'save'])
    await browser.send(async session => {
      await session.load()
      session.data.n = 2
      session.data.n = 1
      session.data.list = undefined
    })
    assert.deepEqual(asked, ['read'])
  })

  it('a hundred increments at once in one process: each writes once, without a conflict', async () => {
    const { browser, asked } = await start()
    const increment = () => browser.send(s => s.update(data => Object.assign(data, { n: Number(data.n ?? 0) + 1 })))
    await Promise.all(Array.from({ length: 100 }, increment))
    assert.equal(asked.filter(method => method === 'save').length, 100)
    assert.equal((await browser.see()).body?.data.n, 100)
  })
})

describe('use and misuse', () => {
  const start = async (options = {}) => {
    const server = startServer(options)
    const browser = new Browser(server)
    await browser.signIn('alice')
    await browser.put({ kept: 1 })
    return { server, browser }
  }
  const dataOf = async (browser: Browser) => (await browser.see()).body?.data

  for (const field of ['id', 'userId', 'data', 'createdAt', 'authenticatedAt', 'amr', 'aal', 'persistent'] as const) {
    it(`${field} before the session is loaded throws a UsageError that says what to do`, async () => {
      const { browser } = await start()
      await browser.send(session => {
        assert.throws(
          () => session[field],
          error => error instanceof UsageError && /load/.test(error.message),
        )
      })
    })
  }

  it('a response with status 500 or above writes nothing', async () => {
    const { browser } = await start()
    for (const status of [500, 503]) await browser.put({ kept: 2 }, { status })
    assert.deepEqual(await dataOf(browser), { kept: 1 })
    for (const status of [302, 404, 499]) await browser.put({ [status]: true }, { status })
    assert.deepEqual(await dataOf(browser), { 302: true, 404: true, 499: true, kept: 1 })
  })

  it('a change after the response has left throws instead of vanishing, and so do sign-in, step-up and rotation', async () => {
    const { browser } = await start()
    let late: Session<Data> | undefined
    await browser.send(async session => {
      late = await session.load()
      session.data.kept = 2
    })
    assert.ok(late)
    const { data } = late
    assert.throws(() => {
      data.kept = 3
    }, TypeError)
    for (const call of [late.signIn('bob', { amr: ['pwd'] }), late.stepUp({ amr: ['otp'] }), late.rotate()]) {
      await assert.rejects(call, error => error instanceof UsageError && /too late/.test(error.message))
    }
    assert.deepEqual(await dataOf(browser), { kept: 2 })
  })

  it('update() resolves to what its function returned, and refuses an asynchronous one', async () => {
    const { browser } = await start()
    const reply = await browser.send(session => session.update(data => `was ${data.kept}`))
    assert.equal(reply.body, 'was 1')
    const asynchronous = await browser.send(session =>
      session.update(async data => {
        await Promise.resolve()
        data.kept = 2
      }),
    )
    assert.equal(asynchronous.code, 'usage')
    assert.deepEqual(await dataOf(browser), { kept: 1 })
  })

  it('data over maxDataBytes is 413, exact to the byte, however it is put in; the session stays as it was', async () => {
    const { browser } = await start({ maxDataBytes: 256 })
    // {"kept":1,"big":"…"} has 19 bytes around the text; é takes two.
    const fits = `${'é'.repeat(118)}x`
    assert.equal((await browser.put({ big: `${fits}x` })).code, 'data-too-large')
    const updating = await browser.send(session => session.update(data => Object.assign(data, { big: `${fits}x` })))
    assert.equal(updating.code, 'data-too-large')
    assert.deepEqual(await dataOf(browser), { kept: 1 })
    assert.equal((await browser.put({ big: fits })).status, 200)
    const guest = await new Browser(startServer({ maxDataBytes: 256 })).put({ big: 'x'.repeat(300) })
    assert.deepEqual([guest.code, guest.setCookie], ['data-too-large', null])
  })

  for (const userId of ['', 'x'.repeat(257), 7, null, undefined, { id: 'alice' }]) {
    it(`signIn(${JSON.stringify(userId)?.slice(0, 20)}) is refused and changes nothing`, async () => {
      const { server, browser } = await start()
      server.events.length = 0
      const reply = await browser.signIn(userId as string)
      assert.deepEqual([reply.code, reply.setCookie, told(server)], ['usage', null, []])
    })
  }

  it('CS-S3: any user id of 256 characters works, whatever the characters', async () => {
    const ids = ['__proto__', 'a\u0000b', '\ud800', "' or 1=1 --", '../../x', '💥'.repeat(128), ' ', '{}', 'a\nb']
    const server = startServer()
    for (const userId of ids) {
      const browser = new Browser(server)
      await browser.signIn(userId)
      assert.equal((await browser.see()).body?.userId, userId)
      assert.equal((await server.sessions.list(userId)).length, 1)
    }
  })

  it('step-up without a user, and rotation without a session, are refused and say what to do first', async () => {
    const server = startServer()
    const guest = new Browser(server)
    assert.equal((await guest.stepUp()).code, 'usage')
    assert.equal((await guest.rotate()).code, 'usage')
    await guest.put({ cart: 1 })
    assert.equal((await guest.stepUp()).code, 'usage')
    assert.equal((await guest.rotate()).status, 200)
  })

  it('ASVS 6.3.3: a step-up adds methods, raises the level, never lowers it, and renews the time of proof', async () => {
    const { server, browser } = await start()
    const state = async () =>
      (await browser.send(async s => (await s.load()) && [s.amr, s.aal, s.authenticatedAt])).body
    const signedInAt = server.clock.now()
    assert.deepEqual(await state(), [['pwd'], 1, signedInAt])
    server.clock.advance('1m')
    await browser.send(session => session.stepUp({ amr: ['hwk'], aal: 3 }))
    assert.deepEqual(await state(), [['pwd', 'hwk'], 3, signedInAt + 60_000])
    server.clock.advance('1m')
    await browser.send(session => session.stepUp({ amr: ['pwd'] }))
    assert.deepEqual(await state(), [['hwk', 'pwd'], 3, signedInAt + 120_000])
    await browser.signIn('alice')
    assert.deepEqual(await state(), [['pwd'], 1, signedInAt + 120_000], 'a new sign-in proves only what it proves')
  })
})

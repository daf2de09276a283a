/** Sessions that are kept in their cookies and nowhere else. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { createSessions, type Session, type SessionsOptions, UsageError } from 'latchkey'
import { memoryStore } from 'latchkey/stores/memory'
import { sealedStore } from 'latchkey/stores/sealed'
import { Browser, cookieName } from '../../actors/browser.ts'
import { type Data, newSecretText, type Server, type ServerOptions, startServer, told } from '../../actors/server.ts'

const start = (options: ServerOptions = {}) => startServer({ store: sealedStore(), ...options })

/** Another process: nothing in common but the secrets and the time. */
const another = ({ secret, clock }: Server, options: ServerOptions = {}) =>
  start({ secrets: [secret], clock, ...options })

async function signedIn(options: ServerOptions = {}) {
  const server = start(options)
  const browser = new Browser(server)
  await browser.signIn('alice')
  server.events.length = 0
  return { server, browser, clock: server.clock }
}

const set = (n: number) => (data: Partial<Data>) => Object.assign(data, { n })

const userOf = async (browser: Browser) => (await browser.see()).body?.userId ?? null

describe('a session in its cookie', () => {
  it('another process, which shares nothing but the secrets, knows all of it', async () => {
    const { server, browser } = await signedIn()
    await browser.put({ diary: 'dear diary' })
    await browser.stepUp()
    const there = new Browser(another(server), browser.token)
    assert.deepEqual((await there.see()).body, (await browser.see()).body)
    const known = await there.send(async session => {
      await session.load()
      return [session.amr, session.aal, session.persistent, session.data]
    })
    assert.deepEqual(known.body, [['pwd', 'otp'], 2, false, { diary: 'dear diary' }])
  })

  it('an anonymous visitor gets a cookie once something is put into the session, and not before', async () => {
    const browser = new Browser(start())
    assert.equal((await browser.see()).setCookie, null)
    assert.match((await browser.put({ cart: [1] })).setCookie ?? '', /^__Host-Http-sid=/)
    assert.deepEqual((await browser.see()).body?.data, { cart: [1] })
  })

  it('reading makes no new cookie, until use is to be written down', async () => {
    const { browser, clock } = await signedIn({ policy: { touchEvery: '15s' } })
    for (const length of ['1s', '13s'] as const) {
      clock.advance(length)
      assert.equal((await browser.see()).setCookie, null)
    }
    clock.advance('1s')
    const { token } = browser
    assert.notEqual((await browser.see()).token, null)
    assert.notEqual(browser.token, token)
    assert.equal((await browser.see()).setCookie, null)
  })

  it('a change that changes nothing makes no new cookie', async () => {
    const { browser } = await signedIn()
    await browser.put({ n: 1 })
    assert.equal((await browser.put({ n: 1 })).setCookie, null)
    assert.equal((await browser.send(session => session.update(data => data.n))).setCookie, null)
  })

  it('every change makes a new one: data, update, sign-in, step-up, rotation', async () => {
    const { browser } = await signedIn()
    const changes: Record<string, () => Promise<{ token: string | null }>> = {
      data: () => browser.put({ n: 1 }),
      update: () => browser.send(session => session.update(set(2))),
      'step-up': () => browser.stepUp(),
      rotation: () => browser.rotate(),
      'sign-in': () => browser.signIn('alice'),
    }
    for (const [what, change] of Object.entries(changes)) {
      assert.ok((await change()).token, what)
      assert.equal(await userOf(browser), 'alice', what)
    }
    assert.deepEqual((await browser.see()).body?.data, { n: 2 })
  })

  it('several changes in one request are all in the one cookie that leaves', async () => {
    const { browser } = await signedIn()
    const add = (session: Session<Data>) => session.update(data => Object.assign(data, { n: Number(data.n ?? 0) + 1 }))
    await browser.send(async session => {
      await Promise.all([add(session), add(session), add(session)])
      await add(session)
      session.data.color = 'red'
      await session.signIn('alice', { amr: ['pwd'] })
      await Promise.all([add(session), add(session)])
    })
    assert.deepEqual((await browser.see()).body?.data, { n: 6, color: 'red' })
  })

  it('of two changes at the same time the answer that comes last wins', async () => {
    const { browser } = await signedIn()
    const [one, other] = [browser.thief(), browser.thief()]
    await one.put({ one: 1 })
    await other.put({ other: 1 })
    assert.deepEqual((await other.see()).body?.data, { other: 1 })
    assert.deepEqual((await one.see()).body?.data, { one: 1 })
  })

  it('when the headers have left nothing can be changed any more', async () => {
    const { browser } = await signedIn()
    let late: Session<Data> | undefined
    await browser.send(async session => {
      late = await session.load()
    })
    assert.ok(late)
    const session = late
    for (const change of [() => session.update(set(1)), () => session.end(), () => session.rotate()])
      await assert.rejects(change, UsageError)
  })

  it('an answer with status 500 leaves the cookie as it was', async () => {
    const { browser, clock } = await signedIn()
    clock.advance('14m')
    assert.equal((await browser.put({ n: 1 }, { status: 500 })).setCookie, null)
  })
})

describe('time-outs of a session in its cookie', () => {
  it('7.2.1, 7.3.1, WSTG-SESS-07: unused for the idle time-out it is over, to the millisecond, and told as a token that came too late', async () => {
    const { server, browser, clock } = await signedIn()
    clock.set(clock.now() + 15 * 60_000 - 1)
    assert.equal(await userOf(browser.thief()), 'alice')
    clock.set(clock.now() + 1)
    assert.equal(await userOf(browser), null)
    assert.deepEqual(told(server, 'token.used-after-end', 'session.ended'), ['token.used-after-end idle'])
  })

  it('7.3.1: use starts the idle time-out anew; an old copy of the cookie does not live longer by it', async () => {
    const { browser, clock } = await signedIn()
    const copy = browser.thief()
    clock.advance('14m')
    assert.equal(await userOf(browser), 'alice')
    clock.advance('14m')
    assert.equal(await userOf(copy), null)
    assert.equal(await userOf(browser), 'alice')
  })

  it('7.3.2: however busy it is, it is over at the absolute time-out', async () => {
    const { server, browser, clock } = await signedIn({ policy: { absoluteTimeout: '1h' } })
    for (let minute = 1; minute < 60; minute += 1) {
      clock.advance('1m')
      assert.equal(await userOf(browser), 'alice', `${minute}`)
    }
    clock.advance('1m')
    assert.equal(await userOf(browser), null)
    assert.equal(told(server, 'token.used-after-end').at(-1), 'token.used-after-end expired')
  })

  it('NIST 5.2-b: to ask is not to use', async () => {
    const { browser, clock } = await signedIn()
    for (let minute = 1; minute < 15; minute += 1) {
      clock.advance('1m')
      const asked = await browser.send(session => session.load({ activity: false }), { method: 'GET' })
      assert.equal(asked.setCookie, null)
    }
    clock.advance('1m')
    assert.equal(await userOf(browser), null)
  })

  it('a shorter policy holds at once for cookies that are out already', async () => {
    const { server, browser, clock } = await signedIn()
    const strict = another(server, { policy: { idleTimeout: '5m' } })
    clock.advance('6m')
    assert.equal(await userOf(new Browser(strict, browser.token)), null)
  })

  it('a flood of old cookies is counted, not told one by one', async () => {
    const { server, browser, clock } = await signedIn()
    clock.advance('1h')
    for (let n = 0; n < 150; n += 1) await browser.see()
    assert.equal(told(server, 'token.used-after-end').length, 100)
  })

  it('CS-S5: the secret inside is renewed while the session is used, and told; there is no predecessor to hand over', async () => {
    const { server, browser, clock } = await signedIn()
    const before = browser.thief()
    clock.advance('10m')
    assert.ok((await browser.see()).token)
    assert.deepEqual(told(server), ['session.rotated'])
    assert.equal(await userOf(before), 'alice', 'an old cookie opens until its time-outs: that is the trade')
    assert.ok(!told(server).includes('token.replayed'))
  })
})

describe('ends of a session in its cookie', () => {
  it('signing out clears the cookie; a copy lives until its idle time-out, and in use until the absolute one', async () => {
    const { server, browser, clock } = await signedIn()
    const [idle, busy] = [browser.thief(), new Browser(another(server), browser.token)]
    const out = await browser.signOut()
    assert.equal(out.token, '')
    assert.equal(out.headers['clear-site-data'], '"storage"')
    assert.deepEqual(told(server), ['session.ended signed-out'])
    assert.equal(await userOf(browser), null)
    assert.equal(await userOf(idle), 'alice')
    for (let minute = 0; minute < 479; minute += 1) {
      clock.advance('1m')
      assert.equal(await userOf(busy), 'alice')
    }
    assert.equal(await userOf(idle), null)
    clock.advance('1m')
    assert.equal(await userOf(busy), null)
  })

  it('nor does one that has changed its own copy already', async () => {
    const { server, browser, clock } = await signedIn()
    const tab = new Browser(server, browser.token)
    clock.advance('1s')
    const reply = await tab.send(async session => {
      await session.update(set(1))
      await browser.stepUp()
      session.data.n = 2
    })
    assert.equal(reply.setCookie, null)
    assert.equal((await browser.send(session => session.load().then(({ aal }) => aal))).body, 2)
  })

  it('a page that was still loading does not undo a sign-out, a sign-in or a step-up', async () => {
    const after: Record<string, (browser: Browser) => Promise<unknown>> = {
      'sign-out': browser => browser.signOut(),
      'sign-in': browser => browser.signIn('bob'),
      'step-up': browser => browser.stepUp(),
      rotate: browser => browser.rotate(),
    }
    for (const [what, happens] of Object.entries(after)) {
      const { browser, clock } = await signedIn()
      clock.advance('10m') // what the page does is to be written down
      const [page, form] = [browser.thief(), browser.thief()]
      const seen = await page.send(async session => {
        await session.load()
        await happens(browser)
        return session.userId
      })
      assert.deepEqual([seen.body, seen.setCookie], ['alice', null], what)
      const sent = await form.put({ n: 1 })
      assert.deepEqual([sent.code, sent.setCookie], ['session-ended', null], what)
    }
  })

  const end = (session: Session<Data>) => session.end()
  const change = (session: Session<Data>) => session.update(set(1))
  for (const [order, both] of Object.entries({ before: [end, change], after: [change, end] })) {
    it(`an end that begins ${order} a change in the same request is an end`, async () => {
      const { browser } = await signedIn()
      const reply = await browser.send(session => Promise.allSettled(both.map(begin => begin(session))))
      assert.equal(reply.token, '')
    })
  }

  it('7.2.4: sign-in gives it a new id and keeps its data; nothing leads from the old cookie to the user', async () => {
    const server = start()
    const browser = new Browser(server)
    await browser.put({ cart: [1] })
    const planted = browser.thief()
    const before = (await browser.see()).body
    await browser.signIn('alice')
    const { body } = await browser.see()
    assert.deepEqual([body?.userId, body?.data], ['alice', { cart: [1] }])
    assert.notEqual(body?.id, before?.id)
    assert.deepEqual((await planted.see()).body, before)
  })

  it("signing in over another user's session takes nothing of it along", async () => {
    const { browser } = await signedIn()
    await browser.put({ diary: 'dear diary' })
    await browser.signIn('bob')
    assert.deepEqual((await browser.see()).body?.data, {})
  })

  it('what needs a list of sessions says so, and what to pass', async () => {
    const { server } = await signedIn()
    const { sessions } = server
    const sid = 'A'.repeat(22)
    const calls: Record<string, () => Promise<unknown>> = {
      list: () => sessions.list('alice'),
      find: () => sessions.find(sid),
      end: () => sessions.end(sid),
      'end as a user': () => sessions.end(sid, { userId: 'alice' }),
      endUser: () => sessions.endUser('alice'),
      'endUser but one': () => sessions.endUser('alice', { except: sid }),
      endEverybody: () => sessions.endEverybody(),
    }
    for (const [what, call] of Object.entries(calls))
      await assert.rejects(call, error => error instanceof UsageError && /revocations/.test(error.message), what)
    assert.throws(() => start({ policy: { maxSessions: 3 } }), /maxSessions needs a list of sessions.*revocations/)
    assert.deepEqual(told(server, 'store.failed'), [])
  })

  it('a sign-in that brings the generation along works as everywhere', async () => {
    const server = start()
    const generation = await server.sessions.generation('alice')
    const browser = new Browser(server)
    await browser.signIn('alice', { generation })
    assert.equal(await userOf(browser), 'alice')
    await server.sessions.ping()
    assert.equal(await server.sessions.sweep(), 0)
  })
})

describe('the size of a session in its cookie', () => {
  it('ASVS 3.3.5, CK-3: what is accepted fits into 4096 bytes, attributes included; more is a 413, and the cookie stays', async () => {
    const { browser } = await signedIn({ maxDataBytes: 2_800 })
    const fill = (bytes: number) => browser.put({ a: 'x'.repeat(bytes - 8) })
    const full = await fill(2_800)
    assert.equal(full.status, 200)
    assert.ok((full.setCookie ?? '').length <= 4_096)
    const { token } = browser
    const over = await fill(2_801)
    assert.deepEqual([over.status, over.code, over.setCookie], [413, 'data-too-large', null])
    assert.match(String(over.error), /2801 bytes, 1 more than maxDataBytes \(2800\)/)
    assert.equal(browser.token, token)
  })

  it('a long user id takes its share, which the error counts', async () => {
    const server = start({ maxDataBytes: 2_800 })
    const browser = new Browser(server)
    await browser.put({ a: 'x'.repeat(2_700) })
    const { status, error, setCookie } = await browser.signIn('ä'.repeat(256), { persistent: true })
    assert.deepEqual([status, setCookie], [413, null])
    assert.match(String(error), /is \d+ bytes too many for a cookie/)
    assert.deepEqual(told(server, 'session.signed-in'), [])
    await browser.send(async session => {
      await session.load()
      session.data.a = undefined
      await session.signIn('ä'.repeat(256), { amr: ['pwd'], persistent: true })
    })
    assert.equal(await userOf(browser), 'ä'.repeat(256))
  })

  it('maxDataBytes is 2048 by default, and more than a cookie holds does not start', async () => {
    const { browser } = await signedIn()
    assert.equal((await browser.put({ a: 'x'.repeat(2_040) })).status, 200)
    assert.equal((await browser.put({ a: 'x'.repeat(2_041) })).status, 413)
    assert.throws(() => start({ maxDataBytes: 2_801 }), /maxDataBytes must be .* 256 to 2800, because a cookie/)
  })
})

describe('a cookie of another kind, key or manager', () => {
  const opensNothing = async (server: Server, token: string | null) => {
    server.events.length = 0
    const stranger = new Browser(server, token)
    const seen = await stranger.see()
    assert.deepEqual([seen.status, seen.body, seen.setCookie], [200, { id: null, userId: null, data: {} }, null])
    assert.deepEqual(told(server), ['token.forged'])
  }

  it('ASVS 9.2.2: an opaque token opens nothing here, nor a sealed one there, under the same secrets', async () => {
    const { server: sealed, browser } = await signedIn()
    const opaque = startServer({ secrets: [sealed.secret], store: memoryStore(), clock: sealed.clock })
    const other = new Browser(opaque)
    await other.signIn('alice')
    await opensNothing(sealed, other.token)
    await opensNothing(opaque, browser.token)
    const listed = start({
      secrets: [sealed.secret],
      store: sealedStore({ revocations: memoryStore() }),
      clock: sealed.clock,
    })
    const there = new Browser(listed, browser.token)
    assert.equal(await userOf(there), null, 'who is not on the list is nobody')
  })

  it('ASVS 9.2.2: a cookie opens nothing under the name of another, so that two managers may share a secret', async () => {
    const { server, browser } = await signedIn()
    const admin = another(server, { cookie: { name: 'admin' } })
    const header = { cookie: `__Host-Http-admin=${browser.token}` }
    const seen = await new Browser(admin).see({ headers: header })
    assert.equal(seen.body?.userId, null)
    assert.deepEqual(told(admin), ['token.forged'])
  })

  it('RT-8: what was changed on the way, or made up, is anonymous, told, and answered like everything that is', async () => {
    const { server, browser } = await signedIn()
    const token = browser.token ?? ''
    for (const text of [
      token.slice(0, -1),
      `${token}A`,
      token.replace(/.$/, last => (last === 'A' ? 'E' : 'A')),
      'x',
      '.',
    ])
      await opensNothing(server, text)
  })

  it('CK-9, RT-8: no Cookie header makes it fail, and none but the whole cookie makes anybody of anybody', async () => {
    const { browser } = await signedIn()
    const token = browser.token ?? ''
    const part = fc.oneof(
      fc.constantFrom(token, `${cookieName}=`, cookieName, '; ', '=', ',', '"', '%', ' ', '\t', '.', token.slice(0, 9)),
      fc.nat(token.length).map(length => token.slice(0, length)),
      fc.string({ maxLength: 20 }).map(text => Buffer.from(text).toString('latin1')),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 8 }), async parts => {
        const cookie = parts.join('')
        const seen = await browser.see({ headers: { cookie } })
        const whole = cookie.split(';').map(pair => pair.replace(/^[ \t]+|[ \t]+$/g, ''))
        const named = whole.filter(pair => pair.startsWith(`${cookieName}=`))
        const value = named.length === 1 ? named[0]?.slice(cookieName.length + 1).trim() : null
        assert.deepEqual([seen.status, seen.body?.userId], [200, value === token ? 'alice' : null])
      }),
      { numRuns: 1_000 },
    )
  })

  it('ASVS 11.2.2, T20: an older key opens, the newest seals, and without its key a cookie opens nothing', async () => {
    const { server, browser, clock } = await signedIn()
    const newer = newSecretText()
    const both = new Browser(start({ secrets: [newer, server.secret], clock }), browser.token)
    const afterwards = start({ secrets: [newer], clock })
    await opensNothing(afterwards, both.token)
    clock.advance('1m')
    assert.ok((await both.see()).token)
    assert.equal(await userOf(new Browser(afterwards, both.token)), 'alice')
  })
})

describe('setting it up', () => {
  const production: SessionsOptions = {
    secrets: [newSecretText()],
    store: sealedStore(),
    environment: 'production',
    trustProxy: false,
    sweepEvery: false,
  }

  it('it starts in production, and the policy page says what a sign-out is worth', async () => {
    const sessions = createSessions(production)
    const page = sessions.policyPage()
    assert.match(page, /\| Sign-out \| in this browser only \| .*a copied cookie works until its idle time-out/)
    assert.match(page, /No session is listed, and none can be ended from elsewhere/)
    assert.doesNotMatch(page, /replay/)
    await sessions.close()
  })

  it('a list that forgets is refused in production, and so is a sealed store as a list', () => {
    const store = sealedStore({ revocations: memoryStore() })
    assert.throws(() => createSessions({ ...production, store }), /sealed\+memory store forgets everybody/)
    assert.throws(() => sealedStore({ revocations: sealedStore() }), UsageError)
  })

  it('no event holds a token, a secret or data', async () => {
    const { server, browser } = await signedIn()
    const tokens = [browser.token]
    await browser.put({ diary: 'dear diary' })
    tokens.push(browser.token)
    await browser.stepUp()
    tokens.push(browser.token, `${browser.token}x`)
    await browser.see({ token: `${browser.token}x` })
    await browser.signOut()
    const all = JSON.stringify(server.events)
    const hidden = ['dear diary', server.secret, cookieName, ...tokens.map(token => token?.slice(40, 80) ?? '')]
    for (const text of hidden) assert.ok(text.length > 9 && !all.includes(text), text)
  })
})

import assert from 'node:assert/strict'
import { afterEach, it } from 'node:test'
import { type ConfirmationOptions, type Proved, UsageError } from 'latchkey'
import { Browser, type Reply } from '../actors/browser.ts'
import {
  newSecretText,
  type Server,
  type ServerOptions,
  startAnotherNode,
  startServer,
  told,
} from '../actors/server.ts'
import { onEveryStoreAndSealed } from '../actors/stores.ts'

const minute = 60_000
const operation = 'change e-mail'
const change = { account: 7, to: 'new@campus.example', notify: ['old@campus.example', 'desk@campus.example'] }

/** What is sent to have it carried out. */
interface Submission {
  readonly id: unknown
  readonly operation: string
  readonly data: unknown
  readonly proved: Proved
}

onEveryStoreAndSealed('T12 confirmed actions', (open, { readFiles }) => {
  let server: Server
  let alice: Browser
  const start = async (options: ServerOptions = {}) => {
    server = startServer({ store: open(), ...options })
    alice = new Browser(server)
    await alice.signIn('alice')
    server.events.length = 0
  }
  const passMs = (ms: number) => server.clock.set(server.clock.now() + ms)
  const confirm = async (browser = alice, options: ConfirmationOptions = {}, data: unknown = change) => {
    const { body, error } = await browser.send(session => session.confirm(operation, data, options))
    assert.equal(error, null)
    return body?.id ?? ''
  }
  const redeem = (id: unknown, other: Partial<Submission> = {}, browser = alice): Promise<Reply<void>> => {
    const { operation: name = operation, data = change, proved = { amr: ['pwd'] } } = other
    return browser.send(session => session.redeem(id as string, name, data, proved))
  }
  const faults = () => server.events.flatMap(event => (event.type === 'confirmation.refused' ? [event.fault] : []))
  const refusedFor = async (reply: Promise<Reply<unknown>>) => {
    const before = faults().length
    const { status, code, setCookie } = await reply
    assert.deepEqual([status, code, setCookie], [403, 'confirmation-refused', null])
    assert.equal(faults().length, before + 1, 'it is told, once (TA-2)')
    return faults().at(-1)
  }
  afterEach(() => server.sessions.close())

  it('TA-1: confirmed as it was shown it is carried out once, told, and no second time', async () => {
    await start()
    const id = await confirm()
    assert.equal((await redeem(id)).status, 200)
    assert.equal(await refusedFor(redeem(id)), 'unknown')
    assert.deepEqual(told(server), [
      'confirmation.opened',
      'session.rotated',
      'confirmation.redeemed',
      'confirmation.refused',
    ])
  })

  it('7.5.3: it counts as a proof, replaces the token, keeps the session and what is not saved yet', async () => {
    await start()
    passMs(10 * minute)
    await alice.put({ essay: 'half written' })
    const before = (await alice.see()).body
    const id = await confirm()
    const old = alice.token
    const reply = await alice.send(async session => {
      await session.load()
      session.data.unsaved = true
      await session.redeem(id, operation, change, { amr: ['otp'] })
      return [session.aal, session.authenticatedAt]
    })
    assert.deepEqual(reply.body, [2, server.clock.now()])
    assert.notEqual(alice.token, old)
    assert.deepEqual((await alice.see()).body, { ...before, data: { essay: 'half written', unsaved: true } })
    assert.equal((await alice.see({ token: old })).body?.userId, null, 'the old token is dead')
    const fresh = await alice.send((_, exchange) => exchange.requireFresh(minute))
    assert.equal(fresh.status, 200)
  })

  it('what is refused is no proof and changes nothing but that it is spent', async () => {
    await start()
    await alice.put({ essay: 'half written' })
    passMs(10 * minute)
    const id = await confirm()
    const [before, { token }] = [(await alice.see()).body, alice]
    const { status } = await redeem(id, { data: {}, proved: { amr: ['otp'] } })
    assert.equal(status, 403)
    assert.deepEqual([(await alice.see()).body, alice.token], [before, token])
    assert.equal((await alice.send((_, exchange) => exchange.requireFresh(minute))).code, 'not-fresh')
    assert.equal((await alice.send((_, exchange) => exchange.requireLevel(2))).code, 'level-too-low')
  })

  const unknown: readonly unknown[] = ['', 'nonsense', 'A'.repeat(43), null, undefined, 7, {}, ['x'], '__proto__']
  for (const id of unknown) {
    it(`TA-1: ${JSON.stringify(id)} confirms nothing, and the one that waits goes on waiting`, async () => {
      await start()
      const real = await confirm()
      assert.equal(await refusedFor(redeem(id)), 'unknown')
      assert.equal(await refusedFor(redeem([real])), 'unknown')
      assert.equal(await refusedFor(redeem(`${real} `)), 'unknown')
      assert.equal((await redeem(real)).status, 200)
    })
  }

  const changed: readonly (readonly [what: string, other: Partial<Submission>])[] = [
    ['another operation', { operation: 'change password' }],
    ['the operation in capitals', { operation: 'Change e-mail' }],
    ['another value', { data: { ...change, to: 'thief@evil.example' } }],
    ['a value of another type', { data: { ...change, account: '7' } }],
    ['a value in capitals', { data: { ...change, to: 'New@campus.example' } }],
    ['a value that looks the same', { data: { ...change, to: 'nеw@campus.example' } }],
    ['one member more', { data: { ...change, cc: null } }],
    ['one member less', { data: { account: 7, to: change.to } }],
    ['another order of a list', { data: { ...change, notify: change.notify.toReversed() } }],
    ['a list with one more', { data: { ...change, notify: [...change.notify, 'x'] } }],
    ['the same in a list', { data: [change] }],
    ['the same as text', { data: JSON.stringify(change) }],
    ['a member under another name', { data: { account: 7, To: change.to, notify: change.notify } }],
    ['no data', { data: null }],
  ]
  for (const [what, other] of changed) {
    it(`TA-2: ${what} than was shown: refused, told, and the confirmation is void`, async () => {
      await start()
      const id = await confirm()
      assert.equal(await refusedFor(redeem(id, other)), 'changed')
      assert.equal(await refusedFor(redeem(id)), 'unknown')
      assert.deepEqual(told(server, 'confirmation.redeemed'), [])
    })
  }

  it('TA-2: the same value is the same in any order of its members, with JSON in between, however deep', async () => {
    await start()
    const data = { b: { d: [1, { f: 'é', e: null }], c: true }, a: '"', __proto__: null }
    const id = await confirm(alice, {}, data)
    const same = JSON.parse('{"a":"\\u0022","b":{"c":true,"d":[1.0,{"e":null,"f":"\\u00e9"}]}}')
    assert.equal((await redeem(id, { data: same })).status, 200)
  })

  it('TA-2: a member that a form did not send is not there: 403 where it was shown, and no server error', async () => {
    await start()
    const { to: _, ...rest } = change
    assert.equal(await refusedFor(redeem(await confirm(), { data: { ...change, to: undefined } })), 'changed')
    assert.equal((await redeem(await confirm(alice, {}, { ...rest, to: undefined }), { data: rest })).status, 200)
  })

  const noJson: readonly (readonly [what: string, data: unknown])[] = [
    ['undefined', [undefined]],
    ['a date', { at: new Date(0) }],
    ['NaN', Number.NaN],
    ['infinity', [Number.POSITIVE_INFINITY]],
    ['a function', { to: () => 'x' }],
    ['a map', new Map([['to', 'x']])],
    ['a bigint', 7n],
    ['an object of a class', new (class Change {})()],
  ]
  for (const [what, data] of noJson) {
    it(`${what}, which JSON would change or leave out, cannot be confirmed, and confirms nothing`, async () => {
      await start()
      const { error } = await alice.send(session => session.confirm(operation, data))
      assert.ok(error instanceof UsageError, String(error))
      for (const shown of [{}, null, [null], 'x']) {
        const id = await confirm(alice, {}, shown)
        assert.notEqual((await redeem(id, { data })).status, 200)
      }
      assert.deepEqual(told(server, 'confirmation.redeemed'), [])
    })
  }

  it('TA-4: it is good for five minutes, and not a millisecond longer', async () => {
    await start()
    const { body } = await alice.send(session => session.confirm(operation, change))
    assert.equal(body?.expiresAt, server.clock.now() + 5 * minute)
    const late = await confirm()
    passMs(5 * minute - 1)
    assert.equal((await redeem(body?.id)).status, 200)
    passMs(1)
    assert.equal(await refusedFor(redeem(late)), 'expired')
    assert.equal(await refusedFor(redeem(late)), 'unknown')
  })

  it('TA-4: `lifetime` makes it shorter or longer, exact to the millisecond', async () => {
    await start()
    const [short, long] = [await confirm(alice, { lifetime: '30s' }), await confirm(alice, { lifetime: '10m' })]
    passMs(30_000)
    assert.equal(await refusedFor(redeem(short)), 'expired')
    passMs(9.5 * minute - 1)
    assert.equal((await redeem(long)).status, 200)
    const { error } = await alice.send(session => session.confirm(operation, change, { lifetime: '0s' }))
    assert.ok(error instanceof UsageError)
  })

  it('TA-1: in another session of the same user it is worth nothing', async () => {
    await start()
    const id = await confirm()
    const elsewhere = new Browser(server)
    await elsewhere.signIn('alice')
    assert.equal(await refusedFor(redeem(id, {}, elsewhere)), 'unknown')
    assert.equal((await redeem(id)).status, 200)
  })

  it("TA-1: another user's is worth nothing", async () => {
    await start()
    const id = await confirm()
    const mallory = new Browser(server)
    await mallory.signIn('mallory')
    assert.equal(await refusedFor(redeem(id, {}, mallory)), 'unknown')
  })

  for (const [what, over] of [
    ['signing out', () => alice.signOut()],
    ['the end of all sessions of the user', () => server.sessions.endUser('alice')],
    ['the idle time-out', async () => passMs(15 * minute)],
  ] as const) {
    it(`TA-1: after ${what} it is worth nothing, nor in the session after that`, async () => {
      await start()
      const id = await confirm(alice, { lifetime: '1h' })
      const { token } = alice
      await over()
      assert.notEqual((await redeem(id, {}, new Browser(server, token))).status, 200)
      alice = new Browser(server)
      await alice.signIn('alice')
      assert.equal(await refusedFor(redeem(id)), 'unknown')
      assert.deepEqual(told(server, 'confirmation.redeemed'), [])
    })
  }

  it('TA-1: a new sign-in in the same browser leaves it behind; rotation and a step-up do not', async () => {
    await start()
    const [stays, left] = [await confirm(), await confirm()]
    await alice.rotate()
    await alice.stepUp()
    assert.equal((await redeem(stays)).status, 200)
    await alice.signIn('alice')
    assert.equal(await refusedFor(redeem(left)), 'unknown')
  })

  const proofs: readonly (readonly [proved: Proved, level: 1 | 2 | 3, isEnough: boolean])[] = [
    [{ amr: ['pwd'] }, 1, true],
    [{ amr: ['otp'] }, 1, true],
    [{ amr: ['pwd'] }, 2, false],
    [{ amr: ['otp'] }, 2, false],
    [{ amr: ['pwd', 'otp'] }, 2, true],
    [{ amr: ['swk', 'user', 'mfa'] }, 2, true],
    [{ amr: ['swk', 'user', 'mfa'] }, 3, false],
    [{ amr: ['hwk'], aal: 3 }, 3, true],
    [{ amr: ['pwd', 'otp'], aal: 1 }, 2, false],
  ]
  for (const [proved, level, isEnough] of proofs) {
    const { amr, aal } = proved
    it(`TA-3: ${amr.join(' and ')}${aal ? ` as level ${aal}` : ''} is ${isEnough ? '' : 'not '}enough for level ${level}, whatever was proved before`, async () => {
      await start()
      await alice.signIn('alice', { amr: ['pwd', 'otp'], aal: 3 })
      const id = await confirm(alice, { level })
      if (isEnough) assert.equal((await redeem(id, { proved })).status, 200)
      else assert.equal(await refusedFor(redeem(id, { proved })), 'too-weak')
      assert.equal(await refusedFor(redeem(id, { proved: { amr: ['mfa'], aal: 3 } })), 'unknown', 'it is spent')
    })
  }

  it('TA-3: who proves nothing is refused, and the confirmation goes on waiting', async () => {
    await start()
    const id = await confirm()
    for (const amr of [[], undefined, 'pwd']) {
      assert.equal((await redeem(id, { proved: { amr } as unknown as Proved })).code, 'usage')
    }
    assert.equal((await redeem(id)).status, 200)
  })

  it('TA-4: four wrong factors are forgiven, the fifth makes it void, told once', async () => {
    await start()
    const fail = (id: string) => alice.send(session => session.failConfirmation(id, operation))
    const [forgiven, failed] = [await confirm(), await confirm()]
    for (let n = 0; n < 4; n += 1) await fail(forgiven)
    for (let n = 0; n < 5; n += 1) await fail(failed)
    assert.deepEqual(faults(), ['failed'])
    for (let n = 0; n < 5; n += 1) await fail(failed)
    await fail('nonsense')
    assert.deepEqual(faults(), ['failed'])
    assert.equal((await redeem(forgiven)).status, 200)
    assert.equal(await refusedFor(redeem(failed)), 'unknown')
  })

  it('of nine that wait the oldest is given up, and the other eight are good', async () => {
    await start()
    const ids: string[] = []
    for (let n = 0; n < 9; n += 1) ids.push(await confirm())
    assert.equal(new Set(ids).size, 9)
    const [oldest, ...others] = ids
    assert.equal(await refusedFor(redeem(oldest)), 'unknown')
    for (const id of others) assert.equal((await redeem(id)).status, 200)
  })

  it('those that are over push nobody out', async () => {
    await start()
    const waiting = await confirm(alice, { lifetime: '10m' })
    for (let n = 0; n < 7; n += 1) await confirm(alice, { lifetime: '1m' })
    passMs(minute)
    for (let n = 0; n < 7; n += 1) await confirm()
    assert.equal((await redeem(waiting)).status, 200)
  })

  it('2.3.1: neither visitors, guests nor pending sign-ins can open or redeem one', async () => {
    await start()
    const nobodies = [new Browser(server), new Browser(server), new Browser(server)] as const
    await nobodies[1].put({ cart: 1 })
    await nobodies[2].send(session => session.beginSignIn('alice', { amr: ['pwd'] }))
    for (const nobody of nobodies) {
      assert.equal((await nobody.send(session => session.confirm(operation, change))).code, 'usage')
      const { body } = await nobody.send(session => session.challenge(`confirm ${operation}`, change))
      assert.equal((await redeem(body, {}, nobody)).code, 'usage')
      assert.equal((await redeem(await confirm(), {}, nobody)).code, 'usage')
      assert.equal((await nobody.see()).body?.userId, null)
    }
  })

  it('a name is needed, and its mistake is told', async () => {
    await start()
    for (const name of ['', null, 7]) {
      const { error } = await alice.send(session => session.confirm(name as string, change))
      assert.ok(error instanceof UsageError)
    }
  })

  it('16.2.5, 11.4: neither the store nor an event holds the id or the data', async () => {
    const given: unknown[] = []
    const store = open()
    const save = store.save.bind(store)
    store.save = (record, options) => {
      given.push(record)
      return save(record, options)
    }
    await start({ store })
    const id = await confirm()
    await redeem(id, { data: { ...change, to: 'thief@evil.example' } })
    await redeem(await confirm())
    const places = JSON.stringify([given, server.events]) + readFiles()
    assert.match(places, /change e-mail/, 'the operation is told')
    for (const secret of [id, 'new@campus', 'thief@evil']) assert.ok(!places.includes(secret), secret)
  })

  it('a new server secret leaves it good as long as the old one is in the list', async () => {
    await start()
    const [first, next] = [await confirm(), await confirm()]
    const rolled = startAnotherNode(server, { secrets: [newSecretText(), server.secret] })
    assert.equal((await redeem(first, {}, new Browser(rolled, alice.token))).status, 200)
    assert.deepEqual(told(rolled, 'confirmation.redeemed'), ['confirmation.redeemed'])
    assert.ok(next)
  })

  it('a confirmation is no challenge, and a challenge no confirmation', async () => {
    await start()
    const id = await confirm()
    assert.equal((await alice.send(session => session.answer(id, operation, change))).body, false)
    const { body } = await alice.send(session => session.challenge(operation, change))
    assert.equal(await refusedFor(redeem(body)), 'changed')
  })
})

/** Sign-ins that succeed: a user with a history, in a crowd. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RequestOrigin } from '../../../src/session/events.ts'
import { browsers, from, type WatchedWorld, watchedWorld } from './watched-world.ts'

const desktops = [browsers.chrome, browsers.edge, browsers.firefox]

const signIn = (world: WatchedWorld, userId: string, origin: RequestOrigin) =>
  world.event({ type: 'session.signed-in', amr: ['pwd'], aal: 1, from: null, sid: `sid-${userId}`, userId, origin })

/** A hundred users in Germany with all kinds of browsers, some of them in the United States. */
async function crowd(world: WatchedWorld) {
  for (let n = 0; n < 100; n += 1) {
    const network = n % 5 === 0 ? '10.5' : ['10.1', '10.2', '10.4'][n % 3]
    await signIn(world, `user-${n}`, from(`${network}.0.${n}`, desktops[n % desktops.length] ?? null))
  }
}

/** Ada signs in at home with Chrome, so many times, three hours apart. */
async function history(world: WatchedWorld, times: number) {
  for (let n = 0; n < times; n += 1) {
    await signIn(world, 'ada', from('10.1.0.5'))
    world.clock.advance('3h')
  }
  world.clock.advance('1d')
}

async function world(times: number) {
  const it = await watchedWorld({ options: { 'impossible-travel': false, 'too-many-sessions': false } })
  await crowd(it)
  await history(it, times)
  return it
}

const cases: readonly (readonly [name: string, history: number, origin: RequestOrigin, isRisky: boolean])[] = [
  ['as always', 20, from('10.1.0.5'), false],
  ['another address at home', 20, from('10.1.0.99'), false],
  ['at work', 20, from('10.4.0.5'), false],
  ['an updated browser', 20, from('10.1.0.5', browsers.chromeUpdated), false],
  ['a new phone at home', 20, from('10.1.0.5', browsers.iphone), false],
  ['a new phone in the mobile network', 20, from('10.2.0.5', browsers.iphone), false],
  ['a new phone in a network of a provider that nobody has', 20, from('10.4.200.5', browsers.iphone), false],
  ['on holiday', 20, from('10.5.0.5'), false],
  ['on holiday with an updated browser', 20, from('10.5.0.5', browsers.chromeUpdated), false],
  ['abroad and with another system', 20, from('10.6.0.5', browsers.firefox), true],
  ['abroad and with another browser', 20, from('10.6.0.5', browsers.edge), true],
  ['abroad and with a program', 20, from('10.5.0.5', browsers.curl), true],
  ['abroad and with a program, of a user who is little known', 3, from('10.6.0.5', browsers.curl), true],
  ['abroad and with a program, of a user who is hardly known', 2, from('10.6.0.5', browsers.curl), false],
  ['at home and with a program', 20, from('10.1.0.5', browsers.curl), false],
  ['abroad and with another system, of a user who is little known', 5, from('10.6.0.5', browsers.firefox), false],
  ['abroad and with another system, of a new user', 0, from('10.6.0.5', browsers.firefox), false],
  ['abroad and with another system, of a user known for very long', 200, from('10.6.0.5', browsers.firefox), true],
  ['on holiday, of a user known for very long', 200, from('10.5.0.5', browsers.chromeUpdated), false],
]

describe('risky sign-ins', () => {
  for (const [name, times, origin, isRisky] of cases) {
    it(`${name}: ${isRisky ? 'risky' : 'not risky'}`, async () => {
      const it = await world(times)
      await signIn(it, 'ada', origin)
      assert.deepEqual(it.hits(), isRisky ? ['risky-sign-in'] : [])
      assert.deepEqual(it.troubles, [])
    })
  }

  it('CS-S8: one new thing is not enough, however low the score', async () => {
    for (const origin of [from('10.1.0.5', browsers.firefox), from('10.6.0.5')]) {
      const it = await watchedWorld({ options: { 'risky-sign-in': { score: 1.5 }, 'impossible-travel': false } })
      await crowd(it)
      await crowd(it)
      await history(it, 20)
      await signIn(it, 'ada', origin)
      assert.deepEqual(it.hits(), [])
    }
  })

  for (const [name, times, found] of [
    ['once in sixty', 60, ['risky-sign-in']],
    ['once in forty', 40, []],
  ] as const) {
    it(`a country and a browser that were there ${name}: ${found.length > 0 ? 'risky' : 'not risky'}`, async () => {
      const abroad = from('10.6.0.5', browsers.firefox)
      const it = await watchedWorld({ options: { 'risky-sign-in': { score: 1.2 }, 'impossible-travel': false } })
      for (let n = 0; n < 300; n += 1) await signIn(it, `user-${n % 40}`, n % 2 ? abroad : from('10.1.0.5'))
      for (let n = 0; n < times; n += 1) {
        await signIn(it, 'ada', n === 3 ? abroad : from('10.1.0.5'))
        it.clock.advance('1d')
      }
      it.forget()
      await signIn(it, 'ada', abroad)
      assert.deepEqual(it.hits(), found)
    })
  }

  it('says how risky it was, and what was new', async () => {
    const it = await world(20)
    await signIn(it, 'ada', from('10.6.0.5', browsers.firefox))
    const [detection] = it.found
    assert.equal(detection?.severity, 'warning')
    const { score, ...evidence } = detection?.evidence ?? {}
    assert.ok(typeof score === 'number' && score > 100)
    assert.deepEqual(evidence, {
      signInsOfUser: 20,
      new: ['country', 'as', 'network', 'address', 'system', 'browser', 'agent'],
      agent: 'Firefox 127 on Linux',
      country: 'JP',
    })
  })

  it('a new service knows nobody, and is silent', async () => {
    const it = await watchedWorld({ options: { 'impossible-travel': false } })
    await history(it, 20)
    await signIn(it, 'ada', from('10.6.0.5', browsers.firefox))
    assert.deepEqual(it.hits(), [])
  })

  it('who was away for half a year begins anew', async () => {
    const it = await world(20)
    it.clock.advance('200d')
    await crowd(it)
    await signIn(it, 'ada', from('10.6.0.5', browsers.firefox))
    assert.deepEqual(it.hits(), [])
  })
})

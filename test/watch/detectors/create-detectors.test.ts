/** The frame around detectors: cheap, bounded, and nothing that fails gets out of it. */
import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { describe, it } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { UsageError } from 'latchkey'
import { createFacts } from '../../../src/watch/detectors/facts.ts'
import type { DetectorOptions } from '../../../src/watch/detectors/options.ts'
import type { Windows } from '../../../src/watch/store.ts'
import { memoryWatch } from '../../../src/watch/stores/memory.ts'
import { browsers, from, geo, type Happening, type WatchedWorld, watchedWorld } from './watched-world.ts'

const forged = (token: number, address = '10.6.0.66'): Happening => ({
  ...{ type: 'token.forged', token: `token-${token}`, key: 'ours', named: 'key', origin: from(address) },
})
const guess = (world: WatchedWorld) => {
  const none = { at: world.clock.now(), sid: null, userId: null, origin: null }
  for (let token = 0; token < 30; token += 1) world.node().event({ ...none, ...forged(token) })
  return world.flush()
}
/** Timers of the detectors keep no process alive; a test that waits for one has to. */
const awake = async <Result>(work: Promise<Result>): Promise<Result> => {
  const timer = setInterval(() => {}, 1_000)
  return await work.finally(() => clearInterval(timer))
}
const never = () => new Promise<never>(() => {})

describe('the frame around detectors', () => {
  const broken: readonly (readonly [name: string, broken: Partial<Windows>])[] = [
    ['hang', { see: never, tally: never }],
    ['reject', { see: () => Promise.reject(new Error('down')), tally: () => Promise.reject(new Error('down')) }],
    [
      'throw',
      {
        see: () => {
          throw new Error('down')
        },
      },
    ],
    ['answer too little', { see: async () => [], tally: async () => [] }],
  ]
  for (const [name, faults] of broken) {
    it(`windows that ${name} cost signals, which are counted and told once, and harm nothing else`, async () => {
      const store = memoryWatch()
      const windows: Windows = { ...store, ...faults }
      const world = await watchedWorld({ windows, patienceMs: 20 })
      await awake(guess(world))
      assert.equal(world.troubles.length, 1)
      assert.equal(world.node().stats().lost, 30)
      assert.deepEqual(world.hits(), [])
      // What needs no memory is found all the same.
      await awake(world.event({ type: 'token.replayed', sid: 'sid', userId: 'ada' }))
      assert.deepEqual(world.hits(), ['token-replay'])
      Object.assign(windows, store)
      await awake(guess(world))
      assert.ok(world.hits().includes('token-guessing'))
      assert.equal(world.troubles.length, 1)
      Object.assign(windows, faults)
      await awake(guess(world))
      assert.equal(world.troubles.length, 2, 'the next time is told again')
    })
  }

  it('what waits is bounded, and what is lost is counted and told', async () => {
    const store = memoryWatch()
    const world = await watchedWorld({ windows: { ...store, see: never }, patienceMs: 20, mostWaiting: 100 })
    const none = { at: world.clock.now(), sid: null, userId: null }
    for (let token = 0; token < 5_000; token += 1)
      world.node().event({ ...none, ...forged(token), origin: from('10.6.0.1') })
    assert.ok(world.node().stats().waiting <= 100)
    await awake(world.flush())
    assert.equal(world.node().stats().lost, 5_000)
    assert.equal(world.troubles.length, 1)
  })

  it('what happens in one turn of the event loop is asked at once, and a flood is one question', async () => {
    const store = memoryWatch()
    const asked: number[] = []
    const tally: Windows['tally'] = counts => {
      asked.push(counts.length)
      return store.tally(counts)
    }
    const world = await watchedWorld({ windows: { ...store, tally } })
    const none = { at: world.clock.now(), sid: null, userId: null }
    for (let n = 0; n < 150; n += 1) world.node().event({ ...none, type: 'session.created', origin: from('10.6.0.1') })
    await world.flush()
    assert.deepEqual(asked, [2])
    assert.deepEqual(world.hits(), ['session-flooding'])
  })

  it('a session that stays where it is is told once a minute, and its four detectors ask once', async () => {
    const store = memoryWatch()
    let sightings = 0
    const see: Windows['see'] = asked => {
      sightings += asked.filter(({ key }) => key.startsWith('session:')).length
      return store.see(asked)
    }
    const world = await watchedWorld({ windows: { ...store, see } })
    const session = world.session(from('10.1.0.1'))
    for (let second = 0; second < 150; second += 1) {
      await world.use(session, from('10.1.0.1'))
      world.clock.advance('1s')
    }
    assert.equal(sightings, 3)
  })

  it('a sign-in at which nothing is wrong asks once and teaches once', async () => {
    const store = memoryWatch()
    const asked = { see: 0, tally: 0 }
    const see: Windows['see'] = sightings => {
      asked.see += 1
      return store.see(sightings)
    }
    const tally: Windows['tally'] = counts => {
      asked.tally += 1
      return store.tally(counts)
    }
    const world = await watchedWorld({ windows: { ...store, see, tally } })
    const event = { type: 'session.signed-in', amr: ['pwd'], aal: 1, from: null, sid: 'sid', userId: 'ada' } as const
    await world.event({ ...event, origin: from('10.1.0.1') })
    assert.deepEqual(asked, { see: 2, tally: 1 })
  })

  it('whatever a request, a database or a listener throws stays inside', async () => {
    const thrower = () => {
      throw new Error('broken')
    }
    const world = await watchedWorld({ geo: { locate: thrower }, found: thrower, tell: thrower })
    const session = world.session(from('10.1.0.1'))
    const { sid, userId, client, createdAt, lastSeenAt } = session
    world.node().use({ at: world.clock.now(), sid, userId, client, createdAt, lastSeenAt, origin: thrower })
    await world.use(session, from('10.1.0.1'))
    await world.use(session, from('10.2.0.1', browsers.edge))
    await world.event({ type: 'token.replayed', sid })
    assert.ok(world.troubles.length > 0)
  })

  it('what goes on is told at most every ten seconds', async () => {
    const world = await watchedWorld()
    await guess(world)
    await guess(world)
    const once = world.found.length
    assert.deepEqual(world.hits(), ['forged-token', 'token-guessing'])
    assert.equal(once, 2)
    world.clock.advance('11s')
    await guess(world)
    assert.equal(world.found.length, 2 * once)
  })

  it('after close nothing is looked at', async () => {
    const world = await watchedWorld()
    await world.node().close()
    await guess(world)
    assert.deepEqual([world.hits(), world.node().stats()], [[], { waiting: 0, lost: 0 }])
  })

  it('NIST 5.3: windows hold no address, user, account or user agent in the clear, and no key without the secret', async () => {
    const texts: string[] = []
    const store = memoryWatch()
    const windows: Windows = {
      ...store,
      see(asked) {
        texts.push(...asked.flatMap(({ key, member }) => [key, member]))
        return store.see(asked)
      },
      tally(asked) {
        texts.push(...asked.map(({ key }) => key))
        return store.tally(asked)
      },
    }
    const world = await watchedWorld({ windows })
    const userId = 'ada.lovelace@example.org'
    const [home, away] = [from('10.1.77.88', `${browsers.chrome} Secret/7`), from('10.5.99.11', browsers.edge)]
    const session = world.session(home, userId)
    await world.use(session, home)
    world.clock.advance('1m')
    await world.use(session, away)
    for (const type of ['factor.passed', 'session.created'] as const)
      await world.event({ ...{ type, factor: 'totp' }, userId, origin: home } as Happening)
    await world.event({
      type: 'session.signed-in',
      amr: ['pwd'],
      aal: 1,
      from: null,
      sid: session.sid,
      userId,
      origin: away,
    })
    await world.event({ type: 'session.ended', reason: 'idle', sid: session.sid, userId, origin: away })
    await world.event({ type: 'sign-in.failed', account: 'pseudonym', origin: home })
    await world.event({ type: 'request.refused', reason: 'csrf-cross-site', origin: home })
    await world.event(forged(1, '10.1.77.88'))
    assert.ok(texts.length > 20)
    assert.doesNotMatch(texts.join('\n'), /77|88\b|99\.11|10\.[15]\.|ada|lovelace|Secret|Mozilla|Gecko/)
    // Guessed addresses cannot be found by hashing them: without the key all hashes are others.
    assert.ok(world.found.length > 0)
  })

  it('NIST 5.3: where user agents must not be written down, evidence does not name them', async () => {
    for (const isHidden of [false, true]) {
      const privacy = { address: () => null, userAgent: (text: string | null) => (isHidden ? null : text) }
      const world = await watchedWorld({ privacy })
      const session = world.session(from('10.1.0.1'))
      await world.use(session, from('10.1.0.1'))
      world.clock.advance('7d')
      await world.use(session, from('10.5.0.1', browsers.firefox))
      world.clock.advance('1s')
      await world.use(session, from('10.1.0.1'))
      assert.deepEqual(world.hits(), ['agent-changed', 'dormant-session', 'network-changed', 'two-places'])
      const everything = JSON.stringify([world.found, world.told.map(event => ({ ...event, origin: null }))])
      assert.equal(/Chrome|Firefox|Windows|Linux/.test(everything), !isHidden)
      assert.doesNotMatch(everything, /10\.[15]\./)
    }
  })

  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  const heapMb = () => {
    collect()
    return process.memoryUsage().heapUsed / 1e6
  }
  /** How much more memory is in use after as much again, and more, as fills all there is to fill. */
  const growth = async (fill: number, most: number, step: (n: number) => void | Promise<void>) => {
    for (let n = 0; n < fill; n += 1) await step(n)
    const before = heapMb()
    for (let n = fill; n < most; n += 1) await step(n)
    return heapMb() - before
  }

  it('memory stays bounded, however many sessions come along', async () => {
    const empty: Windows = {
      see: async asked => asked.map(() => []),
      tally: async asked => asked.map(() => 0),
      forgetWindows: async () => 0,
    }
    const world = await watchedWorld({ windows: empty, found: () => {}, tell: () => {} })
    const at = world.clock.now()
    const grown = await growth(100_000, 1_000_000, n => {
      const address = `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`
      const client = from(address, `Agent/${n >> 8} ${'x'.repeat(200)}`)
      const sid = n.toString(36).padStart(22, '0')
      const seen = { at, createdAt: at, lastSeenAt: at }
      world.node().use({ ...seen, sid, userId: `user-${n}`, client, origin: () => client })
      return n % 100_000 === 99_999 ? world.flush() : undefined
    })
    assert.ok(grown < 25, `${grown.toFixed(1)} MB more`)
  })

  it('memory stays bounded, however many addresses and user agents come along', async () => {
    const facts = createFacts({
      key: createSecretKey(Buffer.alloc(32, 7)),
      agents: { read: () => ({ browser: null, os: null, device: null, version: null }) },
      ...{ geo, hidesAgents: false, relays: [], learningMs: 0, node: 'node', trouble: () => {} },
    })
    const grown = await growth(20_000, 150_000, n => {
      facts.spot(from(`10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`, `Agent/${n} ${'x'.repeat(200)}`))
    })
    assert.ok(grown < 15, `${grown.toFixed(1)} MB more`)
  })

  const mistakes: readonly (readonly [name: string, options: object, message: RegExp])[] = [
    ['a detector that there is not', { 'token-gessing': false }, /detectors\['token-gessing'\] is no detector/],
    [
      'an option that there is not',
      { 'token-guessing': { max: 3 } },
      /token-guessing'\]\.max is no option: there are most/,
    ],
    ['a number that is none', { 'token-guessing': { most: Number.NaN } }, /most must be a number above 0, such as 5/],
    ['a number of nothing', { 'token-guessing': { most: 0 } }, /most must be a number above 0/],
    ['a length without a unit', { 'token-guessing': { within: '60' } }, /within is "60": write a length with a unit/],
    ['a number for a length', { 'token-guessing': { within: 60 } }, /within is 60: write a length/],
    ['a text for a switch', { 'agent-changed': { setBack: 'no' } }, /setBack must be a boolean/],
    ['nothing', { 'token-guessing': { most: undefined } }, /most is undefined/],
    ['a time to learn without a unit', { learning: 7 }, /detectors\.learning is 7: write a length/],
    ['a relay that is no number', { relays: ['AS64500'] }, /relays must be numbers/],
  ]
  for (const [name, options, message] of mistakes) {
    it(`refuses ${name}, and says what to write`, async () => {
      await assert.rejects(watchedWorld({ options: options as DetectorOptions }), error => {
        assert.ok(error instanceof UsageError, String(error))
        assert.match(error.message, message)
        return true
      })
    })
  }
})

/** What is known of a user and of networks decides: the same steps are life for one and theft for another. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RequestOrigin } from '../../../src/session/events.ts'
import { browsers, from, type WatchedWorld, watchedWorld } from './watched-world.ts'

const home = '10.1.0.5'
const carrier = '10.2.0.9'
const work = '10.4.0.2'
const newYork = '10.5.0.1'
const paris = '10.8.0.1'
const acrossTheBorder = '10.10.0.1'
const phone = browsers.iphone

const signIn = async (world: WatchedWorld, userId: string, origin: RequestOrigin) => {
  const sid = Buffer.from(`${userId} ${world.clock.now()}`.padEnd(16)).toString('base64url').slice(0, 22)
  await world.event({ type: 'session.signed-in', amr: ['pwd'], aal: 1, from: null, sid, userId, origin })
}
/** So many people sign in there, on two days. */
const crowd = async (world: WatchedWorld, address: string, agents: readonly string[], days = 2) => {
  for (let day = 0; day < days; day += 1) {
    for (let n = 0; n < 12; n += 1) {
      await signIn(world, `${address} ${n}`, from(address, agents[n % agents.length]))
    }
    world.clock.advance('1d')
  }
}
const knownCarrier = (world: WatchedWorld) => crowd(world, carrier, [phone, browsers.chromeOnAndroid])
const both = [browsers.chrome, phone]

/** One session goes to and fro. */
const alternate = async (world: WatchedWorld, a: RequestOrigin, b: RequestOrigin) => {
  const session = world.session(a)
  for (let n = 0; n < 12; n += 1) {
    await world.use(session, n % 2 ? b : a)
    world.clock.advance('20s')
  }
}
/** One session, here and two minutes later there. */
const jump = async (world: WatchedWorld, a: RequestOrigin, b: RequestOrigin) => {
  const session = world.session(a)
  await world.use(session, a)
  world.clock.advance('2m')
  await world.use(session, b)
}
/** One session sleeps for so many days. */
const sleep = async (world: WatchedWorld, days: number, a: RequestOrigin, b: RequestOrigin) => {
  const session = world.session(a)
  await world.use(session, a)
  for (let day = 0; day < days; day += 1) world.clock.advance('1d')
  await world.use(session, b)
}
const settle = async (world: WatchedWorld, ...addresses: readonly string[]) => {
  for (const address of addresses) {
    await signIn(world, 'ada', from(address))
    world.clock.advance('2d')
  }
}

const stories: readonly (readonly [
  name: string,
  story: (world: WatchedWorld) => Promise<void>,
  found: readonly string[],
])[] = [
  [
    'a phone at the edge of a wireless network, beside its carrier’s',
    async world => {
      await knownCarrier(world)
      await alternate(world, from(home, phone), from(carrier, phone))
    },
    [],
  ],
  [
    'the same, where laptops sign in as often as phones',
    async world => {
      await crowd(world, carrier, both)
      await alternate(world, from(home, phone), from(carrier, phone))
    },
    ['two-places'],
  ],
  [
    'to and fro between two networks that the user has',
    async world => {
      await settle(world, home, work)
      await alternate(world, from(home), from(work))
    },
    [],
  ],
  [
    'to and fro between a network that the user has and one that came up today',
    async world => {
      await settle(world, home)
      await signIn(world, 'ada', from(work))
      await alternate(world, from(home), from(work))
    },
    ['two-places'],
  ],
  [
    'another browser beside the owner, in a network that the user has',
    async world => {
      await settle(world, home, work)
      await alternate(world, from(home), from(work, browsers.firefox))
    },
    ['agent-changed', 'two-places'],
  ],
  [
    'a phone abroad, now on its carrier, now in the hotel that others come from',
    async world => {
      await knownCarrier(world)
      await crowd(world, newYork, both)
      await settle(world, home)
      await jump(world, from(carrier, phone), from(newYork, phone))
    },
    [],
  ],
  [
    'the same in a network that nobody comes from',
    async world => {
      await knownCarrier(world)
      await settle(world, home)
      await jump(world, from(carrier, phone), from(newYork, phone))
    },
    ['impossible-travel'],
  ],
  [
    'the same in a network that a dozen stolen passwords were tried from, once each',
    async world => {
      await knownCarrier(world)
      await crowd(world, newYork, [browsers.curl], 1)
      await settle(world, home)
      await jump(world, from(carrier, phone), from(newYork, phone))
    },
    ['impossible-travel'],
  ],
  [
    'the same from home, which is no carrier',
    async world => {
      await crowd(world, newYork, both)
      await settle(world, home)
      await jump(world, from(home, phone), from(newYork, phone))
    },
    ['impossible-travel'],
  ],
  [
    'the way from a VPN abroad that the user has to a network at home that is new',
    async world => {
      await settle(world, home, newYork)
      await jump(world, from(newYork), from(work))
    },
    [],
  ],
  [
    'the way from a VPN abroad that the user has to a third country',
    async world => {
      await settle(world, home, newYork)
      await jump(world, from(newYork), from(paris))
    },
    ['impossible-travel'],
  ],
  [
    'the way back home from a network far away is not told again',
    async world => {
      await signIn(world, 'ada', from(home))
      world.clock.advance('5m')
      await signIn(world, 'ada', from(newYork))
      world.found.splice(0)
      world.clock.advance('5m')
      await signIn(world, 'ada', from(work))
    },
    [],
  ],
  [
    'from there to the country next to home is: nobody was in that one today',
    async world => {
      await signIn(world, 'ada', from(home))
      world.clock.advance('5m')
      await signIn(world, 'ada', from(newYork))
      world.found.splice(0)
      world.clock.advance('5m')
      await signIn(world, 'ada', from(acrossTheBorder))
    },
    ['impossible-travel'],
  ],
  [
    'from there on to a third country is',
    async world => {
      await signIn(world, 'ada', from(home))
      world.clock.advance('5m')
      await signIn(world, 'ada', from(newYork))
      world.found.splice(0)
      world.clock.advance('5m')
      await signIn(world, 'ada', from(paris))
    },
    ['impossible-travel'],
  ],
  [
    'three weeks asleep, and awake in the same browser in a country that the user never came from',
    world => sleep(world, 21, from(home), from(newYork)),
    ['dormant-session'],
  ],
  ['a week asleep, and awake there', world => sleep(world, 7, from(home), from(newYork)), []],
  [
    'three weeks asleep, and awake in a country that the user comes from, in a network of many',
    async world => {
      await crowd(world, newYork, both)
      await settle(world, newYork)
      await sleep(world, 21, from(home), from(newYork))
    },
    [],
  ],
  [
    'three weeks asleep, and awake at home in a new network of many',
    async world => {
      await crowd(world, work, both)
      await sleep(world, 21, from(home), from(work))
    },
    [],
  ],
  [
    'three weeks asleep, and awake at home in a network that nobody signs in from',
    world => sleep(world, 21, from(home), from(work)),
    ['dormant-session'],
  ],
  ['three weeks asleep, and awake in a VPN', world => sleep(world, 21, from(home), from('10.7.0.1')), []],
]

describe('people and networks that are known', () => {
  for (const [name, story, found] of stories) {
    it(`CS-S8: ${name}: ${found.join(', ') || 'no alert'}`, async () => {
      const world = await watchedWorld()
      await story(world)
      assert.deepEqual(world.troubles, [])
      assert.deepEqual(world.hits(), found)
    })
  }
})

/** What is known of a user and of networks decides: the same steps are life for one and theft for another. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  acrossTheBorder,
  alternate,
  both,
  carrier,
  crowd,
  home,
  jump,
  knownCarrier,
  newYork,
  paris,
  phone,
  settle,
  signIn,
  sleep,
  work,
} from './people.ts'
import { browsers, from, type WatchedWorld, watchedWorld } from './watched-world.ts'

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
      world.forget()
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
      world.forget()
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
      world.forget()
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
    'three weeks asleep, and awake in a network that only the user comes from',
    async world => {
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

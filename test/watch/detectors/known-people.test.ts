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

const program = 'CampusApp/3.1 (Linux)'

/** Of somebody who has been coming from home for so long. */
const knownFor = async (world: WatchedWorld, days: number) => {
  await signIn(world, 'ada', from(home))
  world.clock.advance(`${days * 24}h`)
}

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

describe('people whom the watch is only getting to know', () => {
  const steps = {
    'impossible-travel': (world: WatchedWorld) => jump(world, from(home), from(newYork)),
    'two-places': (world: WatchedWorld) => alternate(world, from(home), from(acrossTheBorder)),
  }
  for (const [detector, step] of Object.entries(steps)) {
    it(`CS-S8: ${detector} is written down for a week, and is an alert from then on`, async () => {
      const early = await watchedWorld()
      await knownFor(early, 6.9)
      await step(early)
      assert.deepEqual([early.hits(), early.alarms()], [[detector], []])
      assert.equal(early.found[0]?.evidence.tentative, true)

      const later = await watchedWorld()
      await knownFor(later, 7)
      await step(later)
      assert.deepEqual([later.hits(), later.alarms()], [[detector], [detector]])
      assert.ok(!('tentative' in (later.found[0]?.evidence ?? {})))
    })

    it(`CS-T1: ${detector} is an alert at once where nothing is to be learned`, async () => {
      const world = await watchedWorld({ options: { learning: '1ms' } })
      await knownFor(world, 0.1)
      await step(world)
      assert.deepEqual(world.alarms(), [detector])
    })
  }

  it('CS-T1: another browser in another place is an alert about anybody', async () => {
    const world = await watchedWorld()
    await jump(world, from(home), from(newYork, browsers.firefox))
    assert.deepEqual(world.alarms(), ['agent-changed', 'network-changed'])
  })

  it('who comes again after months is new again', async () => {
    const world = await watchedWorld()
    await knownFor(world, 100)
    await jump(world, from(home), from(newYork))
    assert.deepEqual([world.hits(), world.alarms()], [['impossible-travel'], []])
  })
})

describe('people who are new where the watch is not', () => {
  const signedUp = async (world: WatchedWorld) => {
    world.clock.advance('8d')
    await signIn(world, 'ada', from(home))
    world.clock.advance('1h')
    await jump(world, from(home), from(newYork))
    return [world.hits(), world.alarms()]
  }

  it('CS-S8: a journey between networks of many is written down', async () => {
    const world = await watchedWorld()
    await crowd(world, home, both)
    await crowd(world, newYork, both)
    assert.deepEqual(await signedUp(world), [['impossible-travel'], []])
  })

  it('CS-T1: one to a network that nobody else comes from is an alert at once', async () => {
    const world = await watchedWorld()
    await crowd(world, home, both)
    assert.deepEqual(await signedUp(world), [['impossible-travel'], ['impossible-travel']])
  })
})

describe('what looked like somebody else', () => {
  /** A thief's uses of a new session each day, from the same far place. */
  const thefts = async (world: WatchedWorld, days: number) => {
    await knownFor(world, 10)
    const found: number[] = []
    for (let day = 0; day < days; day += 1) {
      await jump(world, from(home), from(newYork))
      found.push(world.found.splice(0).length)
      world.clock.advance('1d')
    }
    return found
  }

  it('CS-T1: a thief who comes again is no acquaintance; what was found on three days is', async () => {
    assert.deepEqual(await thefts(await watchedWorld(), 6), [1, 1, 1, 0, 0, 0])
  })

  it('CS-T1: however long it was ago that he came', async () => {
    const world = await watchedWorld()
    await knownFor(world, 10)
    for (const pause of ['1m', '5d', '20d'] as const) {
      await jump(world, from(home), from(newYork))
      await jump(world, from(home), from(newYork))
      assert.equal(world.found.splice(0).length, 2, `after ${pause}`)
      world.clock.advance(pause)
    }
  })

  it('CS-T1: nor is one who signs in with a stolen password', async () => {
    const world = await watchedWorld()
    await knownFor(world, 10)
    for (const day of [1, 2]) {
      await signIn(world, 'ada', from(home))
      world.clock.advance('10m')
      await signIn(world, 'ada', from(newYork))
      assert.deepEqual(world.alarms(), ['impossible-travel'], `day ${day}`)
      assert.equal(world.found.splice(0).length, 1, `day ${day}`)
      world.clock.advance('1d')
    }
  })

  it('CS-T1: a network that only stolen passwords come from is nobody’s, however often', async () => {
    const world = await watchedWorld()
    for (let n = 0; n < 5; n += 1) await signIn(world, `victim ${n}`, from(home))
    world.clock.advance('8d')
    for (const day of [1, 2]) {
      for (let n = 0; n < 5; n += 1) {
        await signIn(world, `victim ${n}`, from(home))
        world.clock.advance('1m')
        await signIn(world, `victim ${n}`, from(newYork))
      }
      assert.equal(world.found.splice(0).length, 5, `day ${day}`)
      world.clock.advance('1d')
    }
    await sleep(world, 21, from(home), from(newYork))
    assert.deepEqual(world.hits(), ['dormant-session'])
  })
})

describe('a program that somebody lets run at home', () => {
  const travelling = async (userAgent: string, days: number) => {
    const world = await watchedWorld()
    await knownFor(world, days)
    await signIn(world, 'ada', from(home, userAgent))
    world.clock.advance('5m')
    await signIn(world, 'ada', from(newYork))
    return world.hits()
  }

  it('CS-S8: signs in there while its owner is far away, which is no journey', async () => {
    assert.deepEqual(await travelling(program, 10), [])
  })

  it('CS-T1: a browser at home is one, and so is a program where the user never was', async () => {
    assert.deepEqual(await travelling(browsers.firefox, 10), ['impossible-travel'])
    const world = await watchedWorld()
    await knownFor(world, 10)
    await signIn(world, 'ada', from(home))
    world.clock.advance('5m')
    await signIn(world, 'ada', from(newYork, program))
    assert.deepEqual(world.hits(), ['impossible-travel'])
  })

  it('CS-T1: does not hide that its owner signed in at home as well', async () => {
    const world = await watchedWorld()
    await knownFor(world, 10)
    await signIn(world, 'ada', from(home))
    world.clock.advance('1m')
    await signIn(world, 'ada', from(home, program))
    world.clock.advance('1m')
    await signIn(world, 'ada', from(newYork))
    assert.deepEqual(world.hits(), ['impossible-travel'])
  })
})

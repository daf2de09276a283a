/** How the watch gets to know people and networks, and that it learns nothing from thieves. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import type { Geo } from '../../../src/watch/geo.ts'
import type { Windows } from '../../../src/watch/store.ts'
import { memoryWatch } from '../../../src/watch/stores/memory.ts'
import {
  acrossTheBorder,
  alternate,
  both,
  carrier,
  crowd,
  home,
  jump,
  knownCarrier,
  knownFor,
  newYork,
  paris,
  phone,
  program,
  signIn,
  sleep,
  work,
} from './people.ts'
import { browsers, from, geo, type WatchedWorld, watchedWorld } from './watched-world.ts'

/** Ada signs up at home, and an hour later she is in New York. */
const signedUp = async (world: WatchedWorld) => {
  world.clock.advance('8d')
  await signIn(world, 'ada', from(home))
  world.clock.advance('1h')
  await jump(world, from(home), from(newYork))
  return [world.hits(), world.alarms()]
}

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
  it('CS-S8: a journey between networks of many is written down', async () => {
    const world = await watchedWorld()
    await crowd(world, home, both)
    await crowd(world, newYork, both)
    assert.deepEqual(await signedUp(world), [['impossible-travel'], []])
  })

  for (const known of [home, newYork]) {
    it(`CS-T1: one between ${known} and a network that nobody else comes from is an alert at once`, async () => {
      const world = await watchedWorld()
      await crowd(world, known, both)
      assert.deepEqual(await signedUp(world), [['impossible-travel'], ['impossible-travel']])
    })
  }

  it('CS-T1: what is only written down keeps nobody quiet about what follows at once', async () => {
    const world = await watchedWorld()
    await crowd(world, home, both)
    await crowd(world, newYork, both)
    world.clock.advance('8d')
    await signIn(world, 'ada', from(home))
    const session = await jump(world, from(home), from(newYork))
    world.clock.advance('5s')
    await world.use(session, from('10.6.0.1'))
    assert.deepEqual(
      world.found.map(({ evidence }) => evidence.tentative ?? 'an alert'),
      [true, 'an alert'],
    )
  })

  it('CS-T1: who never signs in while the watch looks, and stays at home, is known all the same', async () => {
    const world = await watchedWorld()
    await crowd(world, home, both)
    await crowd(world, newYork, both)
    world.clock.advance('8d')
    const session = world.session(from(home))
    for (let day = 0; day < 10; day += 1) {
      await world.use(session, from(home))
      world.clock.advance('1d')
    }
    await world.use(session, from(home))
    world.clock.advance('5m')
    await world.use(session, from(newYork))
    assert.deepEqual(world.alarms(), ['impossible-travel'])
  })

  it('CS-T1: hopping from network to network makes nobody new', async () => {
    const hops: Geo = {
      locate: address => {
        const [first, , asn = 0] = address.split('.').map(Number)
        if (first !== 11) return geo.locate(address)
        return { asn: 65_000 + asn, country: null, latitude: null, longitude: null, accuracyKm: null, relay: true }
      },
    }
    const world = await watchedWorld({ geo: hops })
    await crowd(world, home, both)
    await crowd(world, newYork, both)
    await knownFor(world, 10)
    const session = world.session(from(home))
    for (let n = 0; n < 60; n += 1) {
      await world.use(session, from(`11.1.${n}.1`))
      world.clock.advance('1m')
    }
    assert.deepEqual(world.hits(), [])
    await jump(world, from(home), from(newYork))
    assert.deepEqual(world.alarms(), ['impossible-travel'])
  })
})

describe('what looked like somebody else', () => {
  /** A thief's uses of a new session each day, from the same far place. */
  const thefts = async (world: WatchedWorld, days: number) => {
    await knownFor(world, 10)
    const found: number[] = []
    for (let day = 0; day < days; day += 1) {
      await jump(world, from(home), from(newYork))
      found.push(world.forget())
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
      assert.equal(world.forget(), 2, `after ${pause}`)
      world.clock.advance(pause)
    }
  })

  it('CS-T1: three days are not midnight, and the midnight after', async () => {
    const world = await watchedWorld()
    await knownFor(world, 10)
    const midnight = 86_400_000 - (world.clock.now() % 86_400_000)
    world.clock.advance(`${midnight - 150_000}ms`)
    for (const pause of ['5m', '1d', '1m', '1m'] as const) {
      await jump(world, from(home), from(newYork))
      assert.equal(world.forget(), 1)
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
      assert.equal(world.forget(), 1, `day ${day}`)
      world.clock.advance('1d')
    }
  })

  it('CS-T1: a network that only stolen passwords come from is no crowd’s, however often', async () => {
    const world = await watchedWorld()
    for (let n = 0; n < 5; n += 1) await signIn(world, `victim ${n}`, from(home))
    world.clock.advance('8d')
    for (const day of [1, 2]) {
      for (let n = 0; n < 5; n += 1) {
        await signIn(world, `victim ${n}`, from(home))
        world.clock.advance('1m')
        await signIn(world, `victim ${n}`, from(newYork))
      }
      assert.equal(world.forget(), 5, `day ${day}`)
      world.clock.advance('1d')
    }
    assert.deepEqual(await signedUp(world), [['impossible-travel'], ['impossible-travel']])
  })

  it('CS-T1: another address, or another text of the same browser, makes a thief no acquaintance', async () => {
    for (const variation of [from('10.5.9.1'), from(newYork, browsers.chromeUpdated), from(newYork)]) {
      const world = await watchedWorld()
      await knownFor(world, 10)
      const session = await jump(world, from(home), from(newYork))
      world.clock.advance('1m')
      await world.use(session, variation)
      assert.equal(world.forget(), 1)
      world.clock.advance('1h')
      await jump(world, from(home), from(newYork))
      assert.deepEqual(world.hits(), ['impossible-travel'], JSON.stringify(variation))
    }
  })

  it('CS-T1: nor does another browser with the same stolen password', async () => {
    const world = await watchedWorld()
    await knownFor(world, 10)
    await signIn(world, 'ada', from(home))
    world.clock.advance('10m')
    await signIn(world, 'ada', from(newYork))
    await signIn(world, 'ada', from(newYork, browsers.firefox))
    world.forget()
    world.clock.advance('2d')
    await signIn(world, 'ada', from(home))
    world.clock.advance('10m')
    await signIn(world, 'ada', from(newYork))
    assert.deepEqual(world.hits(), ['impossible-travel'])
  })

  it('CS-T1: where a session went to and fro its user is not at home the day after', async () => {
    const world = await watchedWorld()
    await knownFor(world, 10)
    for (const day of [1, 2]) {
      await alternate(world, from(home), from(work))
      await alternate(world, from(home), from(work))
      assert.deepEqual(world.alarms(), ['two-places'], `day ${day}`)
      world.forget()
      world.clock.advance('25h')
    }
  })

  it('CS-T1: where a session woke up in other hands its user is not at home', async () => {
    const world = await watchedWorld()
    await knownFor(world, 10)
    await sleep(world, 21, from(home), from(newYork))
    assert.deepEqual(world.hits(), ['dormant-session'])
    world.forget()
    world.clock.advance('1h')
    await jump(world, from(home), from(newYork))
    assert.deepEqual(world.hits(), ['impossible-travel'])
  })

  it('CS-S8: what was only written down is theirs from then on', async () => {
    const world = await watchedWorld()
    await knownFor(world, 5)
    await jump(world, from(home), from(newYork))
    assert.equal(world.forget(), 1)
    world.clock.advance('1d')
    await jump(world, from(home), from(newYork))
    assert.deepEqual(world.hits(), [])
  })

  it('CS-T1: a VPN abroad teaches nothing about the country', async () => {
    const world = await watchedWorld()
    await knownFor(world, 10)
    await jump(world, from(home), from('10.7.0.1'))
    assert.deepEqual(world.hits(), [])
    world.clock.advance('25h')
    await jump(world, from(home), from(newYork))
    assert.deepEqual(world.hits(), ['impossible-travel'])
  })

  it('what is learned does not depend on which detectors are on', async () => {
    const world = await watchedWorld({
      options: {
        ...{ 'impossible-travel': false, 'risky-sign-in': false, 'too-many-sessions': false },
        ...{ 'password-stuffing': false, 'password-spraying': false, 'second-factor-bombing': false },
      },
    })
    await knownCarrier(world)
    world.clock.advance('10d')
    await alternate(world, from(home, phone), from(carrier, phone))
    assert.deepEqual(world.hits(), [])
  })

  it('whoever waits for the detectors waits for what they learn, and that the watch is there is learned once an hour', async () => {
    const inner = memoryWatch()
    const learned: string[] = []
    const see: Windows['see'] = async sightings => {
      await setTimeout(2)
      learned.push(...sightings.map(({ key }) => key.replace(/:.*/, '')))
      return inner.see(sightings)
    }
    const world = await watchedWorld({ windows: { ...inner, see } })
    for (let n = 0; n < 30; n += 1) {
      await signIn(world, 'ada', from(home))
      assert.equal(learned.filter(key => key === 'user-began').length, n + 1)
      world.clock.advance('4m')
    }
    assert.equal(learned.filter(key => key === 'watch-began').length, 2)
  })
})

describe('a program that somebody lets run at home', () => {
  const travelling = async (userAgent: string) => {
    const world = await watchedWorld()
    await knownFor(world, 10)
    await signIn(world, 'ada', from(home, userAgent))
    world.clock.advance('5m')
    await signIn(world, 'ada', from(newYork))
    return [world.hits(), world.alarms()]
  }

  it('CS-S8: signs in there while its owner is far away, which is written down: it may be an app, and a thief', async () => {
    assert.deepEqual(await travelling(program), [['impossible-travel'], []])
    assert.deepEqual(await travelling('okhttp/4.12.0'), [['impossible-travel'], []])
  })

  const other: readonly (readonly [name: string, steps: (world: WatchedWorld) => Promise<void>])[] = [
    ['of a browser at home', world => signIn(world, 'ada', from(home, browsers.firefox))],
    ['of a program in a place that is not home', world => signIn(world, 'ada', from(paris, program))],
    [
      'of a program at home, after one of its owner',
      async world => {
        await signIn(world, 'ada', from(home))
        world.clock.advance('1m')
        await signIn(world, 'ada', from(home, program))
      },
    ],
  ]
  for (const [name, steps] of other) {
    it(`CS-T1: a sign-in ${name}, and five minutes later one far away, is an alert`, async () => {
      const world = await watchedWorld()
      await knownFor(world, 10)
      await steps(world)
      world.forget()
      world.clock.advance('5m')
      await signIn(world, 'ada', from(newYork))
      assert.deepEqual(world.alarms(), ['impossible-travel'])
    })
  }

  it('CS-T1: so is a program far away, after one at home', async () => {
    const world = await watchedWorld()
    await knownFor(world, 10)
    await signIn(world, 'ada', from(home))
    world.clock.advance('10h')
    await signIn(world, 'ada', from(home, program))
    world.clock.advance('5m')
    await signIn(world, 'ada', from(newYork, program))
    assert.deepEqual(world.alarms(), ['impossible-travel'])
  })
})

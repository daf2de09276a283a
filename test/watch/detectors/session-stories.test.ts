/** One session, used from several places: what is life, and what is theft. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Duration } from '../../../src/session/duration.ts'
import type { RequestOrigin } from '../../../src/session/events.ts'
import { browsers, from, geo, watchedWorld } from './watched-world.ts'

const home = '10.1.0.5'
const mobile = '10.2.0.9'
const otherMobile = '10.3.7.1'
const work = '10.4.0.2'
const newYork = '10.5.0.1'
const tokyo = '10.6.0.1'
const knownVpn = '10.7.0.1'
const databaseVpn = '10.9.0.1'

/** Where a session is used, one after the other, and how long after the use before. */
type Story = readonly (readonly [after: Duration | null, origin: RequestOrigin])[]

const alternating = (times: number, step: Duration, a: RequestOrigin, b: RequestOrigin): Story =>
  Array.from({ length: times }, (_, index) => [index === 0 ? null : step, index % 2 === 0 ? a : b])

const life: readonly (readonly [name: string, story: Story])[] = [
  [
    'stays where it is',
    [
      [null, from(home)],
      ['5m', from(home)],
      ['1h', from(home)],
    ],
  ],
  [
    'goes from home to work',
    [
      [null, from(home)],
      ['40m', from(work)],
      ['8h', from(home)],
    ],
  ],
  [
    'goes from home into the mobile network and back',
    [
      [null, from(home)],
      ['1m', from(mobile)],
      ['9m', from(home)],
    ],
  ],
  ['gets another address of its carrier with each request', alternating(40, '2s', from(mobile), from(otherMobile))],
  ['has a phone at the edge of a wireless network', alternating(4, '2m', from(home), from(mobile))],
  ['uses IPv4 and IPv6 in turn', alternating(40, '2s', from(home), from('2001:db8:1::1'))],
  [
    'switches its VPN on and off',
    [
      [null, from(home)],
      ['3m', from(knownVpn)],
      ['3m', from(home)],
    ],
  ],
  [
    'switches on a VPN that the database knows',
    [
      [null, from(home)],
      ['1s', from(databaseVpn)],
      ['3m', from(home)],
    ],
  ],
  [
    'flies to New York',
    [
      [null, from(home)],
      ['9h', from(newYork)],
    ],
  ],
  [
    'gets an update of its browser',
    [
      [null, from(home)],
      ['3m', from(home, browsers.chromeUpdated)],
    ],
  ],
  [
    'closes the lid at home, and is opened with a new browser version at work',
    [
      [null, from(home)],
      ['50m', from(work, browsers.chromeUpdated)],
    ],
  ],
  [
    'asks for the desktop page on the phone',
    [
      [null, from(home, browsers.iphone)],
      ['1m', from(home, browsers.iphoneAsDesktop)],
      ['1m', from(home, browsers.iphone)],
    ],
  ],
  [
    'plays film after film on the phone',
    alternating(40, '9s', from(home, browsers.iphone), from(home, browsers.iphonePlayer)),
  ],
  [
    'plays a film on the phone',
    [
      [null, from(home, browsers.iphone)],
      ['1s', from(home, browsers.iphonePlayer)],
      ['1s', from(home, browsers.iphone)],
    ],
  ],
  [
    'has no address',
    [
      [null, from(null)],
      ['1m', from(home)],
      ['1m', from(null)],
    ],
  ],
  [
    'sleeps a week and wakes up on holiday',
    [
      [null, from(home)],
      ['7d', from(tokyo, browsers.chromeUpdated)],
    ],
  ],
]

/** Goes to and fro a little, and then stays: each minute another node or the next report sees where it was before. */
const settled: Story = [
  ...alternating(4, '20s', from(home), from(work)),
  ...Array.from({ length: 9 }, (): Story[number] => ['61s', from(work)]),
]
const restored: Story = [
  [null, from(home)],
  ['7d', from(home, browsers.chromeOld)],
]

const theft: readonly (readonly [name: string, story: Story, found: readonly string[]])[] = [
  [
    'another browser on the same system',
    [
      [null, from(home)],
      ['1m', from(home, browsers.edge)],
    ],
    ['agent-changed'],
  ],
  [
    'the same browser on another system',
    [
      [null, from(home)],
      ['1m', from(home, browsers.chromeOnLinux)],
    ],
    ['agent-changed'],
  ],
  [
    'a program that does not say what it is',
    [
      [null, from(home)],
      ['1m', from(home, null)],
    ],
    ['agent-changed'],
  ],
  [
    'a program that pretends to play films, elsewhere',
    [
      [null, from(home, browsers.iphone)],
      ['1h', from(mobile, browsers.iphonePlayer)],
    ],
    ['agent-changed'],
  ],
  [
    'a program that pretends to play films, on another system',
    [
      [null, from(home)],
      ['1m', from(home, browsers.iphonePlayer)],
    ],
    ['agent-changed'],
  ],
  [
    'a program',
    [
      [null, from(home)],
      ['1m', from(home, browsers.curl)],
    ],
    ['agent-changed'],
  ],
  [
    'an older version from elsewhere',
    [
      [null, from(home)],
      ['2h', from(work, browsers.chromeOld)],
    ],
    ['agent-changed'],
  ],
  [
    'a phone’s session as a desktop elsewhere',
    [
      [null, from(home, browsers.iphone)],
      ['1h', from(mobile, browsers.iphoneAsDesktop)],
    ],
    ['agent-changed'],
  ],
  [
    'another browser abroad',
    [
      [null, from(home)],
      ['12h', from(newYork, browsers.firefox)],
    ],
    ['agent-changed', 'network-changed'],
  ],
  [
    'a newer version of the same browser abroad, at once',
    [
      [null, from(home)],
      ['6m', from('10.8.0.1', browsers.chromeUpdated)],
    ],
    ['impossible-travel', 'network-changed'],
  ],
  [
    'the other side of the world in a minute',
    [
      [null, from(home)],
      ['1m', from(tokyo)],
    ],
    ['impossible-travel'],
  ],
  [
    'owner and thief in turn, with the same browser in two countries',
    alternating(6, '20s', from(home), from(newYork)),
    ['impossible-travel', 'two-places'],
  ],
  [
    'owner and thief in turn, with the same browser in one country',
    alternating(11, '20s', from(home), from(mobile)),
    ['two-places'],
  ],
  [
    'owner and thief in turn, with two browsers',
    [
      [null, from(home)],
      ['5s', from(mobile, browsers.edge)],
      ['5s', from(home)],
    ],
    ['agent-changed', 'two-places'],
  ],
  [
    'owner and thief in turn, with two versions of one browser',
    [
      [null, from(home, browsers.chromeUpdated)],
      ['20m', from(work, browsers.chromeUpdated)],
      ['20m', from(home)],
      ['5s', from(work, browsers.chromeUpdated)],
      ['5s', from(home)],
    ],
    ['two-places'],
  ],
  [
    'owner and thief in turn behind one address, where the thief looks like the phone that asks for the desktop page',
    alternating(11, '20s', from(home, browsers.iphone), from(home, browsers.iphoneAsDesktop)),
    ['two-places'],
  ],
  [
    'a week asleep, and awake in another browser elsewhere',
    [
      [null, from(home)],
      ['7d', from(work, browsers.firefox)],
    ],
    ['agent-changed', 'dormant-session'],
  ],
  [
    'a week asleep, and awake in an older version elsewhere',
    [
      [null, from(home)],
      ['7d', from(work, browsers.chromeOld)],
    ],
    ['agent-changed', 'dormant-session'],
  ],
]

async function tell(story: Story, setup: Parameters<typeof watchedWorld>[0] = {}, userId: string | null = 'ada') {
  const world = await watchedWorld(setup)
  const session = world.session(story[0]?.[1] ?? from(home), userId)
  for (const [index, [after, origin]] of story.entries()) {
    if (after) world.clock.advance(after)
    await world.use(session, origin, index >> 1)
  }
  assert.deepEqual(world.troubles, [])
  return world
}

describe('one session', () => {
  for (const [name, story] of [
    ...life,
    ['goes to and fro and settles', settled] as const,
    ['sleeps a week and wakes up at home in an older version, restored from a backup', restored] as const,
  ]) {
    it(`CS-T1: no alert for a session that ${name}`, async () => {
      assert.deepEqual((await tell(story)).hits(), [])
    })
    // Nobody can tell such a carrier from a thief without knowing that it is one carrier; docs/detectors.md says so.
    if (name.includes('of its carrier')) continue
    it(`CS-T1: no alert for a session that ${name}, by two nodes without a database`, async () => {
      assert.deepEqual((await tell(story, { geo: null, nodes: 2 })).hits(), [])
    })
  }

  for (const [name, story, found] of theft) {
    it(`CS-S8: ${name} → ${found.join(', ')}`, async () => {
      assert.deepEqual((await tell(story)).hits(), found)
    })
    it(`CS-S8: ${name} → ${found.join(', ')}, by two nodes of which each sees half`, async () => {
      assert.deepEqual((await tell(story, { nodes: 2 })).hits(), found)
    })
  }

  for (const [name, story] of theft) {
    it(`no alert when nobody is signed in, who could make as many as they like: ${name}`, async () => {
      assert.deepEqual((await tell(story, {}, null)).hits(), [])
    })
  }

  it('without a database thieves are found by their browsers, and by going to and fro', async () => {
    const cases: readonly (readonly [Story, readonly string[]])[] = [
      [
        [
          [null, from(home)],
          ['1m', from(home, browsers.edge)],
        ],
        ['agent-changed'],
      ],
      [
        [
          [null, from(home)],
          ['6m', from('198.51.100.1', browsers.chromeUpdated)],
        ],
        ['network-changed'],
      ],
      [alternating(11, '20s', from(home), from('198.51.100.1')), ['two-places']],
    ]
    for (const [story, found] of cases) assert.deepEqual((await tell(story, { geo: null })).hits(), found)
  })

  it('each new place of a session is told once, and what changed', async () => {
    const story: Story = [
      [null, from(home)],
      ['1m', from(work)],
      ['2m', from(work, browsers.chromeUpdated)],
      ['2m', from(work)],
      ['2m', from(home)],
      ['2m', from(mobile, browsers.edge)],
      ['2m', from(work)],
      ['2m', from(home, browsers.chromeUpdated)],
    ]
    const { told } = await tell(story)
    const changes = told.map(event => event.type === 'session.seen-elsewhere' && event.changed)
    assert.deepEqual(changes, [['network'], ['agent'], ['network', 'agent']])
  })

  it('who calls themselves something else each time fills no trail: five new places of a session are told in an hour', async () => {
    for (const userId of ['ada', null]) {
      const world = await watchedWorld()
      const session = world.session(from(home), userId)
      for (let n = 0; n < 100; n += 1) await world.use(session, from(home, `agent ${n}`))
      assert.equal(world.told.length, 5)
      world.clock.advance('3h')
      await world.use(session, from(work))
      assert.equal(world.told.length, 6)
    }
  })

  it('CS-T1: a phone’s page and the desktop page take three returns, of anybody', async () => {
    const world = await watchedWorld()
    const [page, desktop] = [from(home, browsers.iphone), from(home, browsers.iphoneAsDesktop)]
    const session = world.session(page)
    for (const [use, origin] of [page, desktop, page, desktop, page].entries()) {
      assert.deepEqual(world.alarms(), [], `before use ${use + 1}`)
      await world.use(session, origin)
      world.clock.advance('20s')
    }
    assert.deepEqual(world.alarms(), ['two-places'])
  })

  it('CS-T1: the desktop page comes from the same version of the browser', async () => {
    const world = await watchedWorld()
    const session = world.session(from(home, browsers.iphone))
    await world.use(session, from(home, browsers.iphone))
    await world.use(session, from(home, browsers.iphoneAsDesktop.replace('17.5', '16.6')))
    assert.deepEqual(world.hits(), ['agent-changed'])
  })

  it('a detection says whose session it is and what was seen, and the address as the privacy options have it', async () => {
    const { found, clock } = await tell([
      [null, from(home)],
      ['1m', from(tokyo)],
    ])
    const [detection] = found
    assert.ok(detection)
    const { sid, fingerprint, ...rest } = detection
    assert.equal(fingerprint, `impossible-travel:${sid}`)
    assert.deepEqual(rest, {
      detector: 'impossible-travel',
      at: clock.now(),
      severity: 'alert',
      userId: 'ada',
      address: `[${tokyo}]`,
      // Of somebody whom nobody knows yet.
      evidence: { between: 'one session', km: 8817, minutes: 1, countries: ['DE', 'JP'], tentative: true },
    })
  })

  it('a VPN of the company is named in relays, and then it is no journey', async () => {
    const story: Story = [
      [null, from(home)],
      ['1m', from(newYork)],
      ['5m', from(home)],
    ]
    assert.deepEqual((await tell(story)).hits(), ['impossible-travel'])
    assert.deepEqual((await tell(story, { options: { relays: [64_505] } })).hits(), [])
  })

  it('a network that the user came from before is no journey', async () => {
    const world = await watchedWorld()
    const first = world.session(from(home))
    await world.use(first, from(home))
    world.clock.advance('10h')
    await world.use(first, from(newYork))
    world.clock.advance('3d')
    const second = world.session(from(home))
    await world.use(second, from(home))
    world.clock.advance('1m')
    await world.use(second, from(newYork))
    assert.deepEqual(world.hits(), [])
  })

  it('each detector can be switched off', async () => {
    const off = { 'impossible-travel': false, 'two-places': false } as const
    assert.deepEqual((await tell(alternating(6, '20s', from(home), from(tokyo)), { options: off, geo })).hits(), [])
  })
})

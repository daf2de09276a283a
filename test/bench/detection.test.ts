import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { DetectorName } from 'latchkey/watch'
import { type Attack, alertsOf, falseAlarms, type Hit, isAbout, scores } from '../../bench/detection/judgement.ts'
import { life, newKeyId, newPerson } from '../../bench/detection/people.ts'
import { day, hour, minute, Simulation, type Story, second } from '../../bench/detection/simulation.ts'
import { type From, Visitor } from '../../bench/detection/visitor.ts'

const monday = Date.parse('2027-01-04T00:00:00Z')
const thief: From = { address: '198.51.100.7', userAgent: 'curl/8.11.0' }
const owner: From = { address: '203.0.113.9', userAgent: 'Mozilla/5.0 (X11; rv:145.0) Gecko/20100101 Firefox/145.0' }

/** Three days of forty people; whatever else happens is up to `plan`. */
async function threeDays(seed: string, plan: (simulation: Simulation) => void = () => {}): Promise<Simulation> {
  const simulation = new Simulation(seed, monday, 3)
  const people = Array.from({ length: 40 }, (_, number) => newPerson(number, simulation))
  for (const person of people) simulation.begin(simulation.startsAt, life(person, simulation))
  plan(simulation)
  await simulation.run(() => {})
  return simulation
}

/** Random tokens of the right shape, one after the other. */
async function* guessing(simulation: Simulation): Story {
  for (let n = 0; n < 200; n += 1) {
    const token = `${newKeyId(simulation.random)}.${simulation.random.bytes(64).toString('base64url')}`
    await new Visitor(simulation, token).see(thief)
    yield second
  }
}

/** Somebody at work for an hour, and a copy of their first cookie that turns up later. */
async function* replay(simulation: Simulation): Story {
  const visitor = new Visitor(simulation)
  await visitor.post(owner, session => session.signIn('victim', { amr: ['pwd'] }))
  const copy = new Visitor(simulation, visitor.token)
  for (let n = 0; n < 30; n += 1) {
    yield 2 * minute
    await visitor.see(owner)
  }
  assert.notEqual(visitor.token, copy.token, 'the token has been replaced')
  await copy.see(thief)
}

/** What was found, without the names that alerts have by chance. */
function found({ hits }: Simulation): readonly unknown[] {
  const alerts = [...new Set(hits.map(({ alert }) => alert))]
  return hits.map(hit => ({ ...hit, alert: alerts.indexOf(hit.alert) }))
}

describe('The simulator of the detection bench', () => {
  it('raises an alert about guessed tokens and about a replayed one, and about people living their lives, few', async () => {
    const { hits, done } = await threeDays('test', simulation => {
      simulation.begin(simulation.startsAt + 2 * day + 9 * hour, guessing(simulation))
      simulation.begin(simulation.startsAt + 2 * day + 11 * hour, replay(simulation))
    })
    const alerts = alertsOf(hits)
    assert.ok(alerts.some(({ detector, address }) => detector === 'token-guessing' && address === thief.address))
    assert.ok(alerts.some(({ detector, userId }) => detector === 'token-replay' && userId === 'victim'))
    assert.ok(done.requests > 500 && done.sessions > 40, JSON.stringify(done))
    const others = alerts.filter(({ address, userId }) => address !== thief.address && userId !== 'victim')
    assert.ok(others.length <= 5, JSON.stringify(others))
  })

  it('finds nothing like that where nobody attacks', async () => {
    const { hits } = await threeDays('test')
    const kinds: readonly DetectorName[] = ['token-guessing', 'token-replay', 'forged-token', 'password-stuffing']
    assert.deepEqual(
      alertsOf(hits).filter(({ detector }) => kinds.includes(detector)),
      [],
    )
  })

  it('lives the same life again with the same seed, and another one with another', async () => {
    const attacked = (seed: string) =>
      threeDays(seed, simulation => {
        simulation.begin(simulation.startsAt + day, guessing(simulation))
        simulation.begin(simulation.startsAt + day, replay(simulation))
      })
    const [one, again, other] = [await attacked('a'), await attacked('a'), await attacked('b')]
    assert.deepEqual(found(again), found(one))
    assert.deepEqual(again.done, one.done)
    assert.notDeepEqual(other.done, one.done)
  })
})

const now = monday

function hit(changed: Partial<Hit>): Hit {
  return {
    ...{ detector: 'two-places', at: now + minute, sid: null, userId: null, address: null, alert: 'one', evidence: {} },
    ...changed,
  } as Hit
}

function attack(changed: Partial<Attack> = {}): Attack {
  return {
    ...{ kind: 'two-places', variant: 'made up', startedAt: now, endedAt: now + hour },
    ...{ sids: new Set(['S']), users: new Set(['ada']), addresses: new Set([thief.address]) },
    ...changed,
  }
}

const late = now + hour + 30 * minute
const about: readonly (readonly [what: string, hit: Partial<Hit>, attack: Partial<Attack>, isAbout: boolean])[] = [
  ['its session', { sid: 'S' }, {}, true],
  ['its session, a week later', { sid: 'S', at: now + 7 * day }, {}, true],
  ['its session, before it began', { sid: 'S', at: now - 1 }, {}, false],
  ['another session', { sid: 'T' }, {}, false],
  ['its user, meanwhile', { userId: 'ada' }, {}, true],
  ['its user, in another session', { userId: 'ada', sid: 'T' }, {}, true],
  ['its user, the next morning', { userId: 'ada', at: now + hour + 20 * hour }, {}, true],
  ['its user, a week later', { userId: 'ada', at: now + 7 * day }, {}, false],
  ['another user', { userId: 'grace' }, {}, false],
  ['its address, soon after', { address: thief.address, at: late }, {}, true],
  ['its address, later', { address: thief.address, at: late + 1 }, {}, false],
  ['another address', { address: owner.address }, {}, false],
  ['nobody, found by the detector of its kind', {}, {}, true],
  ['nobody, found by another', { detector: 'session-flooding' }, {}, false],
  [
    'nobody, by the other detector of passwords',
    { detector: 'password-spraying' },
    { kind: 'password-stuffing' },
    true,
  ],
  [
    'nobody, by passwords, while tokens are guessed',
    { detector: 'password-spraying' },
    { kind: 'token-guessing' },
    false,
  ],
]

describe('The judgement of the detection bench', () => {
  for (const [what, ofHit, ofAttack, expected] of about) {
    it(`a hit on ${what} is ${expected ? '' : 'not '}about the attack`, () => {
      assert.equal(isAbout(hit(ofHit), attack(ofAttack)), expected)
    })
  }

  it('counts hits of one alert once, and hits without one not at all', () => {
    const hits = [hit({ alert: 'a' }), hit({ alert: 'b' }), hit({ alert: 'a', at: now + hour }), hit({ alert: null })]
    assert.deepEqual(alertsOf(hits), [hits[0], hits[1]])
  })

  it('takes for false alarms what is about no attack', () => {
    const [right, wrong] = [hit({ alert: 'a', sid: 'S' }), hit({ alert: 'b', sid: 'T' })]
    assert.deepEqual(falseAlarms([right, wrong], [attack()]), [wrong])
    assert.deepEqual(falseAlarms([right, wrong], []), [right, wrong])
    assert.deepEqual(falseAlarms([], [attack()]), [])
  })

  it('scores a detector by the attacks of its kind, and an alert by any attack', () => {
    const attacks = [
      attack(),
      attack({ sids: new Set(['T']), users: new Set(), addresses: new Set() }),
      attack({ sids: new Set(['U']), users: new Set(), addresses: new Set() }),
      attack({ kind: 'token-replay', sids: new Set(['V']), users: new Set(), addresses: new Set() }),
    ]
    const hits = [
      hit({ alert: 'a', sid: 'S', at: now + 5 * minute }),
      hit({ alert: 'b', sid: 'S', at: now + 6 * minute }),
      hit({ alert: 'c', detector: 'token-replay', sid: 'T' }),
      hit({ alert: 'd', sid: 'V', at: now + 2 * minute }),
      hit({ alert: 'e', sid: 'nobody’s' }),
    ]
    assert.deepEqual(scores(['two-places', 'token-replay', 'csrf-probing'], hits, attacks), [
      {
        ...{ detector: 'two-places', attacks: 3, caught: 1, caughtByOthers: 1 },
        ...{ alerts: 4, right: 3, delaysMs: [5 * minute] },
      },
      {
        ...{ detector: 'token-replay', attacks: 1, caught: 0, caughtByOthers: 1 },
        ...{ alerts: 1, right: 1, delaysMs: [] },
      },
      { ...{ detector: 'csrf-probing', attacks: 0, caught: 0, caughtByOthers: 0 }, alerts: 0, right: 0, delaysMs: [] },
    ])
  })
})

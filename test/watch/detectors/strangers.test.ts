/** Strangers have as many sessions, user agents and addresses of a /64 as they like. What they do from one line is one alert. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RequestOrigin } from '../../../src/session/events.ts'
import { browsers, from, type Happening, watchedWorld } from './watched-world.ts'

const v4 = '10.6.0.66'
const inOne64 = (n: number) => from(`2001:db8:1:1::${(n + 1).toString(16)}`)
const in64s = (n: number) => from(`2001:db8:1:${(n + 1).toString(16)}::1`)
const sid = (n: number) => `guest-${n}`

/** What is done again and again, by a program with another name and another session each time. */
const deeds: readonly (readonly [
  found: string,
  deed: (n: number, origin: RequestOrigin) => Happening,
  each: number,
])[] = [
  ['forged-token', (n, origin) => ({ type: 'token.forged', token: `${n}`, key: 'ours', named: 'key', origin }), 4],
  ['forged-token', (_, origin) => ({ type: 'access-token.refused', reason: 'untrusted', origin }), 6],
  ['csrf-probing', (n, origin) => ({ type: 'request.refused', reason: 'csrf-token-invalid', sid: sid(n), origin }), 6],
  ['binding-failure', (n, origin) => ({ type: 'token.misplaced', sid: sid(n), origin }), 2],
  ['token-replay', (n, origin) => ({ type: 'token.replayed', sid: sid(n), origin }), 1],
  ['use-after-end', (n, origin) => ({ type: 'token.used-after-end', reason: 'revoked', sid: sid(n), origin }), 11],
]

describe('strangers', () => {
  for (const [detector, deed, each] of deeds) {
    const [{ type }] = [deed(0, from(v4))]
    it(`what they do from one address is one alert of ${detector}, whatever they call themselves (${type})`, async () => {
      const world = await watchedWorld()
      for (let n = 0; n < 20; n += 1) await world.event(deed(n, from(v4, `agent ${n}`)), { times: each })
      const fingerprints = world.found
        .filter(found => found.detector === detector)
        .map(({ fingerprint }) => fingerprint)
      assert.equal(new Set(fingerprints).size, 1)
    })
  }

  it('a user’s session is told by itself, behind one address, too', async () => {
    const world = await watchedWorld()
    for (let n = 0; n < 3; n += 1)
      await world.event({ type: 'token.replayed', sid: `user-${n}`, userId: 'ada', origin: from(v4) })
    assert.equal(new Set(world.found.map(({ fingerprint }) => fingerprint)).size, 3)
  })

  const crowds: readonly (readonly [
    name: string,
    found: string,
    deed: (n: number, origin: RequestOrigin) => Happening,
  ])[] = [
    ['sessions of guests', 'session-flooding', (_, origin) => ({ type: 'session.created', origin })],
    [
      'tokens of no key',
      'token-guessing',
      (n, origin) => ({ type: 'token.forged', token: `${n}`, key: 'unknown', named: 'key', origin }),
    ],
    [
      'forged requests',
      'csrf-probing',
      (_, origin) => ({ type: 'request.refused', reason: 'csrf-token-invalid', origin }),
    ],
    [
      'tokens of sessions that are over',
      'use-after-end',
      (n, origin) => ({ type: 'token.used-after-end', reason: 'signed-out', sid: sid(n), origin }),
    ],
  ]
  for (const [name, detector, deed] of crowds) {
    it(`${name} from 200 addresses of one /64 are ${detector} of one address, and from 200 lines are not`, async () => {
      const world = await watchedWorld()
      for (let n = 0; n < 200; n += 1) await world.event(deed(n, in64s(n)))
      assert.deepEqual(world.hits(), [])
      for (let n = 0; n < 200; n += 1) await world.event(deed(n + 200, inOne64(n)))
      assert.deepEqual(world.hits(), [detector])
      assert.equal(new Set(world.found.map(({ fingerprint }) => fingerprint)).size, 1)
      // Who investigates needs the address.
      assert.match(world.found[0]?.address ?? '', /^\[2001:db8:1:1::[0-9a-f]+\]$/)
    })
  }

  it('lists of passwords by two programs from many addresses are one alert of programs', async () => {
    const world = await watchedWorld()
    for (let n = 0; n < 120; n += 1) {
      const origin = from(`172.${16 + (n % 60)}.0.9`, `program ${Math.floor(n / 60)}`)
      await world.event({ type: 'sign-in.failed', account: `account-${n}`, origin })
    }
    const ofPrograms = world.found.filter(({ evidence }) => evidence.from === 'agent')
    assert.deepEqual([...new Set(ofPrograms.map(({ fingerprint }) => fingerprint))], ['password-stuffing:agent'])
  })

  it('a list of passwords from the addresses of one /64 is stuffing from one address', async () => {
    const world = await watchedWorld()
    for (let n = 0; n < 12; n += 1)
      await world.event({
        type: 'sign-in.failed',
        account: `${n}`,
        origin: { ...inOne64(n), userAgent: browsers.curl },
      })
    assert.deepEqual(
      world.found.map(({ evidence }) => evidence.from),
      ['address'],
    )
  })
})

/** What happens around sign-ins, tokens and requests: ordinary crowds, and attacks. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { RequestOrigin } from '../../../src/session/events.ts'
import { browsers, from, type Happening, type WatchedWorld, watchedWorld } from './watched-world.ts'

const attacker = from('10.6.0.66', browsers.curl)
const school = (pupil: number) => from('10.4.0.1', pupil % 3 === 0 ? browsers.firefox : browsers.chrome)
const somewhere = (n: number) => from(`172.${16 + (n >> 8)}.${n & 255}.9`, browsers.chrome)
const signedIn = (userId: string, origin = from('10.1.0.5'), aal = 1): Happening => ({
  ...{ type: 'session.signed-in', amr: ['pwd'], aal, from: null, userId, origin },
  sid: Buffer.from(`${userId}${Math.random()}`).toString('base64url').slice(0, 22).padEnd(22, 'A'),
})
const failed = (account: string, origin = attacker): Happening => ({ type: 'sign-in.failed', account, origin })
const refusedFactor: Happening = {
  type: 'factor.refused',
  factor: 'totp',
  fault: 'wrong',
  userId: 'ada',
  origin: attacker,
}
const throttled: Happening = { type: 'factor.throttled', seconds: 2, userId: 'ada', origin: attacker }
const begun: Happening = { type: 'sign-in.begun', amr: ['pwd'], userId: 'ada', origin: attacker }
const forged = (token: number, origin = attacker, key: 'ours' | 'unknown' = 'ours', named = 'key'): Happening => ({
  ...{ type: 'token.forged', token: `token-${token}`, key, named, origin },
})
const forgedTokens = async (
  world: WatchedWorld,
  number: number,
  ...rest: [origin?: RequestOrigin, key?: 'ours' | 'unknown']
) => {
  for (let token = 0; token < number; token += 1) await world.event(forged(token, ...rest))
}
const suppressed = (
  type: Extract<Happening, { type: 'events.suppressed' }>['suppressed'],
  count: number,
): Happening => ({
  ...{ type: 'events.suppressed', suppressed: type, count },
})
const crossSite = (origin = attacker): Happening => ({ type: 'request.refused', reason: 'csrf-cross-site', origin })
const staleForm = (origin = attacker): Happening => ({ type: 'request.refused', reason: 'csrf-token-invalid', origin })

type Story = (world: WatchedWorld) => Promise<void>

const life: readonly (readonly [name: string, story: Story])[] = [
  ['somebody mistypes a password four times', world => world.event(failed('ada', from('10.1.0.5')), { times: 4 })],
  [
    'a school signs in behind one address, and one in eight mistypes',
    async world => {
      for (let pupil = 0; pupil < 400; pupil += 1) {
        if (pupil % 8 === 0) await world.event(failed(`pupil-${pupil}`, school(pupil)))
        await world.event(signedIn(`pupil-${pupil}`, school(pupil)))
      }
    },
  ],
  [
    'a Monday morning with ten times as many sign-ins as the night',
    async world => {
      for (let hour = 0; hour < 8; hour += 1) {
        for (let n = 0; n < 5; n += 1) await world.event(signedIn(`user-${n}`, somewhere(n)))
        await world.event(failed(`night-${hour}`, somewhere(hour)))
        world.clock.advance('1h')
      }
      for (let n = 0; n < 600; n += 1) {
        await world.event(signedIn(`user-${n}`, somewhere(n)))
        if (n % 6 === 0) await world.event(failed(`user-${n}`, somewhere(n)))
      }
    },
  ],
  [
    'somebody mistypes codes, gets in, and does it again the next minute',
    async world => {
      for (let day = 0; day < 3; day += 1) {
        await world.event(begun)
        await world.event(refusedFactor, { times: 4 })
        await world.event({ type: 'factor.passed', factor: 'totp', userId: 'ada', origin: attacker })
        world.clock.advance('1m')
      }
    },
  ],
  [
    'a class opens the shop behind one address',
    async world => {
      for (let pupil = 0; pupil < 60; pupil += 1) await world.event({ type: 'session.created', origin: school(pupil) })
    },
  ],
  [
    'everybody’s browser comes back in the morning with a token of yesterday',
    async world => {
      for (let n = 0; n < 300; n += 1) {
        const sid = `sid-${n}`
        await world.event({ type: 'token.used-after-end', reason: n % 2 === 0 ? 'idle' : null, sid, origin: school(1) })
      }
    },
  ],
  [
    'somebody ends the session of a laptop, which asks once more from another network',
    async world => {
      const session = world.session(from('10.1.0.5'))
      await world.use(session, from('10.1.0.5'))
      await world.event({ type: 'token.used-after-end', reason: 'revoked', sid: session.sid, origin: from('10.4.0.2') })
    },
  ],
  [
    'tabs from before the sign-in send stale forms',
    async world => {
      for (let n = 0; n < 40; n += 1) await world.event(staleForm(somewhere(n)))
    },
  ],
  [
    'a school’s browsers bring tokens of a removed secret',
    async world => {
      for (let n = 0; n < 30; n += 1) await world.event(forged(n, school(n), 'unknown'), { times: 4 })
    },
  ],
  [
    'browsers everywhere bring tokens of three removed secrets',
    async world => {
      for (let n = 0; n < 90; n += 1) await world.event(forged(n, somewhere(n), 'unknown', `key-${n % 3}`))
    },
  ],
  [
    'one broken cookie of ours is sent again and again, from wherever its phone is',
    async world => {
      for (let n = 0; n < 90; n += 1) await world.event(forged(1, somewhere(n)))
    },
  ],
  [
    'addresses are not to be known, and people have stale forms',
    async world => {
      for (let n = 0; n < 40; n += 1) await world.event(staleForm(from(null)))
    },
  ],
  [
    'one browser brings a token of a removed secret, four requests at once',
    world => world.event(forged(1), { times: 50 }),
  ],
  [
    'a client’s clock is wrong',
    world => world.event({ type: 'proof.refused', fault: 'untimely', sid: 'sid', origin: attacker }, { times: 50 }),
  ],
  [
    'an access token expires, again and again',
    world => world.event({ type: 'access-token.refused', reason: 'expired', origin: attacker }, { times: 50 }),
  ],
  [
    'somebody signs in and out all day',
    async world => {
      for (let n = 0; n < 30; n += 1) {
        const sid = `sid-${n}`
        await world.event({
          type: 'session.signed-in',
          amr: ['pwd'],
          aal: 1,
          from: null,
          sid,
          userId: 'ada',
          origin: school(1),
        })
        await world.event({ type: 'session.ended', reason: 'signed-out', sid, userId: 'ada', origin: school(1) })
        world.clock.advance('10m')
      }
    },
  ],
  [
    'somebody signs in on a laptop, a phone and a tablet',
    async world => {
      for (const agent of [browsers.chrome, browsers.iphone, browsers.firefox])
        await world.event(signedIn('ada', from('10.1.0.5', agent)))
    },
  ],
  [
    'somebody signs in at home and in the mobile network',
    async world => {
      await world.event(signedIn('ada', from('10.1.0.5')))
      await world.event(signedIn('ada', from('10.2.0.5', browsers.iphone)))
      await world.event(signedIn('ada', from('10.3.0.5', browsers.iphone)))
    },
  ],
]

const attacks: readonly (readonly [name: string, story: Story, found: readonly string[]])[] = [
  ['tokens are guessed', world => forgedTokens(world, 60), ['forged-token', 'token-guessing']],
  [
    'tokens are guessed from everywhere',
    async world => {
      for (let n = 0; n < 100; n += 1) await world.event(forged(n, somewhere(n)))
      await world.event(suppressed('token.forged', 400))
    },
    ['token-guessing'],
  ],
  [
    'tokens that name our key come from everywhere, one from each address',
    async world => {
      for (let n = 0; n < 8; n += 1) await world.event(forged(n, somewhere(n)))
    },
    ['token-guessing'],
  ],
  [
    'tokens that name a new key each time come from everywhere',
    async world => {
      for (let n = 0; n < 8; n += 1) await world.event(forged(n, somewhere(n), 'unknown', `key-${n}`))
    },
    ['token-guessing'],
  ],
  ['tokens of no key are guessed', world => forgedTokens(world, 60, attacker, 'unknown'), ['token-guessing']],
  [
    'so many failed sign-ins that they are only counted',
    world => world.event(suppressed('sign-in.failed', 400)),
    ['password-spraying'],
  ],
  ['a token is changed by hand, a few times', world => forgedTokens(world, 4), ['forged-token']],
  [
    'an access token with a foreign signature, a few times',
    world => world.event({ type: 'access-token.refused', reason: 'untrusted', origin: attacker }, { times: 6 }),
    ['forged-token'],
  ],
  [
    'a superseded token comes back',
    world => world.event({ type: 'token.replayed', sid: 'sid', userId: 'ada', origin: attacker }),
    ['token-replay'],
  ],
  [
    'so many replays that they are only counted',
    world => world.event(suppressed('token.replayed', 9)),
    ['token-replay'],
  ],
  [
    'a signed-out session is used from elsewhere',
    async world => {
      const session = world.session(from('10.1.0.5'))
      await world.use(session, from('10.1.0.5'))
      await world.event({
        type: 'token.used-after-end',
        reason: 'signed-out',
        sid: session.sid,
        origin: from('10.5.0.1'),
      })
    },
    ['use-after-end'],
  ],
  [
    'a session that timed out is used by another browser',
    async world => {
      const session = world.session(from('10.1.0.5'))
      await world.use(session, from('10.1.0.5'))
      await world.event({ type: 'token.used-after-end', reason: 'idle', sid: session.sid, origin: attacker })
    },
    ['use-after-end'],
  ],
  [
    'a session that is over is used again and again',
    world =>
      world.event({ type: 'token.used-after-end', reason: 'revoked', sid: 'sid', origin: attacker }, { times: 11 }),
    ['use-after-end'],
  ],
  [
    'many sessions that were signed out come from one address',
    async world => {
      for (let n = 0; n < 25; n += 1)
        await world.event({ type: 'token.used-after-end', reason: 'signed-out', sid: `sid-${n}`, origin: attacker })
    },
    ['use-after-end'],
  ],
  [
    'a flood of tokens of ended sessions',
    world => world.event(suppressed('token.used-after-end', 9_000)),
    ['use-after-end'],
  ],
  [
    'a list of passwords from one address',
    async world => {
      for (let n = 0; n < 15; n += 1) await world.event(failed(`account-${n}`))
    },
    ['password-stuffing'],
  ],
  [
    'a list of passwords from inside a busy school',
    async world => {
      for (let n = 0; n < 30; n += 1) await world.event(signedIn(`pupil-${n}`, school(n)))
      for (let n = 0; n < 100; n += 1) await world.event(failed(`account-${n}`, school(1)))
    },
    ['password-spraying', 'password-stuffing'],
  ],
  [
    'a list of passwords from the addresses of one network',
    async world => {
      for (let n = 0; n < 30; n += 1) await world.event(failed(`account-${n}`, from(`10.6.0.${n}`)))
    },
    ['password-stuffing'],
  ],
  [
    'a list of passwords by one program from many addresses',
    async world => {
      for (let n = 0; n < 60; n += 1)
        await world.event(failed(`account-${n}`, { ...somewhere(n), userAgent: 'python-requests/2.31' }))
    },
    ['password-spraying', 'password-stuffing'],
  ],
  [
    'one try at each of many accounts, from many addresses, with a common browser',
    async world => {
      for (let n = 0; n < 60; n += 1) await world.event(signedIn(`user-${n}`, somewhere(n)))
      world.clock.advance('1h')
      for (let n = 0; n < 20; n += 1) await world.event(signedIn(`user-${n}`, somewhere(n)))
      for (let n = 0; n < 120; n += 1) await world.event(failed(`account-${n}`, somewhere(n)))
    },
    ['password-spraying', 'password-stuffing'],
  ],
  [
    'one account from many places',
    async world => {
      for (let n = 0; n < 9; n += 1) await world.event(failed('ada', somewhere(n)))
    },
    ['password-spraying'],
  ],
  ['one account, very often', world => world.event(failed('ada'), { times: 40 }), ['password-spraying']],
  [
    'codes are guessed',
    async world => {
      await world.event(refusedFactor, { times: 5 })
      await world.event(throttled, { times: 4 })
    },
    ['second-factor-bombing'],
  ],
  ['the owner is worn out with prompts', world => world.event(begun, { times: 6 }), ['second-factor-bombing']],
  [
    'sessions without end from one address',
    world => world.event({ type: 'session.created', origin: attacker }, { times: 200 }),
    ['session-flooding'],
  ],
  [
    'an account with too many sessions',
    async world => {
      for (let n = 0; n < 14; n += 1) await world.event(signedIn('ada'))
    },
    ['too-many-sessions'],
  ],
  [
    'an account with too many sessions, of which the policy keeps three',
    async world => {
      for (let n = 0; n < 14; n += 1) {
        const user = { userId: 'ada', origin: attacker }
        await world.event({ ...user, ...signedIn('ada'), sid: `sid-${n}` })
        await world.event({ ...user, type: 'session.ended', reason: 'evicted', sid: `sid-${n - 3}` })
      }
    },
    ['too-many-sessions'],
  ],
  ['one client sends forged requests', world => world.event(staleForm(), { times: 6 }), ['csrf-probing']],
  [
    'another site sends people’s browsers',
    async world => {
      for (let n = 0; n < 6; n += 1) await world.event(crossSite(somewhere(n)))
    },
    ['csrf-probing'],
  ],
  ['a flood of refused requests', world => world.event(suppressed('request.refused', 3_000)), ['csrf-probing']],
  [
    'a token is proved with another key',
    world => world.event({ type: 'proof.refused', fault: 'other-key', sid: 'sid', origin: attacker }),
    ['binding-failure'],
  ],
  [
    'a bound token comes as a plain one',
    world => world.event({ type: 'access-token.refused', reason: 'proof', sid: 'sid', origin: attacker }, { times: 3 }),
    ['binding-failure'],
  ],
  [
    'a refresh token comes as a cookie',
    world => world.event({ type: 'token.misplaced', sid: 'sid', origin: attacker }, { times: 3 }),
    ['binding-failure'],
  ],
  [
    'sign-ins of one user on two sides of the world',
    async world => {
      await world.event(signedIn('ada', from('10.1.0.5')))
      world.clock.advance('5m')
      await world.event(signedIn('ada', from('10.6.0.5')))
    },
    ['impossible-travel'],
  ],
]

describe('crowds and attacks', () => {
  for (const [name, story] of life) {
    it(`no alert when ${name}`, async () => {
      const world = await watchedWorld()
      await story(world)
      assert.deepEqual(world.hits(), [])
      assert.deepEqual(world.troubles, [])
    })
  }
  for (const [name, story, found] of attacks) {
    it(`${name} → ${found.join(', ')}`, async () => {
      const world = await watchedWorld()
      await story(world)
      assert.deepEqual(world.hits(), found)
      assert.deepEqual(world.troubles, [])
    })
  }
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { SignInOptions } from 'latchkey'
import type { BearerRequirements } from 'latchkey/bearer'
import { memoryStore } from 'latchkey/stores/memory'
import { sealedStore } from 'latchkey/stores/sealed'
import { call, requestOf, signIn, startApi } from '../actors/api.ts'
import { Browser, type Handler } from '../actors/browser.ts'
import { type Server, startServer } from '../actors/server.ts'

const minute = 60_000

/** What a route may want of whoever comes, however they come. */
type Guard = 'a user' | 'level 2' | 'fresh' | 'fresh and level 2'
const guards: readonly Guard[] = ['a user', 'level 2', 'fresh', 'fresh and level 2']

const cookieGuards: Readonly<Record<Guard, Handler<unknown>>> = {
  'a user': (_, exchange) => exchange.requireUser(),
  'level 2': (_, exchange) => exchange.requireLevel(2),
  fresh: (_, exchange) => exchange.requireFresh(5 * minute),
  'fresh and level 2': (_, exchange) => exchange.requireFresh(5 * minute, { level: 2 }),
}

const bearerGuards: Readonly<Record<Guard, BearerRequirements>> = {
  'a user': {},
  'level 2': { level: 2 },
  fresh: { maxAge: '5m' },
  'fresh and level 2': { maxAge: '5m', level: 2 },
}

/** What was proved, and when: methods (RFC 8176) by ms since the sign-in. */
type Proofs = readonly (readonly [at: number, amr: readonly string[]])[]

/** What somebody proved, when they come, and what lets them through. Nobody's way in is part of it. */
const stories: readonly (readonly [proofs: Proofs, at: number, opens: readonly Guard[]])[] = [
  [[[0, ['pwd']]], 0, ['a user', 'fresh']],
  [[[0, ['pwd']]], 6 * minute, ['a user']],
  [[[0, ['pwd', 'pin']]], 0, ['a user', 'fresh']],
  [[[0, ['pwd', 'otp']]], 0, guards],
  [[[0, ['pwd', 'otp']]], 6 * minute, ['a user', 'level 2']],
  [[[0, ['swk', 'user']]], 0, ['a user', 'fresh']],
  [[[0, ['swk', 'user', 'mfa']]], 0, guards],
  [[[0, ['swk', 'user', 'mfa']]], 6 * minute, ['a user', 'level 2']],
  [
    [
      [0, ['pwd']],
      [4 * minute, ['otp']],
    ],
    4 * minute,
    guards,
  ],
  [
    [
      [0, ['pwd']],
      [4 * minute, ['otp']],
    ],
    6 * minute,
    ['a user', 'level 2', 'fresh'],
  ],
  [
    [
      [0, ['pwd', 'otp']],
      [6 * minute, ['pwd']],
    ],
    6 * minute,
    ['a user', 'level 2', 'fresh'],
  ],
  [
    [
      [0, ['pwd', 'otp']],
      [6 * minute, ['pwd', 'otp']],
    ],
    6 * minute,
    guards,
  ],
]

/** A way in: lets somebody prove, and says then which guards let them through. */
interface Door {
  prove(amr: readonly string[], first: boolean): Promise<void>
  opens(guard: Guard): Promise<boolean>
}

type Options = Partial<SignInOptions>

const doors: Readonly<Record<string, (server: Server) => Door>> = {
  'the cookie': server => cookieDoor(server, {}),
  'a remembered cookie': server => cookieDoor(server, { persistent: true }),
  'a sign-in in two steps': server => cookieDoor(server, {}, inTwoSteps),
  'a remembered sign-in in two steps': server => cookieDoor(server, { persistent: true }, inTwoSteps),
  'a bearer token': bearerDoor,
}

const stores = {
  records: () => memoryStore(),
  'sealed cookies': () => sealedStore(),
  'sealed cookies with a list': () => sealedStore({ revocations: memoryStore() }),
} as const

for (const [store, open] of Object.entries(stores)) {
  for (const [door, enter] of Object.entries(doors)) {
    // They need a record.
    if (door === 'a bearer token' && store !== 'records') continue
    describe(`T14 equal doors: ${door}, over ${store}`, () => {
      for (const [proofs, at, opens] of stories) {
        it(`ASVS 6.3.4: ${told(proofs)}, at ${at / minute} minutes: opens ${opens.join(', ')}`, async () => {
          const server = startServer({ store: open() })
          const began = server.clock.now()
          const person = enter(server)
          for (const [index, [when, amr]] of proofs.entries()) {
            server.clock.set(began + when)
            await person.prove(amr, index === 0)
          }
          server.clock.set(began + at)
          const opened: Guard[] = []
          for (const guard of guards) if (await person.opens(guard)) opened.push(guard)
          assert.deepEqual(opened, opens)
          await server.sessions.close()
        })
      }
    })
  }
}

type SignIn = (browser: Browser, amr: readonly string[], options: Options) => Promise<{ status: number }>

function cookieDoor(server: Server, options: Options, enter: SignIn = inOneStep): Door {
  const browser = new Browser(server)
  return {
    async prove(amr, first) {
      const { status } = await (first ? enter(browser, amr, options) : browser.send(session => session.stepUp({ amr })))
      assert.equal(status, 200)
    },
    opens: async guard => {
      const { status } = await browser.send(cookieGuards[guard], { method: 'GET' })
      assert.ok(status === 200 || status === 401)
      return status === 200
    },
  }
}

function inOneStep(browser: Browser, amr: readonly string[], options: Options) {
  return browser.signIn('alice', { ...options, amr })
}

/** The first method begins, the others complete; between them nothing opens. */
async function inTwoSteps(browser: Browser, [first = '', ...others]: readonly string[], options: Options) {
  if (others.length === 0) return inOneStep(browser, [first], options)
  await browser.send(session => session.beginSignIn('alice', { ...options, amr: [first] }))
  for (const guard of guards) assert.equal((await browser.send(cookieGuards[guard])).status, 401, guard)
  return browser.send(session => session.completeSignIn({ amr: others }))
}

function bearerDoor(server: Server): Door {
  const api = startApi({}, server)
  let tokens = { access_token: '', refresh_token: '' }
  return {
    async prove(amr, first) {
      const facts = requestOf({ method: 'POST', target: '/api/step-up' })
      const answer = first
        ? await signIn(api, 'alice', { amr })
        : await api.bearer.stepUp(facts, tokens.refresh_token, { amr })
      assert.ok(answer)
      tokens = answer
    },
    async opens(guard) {
      const { status } = await call(api, tokens.access_token, bearerGuards[guard])
      assert.ok(status === 200 || status === 401)
      return status === 200
    },
  }
}

function told(proofs: Proofs): string {
  return proofs.map(([at, amr]) => `${amr.join(' and ')} at ${at / minute}`).join(', ')
}

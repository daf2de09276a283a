import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { EventType, SessionStore } from 'latchkey'
import type { TokenAnswer } from 'latchkey/bearer'
import { createFactors, type Factors } from 'latchkey/mfa'
import { memoryFactors } from 'latchkey/mfa/stores/memory'
import { createKeyRing } from '../../src/session/key-ring.ts'
import { newSecret, newSid, writeToken } from '../../src/session/token.ts'
import { type Api, call, issuer, requestOf, signIn, startApi } from './api.ts'
import { Browser, type Circumstances, cookieName, type Handler, type Reply } from './browser.ts'
import { createProof, newProofKeys } from './dpop-client.ts'
import { type AuthenticatorApp, appWith, wrongCode } from './second-factors.ts'
import { type Server, type ServerOptions, startServer } from './server.ts'

/** A store that does what a test tells it: fail, or give back damaged records. */
export interface MoodyStore extends SessionStore {
  mood: 'well' | 'dead' | 'garbling'
}

export function moodyStore(store: SessionStore): MoodyStore {
  const moody = {
    mood: 'well',
    name: store.name,
    persistent: store.persistent,
    read: async sid => {
      const record = await store.read(sid)
      return moody.mood === 'garbling' && record ? { ...record, body: record.body.slice(0, -20) } : record
    },
  } as MoodyStore
  return new Proxy(moody, {
    get(target, property: keyof MoodyStore) {
      if (property === 'mood' || property === 'name' || property === 'persistent') return target[property]
      if (property === 'caches' || property === 'carried' || property === 'directory') return store[property]
      if (target.mood === 'dead' && property !== 'close') return () => Promise.reject(new Error('disk on fire'))
      return property === 'read' ? target.read : (store[property] as () => unknown).bind(store)
    },
  })
}

/** A server with everything on, its store, and every browser that came along, so that a test can search it all. */
export class World {
  readonly store: MoodyStore
  readonly server: Server
  readonly replies: Reply<unknown>[] = []
  readonly csrfTokens: string[] = []
  readonly bearerTokens: string[] = []
  /** What is shown to a user once: seeds of authenticator apps, recovery codes. */
  readonly factorSecrets: string[] = []
  #api: Api | null = null
  #factors: Factors | null = null

  constructor(store: SessionStore, options: ServerOptions = {}) {
    this.store = moodyStore(store)
    this.server = startServer({ store: this.store, csrf: { token: true }, policy: { maxSessions: 2 }, ...options })
  }

  /** Sends a request as a good page does, with its CSRF token. */
  async send<Body>(browser: Browser, handler: Handler<Body>, how: Circumstances = {}): Promise<Reply<Body>> {
    const page = await browser.send(
      async (session, exchange) => (await session.load({ activity: false })) && exchange.csrfToken(),
      { method: 'GET', lost: true },
    )
    if (page.body) this.csrfTokens.push(page.body)
    const reply = await browser.send(handler, { ...how, headers: { 'x-csrf-token': page.body ?? '', ...how.headers } })
    this.replies.push(reply)
    return reply
  }

  /** The world's API, with its keys. */
  api(): Api {
    this.#api ??= startApi({}, this.server)
    return this.#api
  }

  /** A program that is signed in as alice. */
  async program(): Promise<TokenAnswer> {
    const answer = await signIn(this.api(), 'alice')
    this.bearerTokens.push(answer.access_token, answer.refresh_token)
    return answer
  }

  /** The world's second factors. */
  factors(): Factors {
    this.#factors ??= createFactors(this.server.sessions, { store: memoryFactors(), issuer: 'Campus' })
    return this.#factors
  }

  /** Alice sets up an authenticator app. */
  async withApp(): Promise<AuthenticatorApp> {
    const factors = this.factors()
    let app: AuthenticatorApp | null = null
    await this.send(await this.signedIn(), async session => {
      const { uri, secret, ticket } = await factors.beginTotp(session, 'alice@campus.example')
      this.factorSecrets.push(secret, ticket)
      app = appWith(uri, this.server.clock)
      return factors.confirmTotp(session, ticket, app.code(), 'My phone')
    })
    assert.ok(app)
    this.server.clock.advance('30s')
    return app
  }

  /** Somebody who passed alice's first factor types a code. */
  async typesCode(code: string): Promise<void> {
    const browser = new Browser(this.server)
    await this.send(browser, session => session.beginSignIn('alice', { amr: ['pwd'] }))
    await this.send(browser, async session => {
      await session.load()
      const origin = { address: '192.0.2.1', userAgent: 'Test/1.0' }
      return this.factors().checkCode({ userId: session.pending?.userId ?? '', device: null, origin }, code)
    })
  }

  async signedIn(user = 'alice'): Promise<Browser> {
    this.server.clock.advance('1s')
    const browser = new Browser(this.server)
    await this.send(browser, session => session.signIn(user, { amr: ['pwd'] }))
    await this.send(browser, async session => {
      await session.load()
      session.data.diary = 'dear diary'
    })
    return browser
  }
}

/** For every kind of event a story in which it happens. */
export const stories: Record<EventType, (world: World) => Promise<unknown>> = {
  'session.created': world =>
    world.send(new Browser(world.server), async s => Object.assign((await s.load()).data, { n: 1 })),
  'session.signed-in': world => world.signedIn(),
  'session.stepped-up': async world => world.send(await world.signedIn(), session => session.stepUp({ amr: ['otp'] })),
  'sign-in.begun': world => world.send(new Browser(world.server), s => s.beginSignIn('alice', { amr: ['pwd'] })),
  'sign-in.failed': async world => {
    const fail: Handler<unknown> = async session => session.signInFailed('Alice ', { userId: 'alice' })
    await world.send(new Browser(world.server), fail)
  },
  'session.locked': async world => {
    const browser = await world.signedIn()
    const { body } = await browser.see()
    await world.server.sessions.lock(body?.id ?? '')
  },
  'session.unlocked': async world => {
    const { store, server, replies } = world
    const locking = startServer({
      ...{ secrets: [server.secret], store, clock: server.clock, policy: { atIdle: 'lock' } },
      onEvent: event => server.events.push(event),
    })
    const browser = new Browser(locking)
    replies.push(await browser.signIn('alice'))
    server.clock.advance('15m')
    replies.push(await browser.send(session => session.stepUp({ amr: ['pwd'] })))
  },
  'confirmation.opened': async world => world.send(await world.signedIn(), s => s.confirm('change e-mail', 'new')),
  'confirmation.redeemed': async world => {
    const confirmAndRedeem: Handler<unknown> = async session => {
      const { id } = await session.confirm('change e-mail', 'new')
      await session.redeem(id, 'change e-mail', 'new', { amr: ['pwd'] })
    }
    await world.send(await world.signedIn(), confirmAndRedeem)
  },
  'confirmation.refused': async world => {
    const browser = await world.signedIn()
    const refused: Handler<unknown>[] = [
      session => session.redeem('unknown', 'change e-mail', 'new', { amr: ['pwd'] }),
      async session => {
        const { id } = await session.confirm('change e-mail', 'new')
        await session.redeem(id, 'change e-mail', 'another', { amr: ['pwd'] })
      },
    ]
    for (const handler of refused) await world.send(browser, handler)
  },
  'factor.added': world => world.withApp(),
  'factor.removed': async world => {
    await world.withApp()
    world.factorSecrets.push(...(await world.factors().renewRecoveryCodes('alice')))
    for (const { id } of await world.factors().list('alice')) await world.factors().remove('alice', id)
  },
  'factor.passed': async world => world.typesCode((await world.withApp()).code()),
  'factor.refused': async world => world.typesCode(wrongCode(await world.withApp())),
  'factor.throttled': async world => {
    const wrong = wrongCode(await world.withApp())
    const isThrottled = () => world.server.events.some(({ type }) => type === 'factor.throttled')
    for (let n = 0; n < 100 && !isThrottled(); n += 1) await world.typesCode(wrong)
  },
  'session.rotated': async world => {
    const browser = await world.signedIn()
    world.server.clock.advance('10m')
    await world.send(browser, session => session.load(), { lost: true })
    await world.send(browser, session => session.load())
    await world.send(browser, session => session.load())
  },
  'session.ended': async world => {
    await world.send(await world.signedIn(), session => session.end())
    await world.signedIn('bob')
    await world.signedIn('bob')
    await world.signedIn('bob')
    world.server.clock.advance('15m')
    await world.server.sessions.sweep()
  },
  'sessions.ended-all': async world => {
    await world.signedIn()
    await world.server.sessions.endUser('alice')
    await world.server.sessions.endEverybody()
  },
  'token.used-after-end': async world => {
    const browser = await world.signedIn()
    const copy = browser.thief()
    await world.send(browser, session => session.end())
    await world.send(copy, session => session.load())
    const ring = createKeyRing([world.server.secret])
    copy.token = writeToken(ring.newest, newSid(randomBytes, 'alice'), newSecret(randomBytes))
    await world.send(copy, session => session.load())
  },
  'token.replayed': async world => {
    const browser = await world.signedIn()
    const thief = browser.thief()
    await world.send(browser, session => session.rotate())
    world.server.clock.advance('1m')
    await thief.see()
  },
  'token.forged': async world => {
    const browser = await world.signedIn()
    const { token } = browser
    for (const forged of [
      `${token}x`,
      token?.slice(0, -2),
      token?.replace(/.$/, 'x'),
      'nonsense',
      `x${token?.slice(1)}`,
    ])
      await world.send(browser, session => session.load(), { token: forged ?? '' })
  },
  'token.misplaced': async world => {
    const { refresh_token: token } = await world.program()
    await world.send(new Browser(world.server), session => session.load(), { token })
  },
  'access-token.refused': async world => {
    const { access_token: token } = await world.program()
    const api = world.api()
    await call(api, `${token.slice(0, -8)}AAAAAAAA`)
    await world.server.sessions.endUser('alice')
    await call(api, token)
  },
  'proof.refused': async world => {
    const { bearer } = startApi({ dpop: {} }, world.server)
    const proof = await createProof(await newProofKeys(), { method: 'POST', url: `${issuer}/api/token`, now: 0 })
    const untimely = requestOf({ method: 'POST', target: '/api/token', headers: { dpop: proof } })
    await bearer.signIn(untimely, 'alice', { amr: ['pwd'] }).catch(() => {})
  },
  'cookie.duplicated': async world => {
    const browser = await world.signedIn()
    const cookie = `${cookieName}=${browser.token}; ${cookieName}=${browser.token}`
    await world.send(browser, session => session.load(), { headers: { cookie } })
  },
  'request.refused': async world => {
    const browser = await world.signedIn()
    const look: Handler<unknown> = session => session.load()
    await world.send(browser, look, { headers: { 'sec-fetch-site': 'cross-site' } })
    await world.send(browser, look, { headers: { 'x-csrf-token': '' } })
    await world.send(browser, look, { headers: { 'x-csrf-token': world.csrfTokens[0]?.replace(/.$/, '!') ?? '' } })
    await world.send(browser, (_, exchange) => exchange.requireFresh(1))
    await world.send(new Browser(world.server), (_, exchange) => exchange.requireUser())
  },
  'sign-in.refused': async world => {
    const generation = await world.server.sessions.generation('alice')
    await world.server.sessions.endUser('alice')
    await world.send(new Browser(world.server), session => session.signIn('alice', { amr: ['pwd'], generation }))
  },
  'record.corrupt': async world => {
    const browser = await world.signedIn()
    world.store.mood = 'garbling'
    await world.send(browser, session => session.load())
    world.store.mood = 'well'
  },
  'store.failed': async world => {
    const browser = await world.signedIn()
    const fresh = new Browser(world.server)
    const page = await browser.send(async (s, exchange) => (await s.load()) && exchange.csrfToken(), { method: 'GET' })
    const headers = { 'x-csrf-token': page.body ?? '' }
    world.store.mood = 'dead'
    for (const handler of [s => s.load(), s => s.end(), s => s.signIn('bob', { amr: ['pwd'] })] as Handler<unknown>[]) {
      world.replies.push(await browser.send(handler, { headers }), await fresh.send(handler))
    }
    world.store.mood = 'well'
    world.replies.push(
      await browser.send(
        async session => {
          await session.load()
          session.data.n = 1
          world.store.mood = 'dead'
        },
        { headers },
      ),
    )
    world.store.mood = 'well'
  },
  'events.suppressed': async world => {
    const browser = new Browser(world.server, 'forged')
    for (let n = 0; n < 150; n += 1) await browser.see()
    world.server.clock.advance('1s')
    await browser.see()
  },
}

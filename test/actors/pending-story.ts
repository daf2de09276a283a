import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Session } from 'latchkey'
import { hostOf } from '../../src/http/sessions.ts'
import { Browser, type Handler, type Reply } from './browser.ts'
import type { Data, Server } from './server.ts'

const minute = 60_000

/** Somebody passed the first factor of this user. */
export const begin =
  (userId: string): Handler<void> =>
  session =>
    session.beginSignIn(userId, { amr: ['pwd'] })
/** They passed the second one. */
export const complete: Handler<void> = session => session.completeSignIn({ amr: ['otp'] })

/** What a page may know, and who waits for a second factor. */
export async function look(session: Session<Data>) {
  await session.load()
  const { userId, pending, id } = session
  return { id, userId, pending: pending?.userId ?? null, data: structuredClone(session.data) }
}

const who = fc.constantFrom(0, 1, 2)
const user = fc.constantFrom('alice', 'bob')
const action = fc.constantFrom('complete', 'complete', 'stepUp', 'see', 'put', 'challenge', 'rotate', 'end')
const waitMs = fc
  .tuple(fc.constantFrom(1_000, minute, 4 * minute, 10 * minute, 15 * minute), fc.constantFrom(-1, 0, 1))
  .map(([ms, more]) => ms + more)

type Action = 'complete' | 'stepUp' | 'see' | 'put' | 'challenge' | 'rotate' | 'end'
type Step =
  | { step: 'begin'; who: number; user: string }
  | { step: 'act'; who: number; action: Action }
  | { step: 'old'; back: number; action: Action }
  | { step: 'signIn'; who: number; user: string }
  | { step: 'steal'; who: number; from: number }
  | { step: 'wait'; ms: number }
  | { step: 'endUser'; user: string | null; during: number | null }
  | { step: 'race'; who: number; actions: Action[] }

/** What happens next. */
export const pendingStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ step: fc.constant('begin'), who, user }) },
  { weight: 12, arbitrary: fc.record({ step: fc.constant('act'), who, action }) },
  { weight: 4, arbitrary: fc.record({ step: fc.constant('old'), back: fc.nat({ max: 6 }), action }) },
  { weight: 1, arbitrary: fc.record({ step: fc.constant('signIn'), who, user }) },
  { weight: 3, arbitrary: fc.record({ step: fc.constant('steal'), who, from: who }) },
  { weight: 4, arbitrary: fc.record({ step: fc.constant('wait'), ms: waitMs }) },
  {
    weight: 2,
    arbitrary: fc.record({
      step: fc.constant('endUser'),
      user: fc.option(user),
      during: fc.option(who),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ step: fc.constant('race'), who, actions: fc.array(action, { minLength: 2, maxLength: 4 }) }),
  },
) as fc.Arbitrary<Step>

/** What a session was promised: whose it is, or whose it will be, if the second factor comes in time. */
interface Promised {
  readonly userId: string | null
  readonly pending: { readonly userId: string; readonly beganAt: number; readonly ends: number } | null
}

const nobodys: Promised = { userId: null, pending: null }

/**
 * The model is a ledger: each session is written down by its sid when an answer brings its token, with what its user had proved by
 * then. After each step every session in the store is compared with it.
 */
export class PendingStory {
  readonly server: Server
  readonly #browsers: readonly Browser[]
  readonly #promised = new Map<string, Promised>()
  readonly #completed = new Set<string>()
  readonly #tokens: string[] = []
  /** How often everything of a user was ended. */
  readonly #ends = new Map<string, number>()

  constructor(server: Server) {
    this.server = server
    this.#browsers = [new Browser(server), new Browser(server), new Browser(server)]
  }

  async play(step: Step): Promise<void> {
    switch (step.step) {
      case 'begin': {
        const reply = await this.#browser(step.who).send(begin(step.user))
        assert.equal(reply.status, 200)
        const pending = { userId: step.user, beganAt: this.server.clock.now(), ends: this.#endsOf(step.user) }
        this.#note(reply, { userId: null, pending })
        break
      }
      case 'signIn': {
        const reply = await this.#browser(step.who).signIn(step.user, { amr: ['pwd', 'otp'] })
        this.#note(reply, { userId: step.user, pending: null })
        break
      }
      case 'act':
        await this.#act(this.#browser(step.who), step.action)
        break
      case 'race': {
        const { token } = this.#browser(step.who)
        await Promise.all(step.actions.map(action => this.#act(new Browser(this.server, token), action)))
        break
      }
      case 'old': {
        const token = this.#tokens.at(-1 - step.back)
        if (token) await this.#act(new Browser(this.server, token), step.action)
        break
      }
      case 'steal':
        this.#browser(step.who).token = this.#browser(step.from).token
        break
      case 'wait':
        this.server.clock.set(this.server.clock.now() + step.ms)
        break
      case 'endUser': {
        const { user: userId, during } = step
        const racing = during === null ? null : this.#act(this.#browser(during), 'complete', true)
        await (userId === null ? this.server.sessions.endEverybody() : this.server.sessions.endUser(userId))
        await racing
        for (const one of userId === null ? ['alice', 'bob'] : [userId]) {
          this.#ends.set(one, this.#endsOf(one) + 1)
          assert.deepEqual(await this.server.sessions.list(one), [], '7.4.2: none is left, and none was just made')
        }
      }
    }
    await this.#compare()
  }

  async #act(browser: Browser, action: Action, beside = false): Promise<void> {
    const { token } = browser
    const before = this.#promisedOf(token)
    switch (action) {
      case 'complete':
        return this.#completes(browser, beside)
      case 'put':
        await browser.send(async session => {
          await session.load()
          session.data[`of ${session.userId}`] = true
        })
        break
      case 'end':
        await browser.signOut()
        break
      case 'see':
        this.#sees((await browser.send(look, { method: 'GET' })).body, before)
        break
      default: {
        const handlers = {
          stepUp: session => session.stepUp({ amr: ['otp'] }),
          rotate: session => session.rotate(),
          challenge: async session => {
            const text = await session.challenge('passkey')
            assert.equal(await session.answer(text, 'passkey'), true)
          },
        } satisfies Record<string, Handler<void>>
        const { status } = await browser.send(handlers[action])
        if (action === 'stepUp' && status === 200) assert.notEqual(before.userId, null, 'who was nobody stays nobody')
      }
    }
    // Rotated and stepped up it is the same session; a visitor whom a challenge or data made a guest is nobody.
    if (browser.token && browser.token !== token) this.#note({ token: browser.token }, this.#promisedOf(browser.token))
  }

  async #completes(browser: Browser, beside: boolean): Promise<void> {
    const sid = this.#sidIn(browser.token)
    const { pending } = this.#promisedOf(browser.token)
    const reply = await browser.send(async session => {
      await session.load()
      const waits = session.pending?.userId ?? null
      await session.completeSignIn({ amr: ['otp'] })
      return waits
    })
    if (reply.status !== 200) return
    assert.ok(pending, 'there was a first factor')
    assert.equal(reply.body, pending.userId)
    assert.ok(this.server.clock.now() < pending.beganAt + 10 * minute, 'in time')
    assert.ok(beside || this.#endsOf(pending.userId) === pending.ends, '7.4.2: nothing was ended since')
    assert.ok(!this.#completed.has(sid), 'once')
    this.#completed.add(sid)
    this.#note(reply, { userId: pending.userId, pending: null })
  }

  #sees(body: Awaited<ReturnType<typeof look>> | undefined, promised: Promised): void {
    if (!body) return
    assert.ok(body.userId === null || body.userId === promised.userId, `${body.userId} instead of ${promised.userId}`)
    assert.ok(body.pending === null || body.pending === promised.pending?.userId)
    for (const key of Object.keys(body.data)) {
      assert.ok(key === 'of null' || key === `of ${promised.userId}`, `data ${key} is shown to ${promised.userId}`)
    }
  }

  /** Nobody is somebody in the store who is not in the ledger. */
  async #compare(): Promise<void> {
    for (const [sid, { userId }] of this.#promised) {
      const record = await this.server.store.read(sid)
      if (record && !record.ended) assert.equal(record.userId, userId)
    }
    for (const name of ['alice', 'bob']) {
      for (const { sid } of await this.server.sessions.list(name)) assert.equal(this.#promised.get(sid)?.userId, name)
    }
  }

  #browser(index: number): Browser {
    return this.#browsers[index] ?? assert.fail('there are three')
  }

  #note({ token }: Pick<Reply<unknown>, 'token'>, promised: Promised): void {
    if (!token) return
    this.#tokens.push(token)
    this.#promised.set(this.#sidIn(token), promised)
  }

  #promisedOf(token: string | null): Promised {
    return this.#promised.get(this.#sidIn(token)) ?? nobodys
  }

  /** The public id in a token, also in one that carries its session sealed. */
  #sidIn(token: string | null): string {
    return (token && hostOf(this.server.sessions).host.engine.sidOf(token)) ?? ''
  }

  #endsOf(userId: string): number {
    return this.#ends.get(userId) ?? 0
  }
}

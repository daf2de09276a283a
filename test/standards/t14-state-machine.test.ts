import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { decodeBody } from '../../src/session/body.ts'
import { secretHash } from '../../src/session/token.ts'
import { judge } from '../../src/session/verdict.ts'
import { Browser, type Reply, type whoAmI } from '../actors/browser.ts'
import { type Data, type Server, startServer } from '../actors/server.ts'
import { type Entry, limits, type ModelSession, SessionModel } from '../actors/session-model.ts'

/** How many random stories; `FUZZ_RUNS=100000` for a longer night. */
const numRuns = Number(process.env.FUZZ_RUNS ?? 400)

/** What a client does in one request. */
const action = fc.constantFrom('see', 'see', 'put', 'put', 'ask', 'update', 'rotate', 'stepUp', 'signOut')
const lost = fc.boolean()
const who = fc.constantFrom(0, 1)
const user = fc.constantFrom('alice', 'bob')
/** Lengths of time around which something happens, to the millisecond; those that end everything are rare. */
const waitMs = fc
  .tuple(
    fc.oneof(
      { weight: 2, arbitrary: fc.constantFrom(1_000, 5 * 60_000) },
      { weight: 8, arbitrary: fc.constantFrom(limits.graceMs, limits.inFlightMs, limits.rotateMs) },
      { weight: 1, arbitrary: fc.constantFrom(limits.idleMs, limits.absoluteMs) },
    ),
    fc.constantFrom(-1, 0, 1),
  )
  .map(([ms, more]) => ms + more)

const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ step: fc.constant('request'), who, action, lost }) },
  { weight: 3, arbitrary: fc.record({ step: fc.constant('signIn'), who, user, lost }) },
  { weight: 5, arbitrary: fc.record({ step: fc.constant('wait'), ms: waitMs }) },
  { weight: 3, arbitrary: fc.record({ step: fc.constant('present'), back: fc.nat({ max: 5 }), action }) },
  { weight: 2, arbitrary: fc.record({ step: fc.constant('work'), who }) },
  { weight: 1, arbitrary: fc.record({ step: fc.constant('steal'), who }) },
  { weight: 1, arbitrary: fc.record({ step: fc.constant('endUser'), user }) },
  { weight: 2, arbitrary: fc.record({ step: fc.constant('begin'), who }) },
  { weight: 2, arbitrary: fc.record({ step: fc.constant('finish') }) },
) as fc.Arbitrary<Step>

type Action = 'see' | 'put' | 'ask' | 'update' | 'rotate' | 'stepUp' | 'signOut'
type Step =
  | { step: 'request'; who: 0 | 1; action: Action; lost: boolean }
  | { step: 'signIn'; who: 0 | 1; user: string; lost: boolean }
  | { step: 'wait'; ms: number }
  | { step: 'present'; back: number; action: Action }
  | { step: 'work'; who: 0 | 1 }
  | { step: 'steal'; who: 0 | 1 }
  | { step: 'endUser'; user: string }
  | { step: 'begin'; who: 0 | 1 }
  | { step: 'finish' }

/** A request that was let in and is still busy. */
interface Busy {
  readonly token: string | null
  readonly entry: Entry
  readonly finish: (key: string) => void
  readonly reply: Promise<Reply<unknown>>
}

/** The real thing and the model, side by side. */
class Story {
  readonly server: Server = startServer({ policy: { touchEvery: '1ms' } })
  readonly model = new SessionModel()
  readonly browsers = [new Browser(this.server), new Browser(this.server)] as const
  readonly busy: Busy[] = []
  #keys = 0

  get now(): number {
    return this.server.clock.now()
  }

  async play(step: Step): Promise<void> {
    switch (step.step) {
      case 'request':
        return this.request(this.browsers[step.who], step.action, step.lost)
      case 'signIn':
        return this.signIn(this.browsers[step.who], step.user, step.lost)
      case 'wait':
        return this.server.clock.set(this.now + step.ms)
      case 'present': {
        const token = this.model.tokens.at(-1 - step.back)
        return token === undefined ? undefined : this.request(new Browser(this.server, token), step.action)
      }
      case 'work':
        // Ten minutes and a few pages later: rotated, and the new token has arrived.
        this.server.clock.set(this.now + limits.rotateMs)
        await this.request(this.browsers[step.who], 'see')
        return this.request(this.browsers[step.who], 'put')
      case 'steal':
        this.browsers[(1 - step.who) as 0 | 1].token = this.browsers[step.who].token
        return
      case 'endUser':
        await this.server.sessions.endUser(step.user)
        for (const session of this.model.sessions) if (session.userId === step.user) this.model.end(session, this.now)
        return
      case 'begin':
        return this.begin(this.browsers[step.who])
      case 'finish':
        return this.finish(this.busy.shift())
    }
  }

  async request(browser: Browser, action: Action, lost = false): Promise<void> {
    const { model, now } = this
    const presented = browser.token
    const entry = model.enter(presented, now, action !== 'ask' && action !== 'signOut')
    const session = entry.kind === 'in' ? entry.session : null
    switch (action) {
      case 'see': {
        const reply = await browser.see({ lost })
        this.#sees(reply.body, session)
        return this.#settled(reply, entry)
      }
      case 'ask': {
        const reply = await browser.send(async s => (await s.load({ activity: false })) && whoAmIWithoutUse(s), {
          lost,
        })
        this.#sees(reply.body, session)
        return this.#settled(reply, withoutRotation(entry), false)
      }
      case 'put':
      case 'update': {
        const key = this.#newKey()
        const reply =
          action === 'put'
            ? await browser.put({ [key]: true }, { lost })
            : await browser.send(s => s.update(data => Object.assign(data, { [key]: true })), { lost })
        // update() writes by itself; what is due with the token is written after it, with the answer.
        const already = action === 'update' && entry.kind === 'in'
        if (already) model.write({ ...entry, due: null }, { [key]: true }, null, now)
        this.#changed(reply, entry, already ? null : { [key]: true }, key)
        return
      }
      case 'rotate':
      case 'stepUp': {
        const reply = await browser[action]({ lost })
        if (session && (action === 'rotate' || session.userId !== null)) {
          assert.equal(reply.status, 200)
          return model.replace(session, reply.token, now)
        }
        if (entry.kind === 'superseded') return this.#refused(reply)
        assert.equal(reply.code, 'usage')
        return this.#settled(reply, withoutRotation(entry))
      }
      case 'signOut': {
        const reply = await browser.signOut({ lost })
        if (entry.kind === 'superseded') return this.#refused(reply)
        assert.deepEqual([reply.status, reply.token], [200, presented === null ? null : ''])
        if (session) model.end(session, now)
      }
    }
  }

  async signIn(browser: Browser, userId: string, lost: boolean): Promise<void> {
    const { model, now } = this
    const entry = model.enter(browser.token, now)
    const reply = await browser.signIn(userId, {}, { lost })
    assert.equal(reply.status, 200)
    const old = entry.kind === 'in' ? entry.session : null
    const kept = old && (old.userId === null || old.userId === userId) ? { ...old.data } : {}
    const session = model.begin(userId, reply.token, kept, now)
    if (old) model.supersede(old, session, now)
  }

  /** A request is let in, and stays: an upload, say. */
  async begin(browser: Browser): Promise<void> {
    const entry = this.model.enter(browser.token, this.now)
    const loaded = Promise.withResolvers<void>()
    const key = Promise.withResolvers<string>()
    const { token } = browser
    const reply = browser.send(
      async session => {
        await session.load()
        loaded.resolve()
        Object.assign(session.data, { [await key.promise]: true })
      },
      { lost: true },
    )
    await loaded.promise
    this.busy.push({ token, entry, finish: key.resolve, reply })
  }

  async finish(busy: Busy | undefined): Promise<void> {
    if (!busy) return
    const key = this.#newKey()
    const again = busy.entry.kind === 'in' ? this.model.again(busy.entry, busy.token ?? '', this.now) : null
    busy.finish(key)
    const reply = await busy.reply
    if (busy.entry.kind === 'in' && !again) return this.#refused(reply)
    this.#changed(reply, again ?? busy.entry, { [key]: true }, key)
  }

  /** Nobody outside may tell this from the inside: how many tokens of each session would be honoured now? */
  async assertFewHonouredTokens(): Promise<void> {
    const honoured = new Map<string, string[]>()
    for (const token of this.model.tokens) {
      const raw = Buffer.from(token.slice(9), 'base64url')
      const record = await this.server.store.read(raw.toString('base64url', 0, 16))
      const body = record && !record.ended ? decodeBody(record.body) : null
      if (!record || !body) continue
      const { kind } = judge(
        record,
        body,
        secretHash(raw.subarray(16, 48)),
        { now: this.now, arrivedAt: this.now },
        this.server.sessions.policy,
      )
      if (kind === 'current' || kind === 'retired')
        honoured.set(record.sid, [...(honoured.get(record.sid) ?? []), kind])
    }
    for (const kinds of honoured.values()) assert.deepEqual(kinds.sort(), ['current', 'retired'].slice(0, kinds.length))
  }

  async tidyUp(): Promise<void> {
    while (this.busy.length > 0) await this.finish(this.busy.shift())
    await this.server.sessions.close()
  }

  #newKey(): string {
    this.#keys += 1
    return `k${this.#keys}`
  }

  #sees(body: Awaited<ReturnType<typeof whoAmI>> | undefined, session: ModelSession | null): void {
    assert.deepEqual([body?.userId, body?.data], [session?.userId ?? null, session?.data ?? {}])
  }

  /** The answer to a request that changed data: saved, refused, or the beginning of a guest's session. */
  #changed(reply: Reply<unknown>, entry: Entry, changes: Data | null, key: string): void {
    if (entry.kind === 'superseded') this.#refused(reply)
    else if (entry.kind === 'in') this.#settled(reply, entry, true, changes)
    else {
      assert.equal(reply.status, 200)
      this.model.begin(null, reply.token, { [key]: true }, this.now)
    }
  }

  /** Whoever came with the predecessor gets the current token, whoever rotated gets the new one, others get none. */
  #settled(reply: Reply<unknown>, entry: Entry, active = true, changes: Data | null = null): void {
    if (entry.kind === 'in') this.model.write(entry, changes, reply.token, this.now, active)
    const gets = entry.kind === 'in' && (entry.as === 'predecessor' || entry.due === 'rotate')
    assert.equal(reply.token, gets ? entry.session.current.token : null)
  }

  #refused(reply: Reply<unknown>): void {
    assert.deepEqual([reply.status, reply.code, reply.setCookie], [401, 'session-ended', null])
  }
}

/** A request that only asks, or that fails, does not rotate; what it knows to have arrived it confirms all the same. */
function withoutRotation(entry: Entry): Entry {
  return entry.kind === 'in' && entry.due === 'rotate' ? { ...entry, due: null } : entry
}

async function whoAmIWithoutUse(session: Parameters<typeof whoAmI>[0]) {
  return { id: session.id, userId: session.userId, data: structuredClone(session.data) }
}

describe('T14 random stories of two clients, thieves and lost replies', () => {
  it(`2.3.1, WSTG-SESS-08, 7.6.2: the sessions do what the model says, in ${numRuns} stories`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async steps => {
        const story = new Story()
        for (const step of steps) await story.play(step)
        await story.assertFewHonouredTokens()
        await story.tidyUp()
      }),
      { numRuns },
    )
  })
})

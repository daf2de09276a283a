import { generateKeyPairSync } from 'node:crypto'
import { createSessions, type Sessions } from 'latchkey'
import { type Bearer, createBearer } from 'latchkey/bearer'
import { createFactors, type Factors } from 'latchkey/mfa'
import { memoryFactors } from 'latchkey/mfa/stores/memory'
import { memoryStore } from 'latchkey/stores/memory'
import { createWatch, type Watch } from 'latchkey/watch'
import { memoryWatch } from 'latchkey/watch/stores/memory'
import { Internet } from './internet.ts'
import type { Attack, Hit } from './judgement.ts'
import { Random } from './random.ts'
import { Timetable } from './timetable.ts'
import type { Visit } from './visitor.ts'

/** What somebody does over time: yields how long until they do the next thing, ms. */
export type Story = AsyncGenerator<number, void, void>

export const second = 1_000
export const minute = 60 * second
export const hour = 60 * minute
export const day = 24 * hour

/** Its address. */
export const site = 'https://site.example'

/** The site that everybody visits: the real engine under the real watch, on a clock that jumps from one request to the next. */
export class Simulation {
  readonly random: Random
  readonly startsAt: number
  readonly endsAt: number
  readonly internet = new Internet()
  readonly sessions: Sessions
  readonly factors: Factors
  /** For programs, whose tokens are bound to a key. */
  readonly bearer: Bearer
  /** Visits under way, of honest people: what a thief could steal. */
  readonly visits = new Set<Visit>()
  /** Users whom somebody attacks. */
  readonly robbed = new Set<string>()
  readonly attacks: Attack[] = []
  readonly hits: Hit[] = []
  /** What was done, for the report. */
  readonly done = { requests: 0, sessions: 0, honestSessions: 0 }
  #now: number
  readonly #timetable = new Timetable()

  constructor(seed: string, startsAt: number, days: number) {
    this.random = new Random(seed)
    this.startsAt = startsAt
    this.endsAt = startsAt + days * day
    this.#now = startsAt
    // A generator of its own: what the watch draws for its alerts must not change what people do.
    const secrets = new Random(`${seed}, secrets`)
    this.sessions = createSessions({
      secrets: [secrets.bytes(32).toString('base64url')],
      store: memoryStore(),
      policy: { persistent: { idleTimeout: '30d', absoluteTimeout: '90d' } },
      environment: 'development',
      clock: () => this.#now,
      random: size => secrets.bytes(size),
      sweepEvery: false,
    })
    this.bearer = createBearer(this.sessions, {
      issuer: site,
      audience: `${site}/api`,
      keys: [{ ...generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }), alg: 'EdDSA' }],
      dpop: {},
    })
    this.factors = createFactors(this.sessions, { store: memoryFactors(), issuer: 'Simulation' })
  }

  get now(): number {
    return this.#now
  }

  /** The day of the simulation, 0 for the first. */
  get day(): number {
    return Math.floor((this.#now - this.startsAt) / day)
  }

  /** Somebody begins a story. */
  begin(at: number, story: Story): void {
    const goOn = async () => {
      const { value, done } = await story.next()
      if (!done) this.#timetable.add(this.#now + value, goOn)
    }
    this.#timetable.add(at, goOn)
  }

  /** Lives through all of it. `progress` is told each day that is over. */
  async run(progress: (day: number) => void): Promise<void> {
    const watch = await createWatch(this.sessions, { store: memoryWatch(), geo: this.internet, retention: false })

    watch.subscribe(event => {
      if (event.type === 'session.signed-in') this.done.sessions += 1
      if (event.type !== 'detector.hit') return
      const { detector, at, sid, userId, alert, evidence } = event
      this.hits.push({ detector, at, sid, userId, alert, evidence, address: null })
    })
    let today = 0
    let sweptAt = this.#now
    for (let next = this.#timetable.take(); next && next.at < this.endsAt; next = this.#timetable.take()) {
      // What detectors found is found before the next second begins.
      if (Math.floor(next.at / second) > Math.floor(this.#now / second)) await watch.flush()
      this.#now = next.at
      if (this.#now - sweptAt > 10 * minute) {
        sweptAt = this.#now
        await this.sessions.sweep()
      }
      if (this.day > today) progress(today++)
      await next.run()
    }
    await watch.flush()
    await this.#findAddresses(watch)
    await this.sessions.close()
    await watch.close()
  }

  async #findAddresses(watch: Watch): Promise<void> {
    for (const hit of this.hits) {
      if (hit.alert !== null) hit.address = (await watch.alert(hit.alert))?.address ?? null
    }
  }
}

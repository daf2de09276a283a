import { StoreError } from '../errors.ts'
import type { FactorStore } from './store.ts'

/** On whose account an attempt is counted: devices that the user has signed in from, or all others. */
export type Side = 'known' | 'unknown'

/** Failures before the first wait: people mistype, and look at the wrong line of the app. */
const free = 5
const firstMs = 1_000
const longestMs = 3_600_000
/**
 * Then nothing is looked at until an attempt from the other side succeeds. Both sides together are the hundred consecutive
 * failures after which NIST SP 800-63B-4 3.2.2 wants an authenticator disabled.
 */
const mostPerSide = 50
const mostTries = 100

/** Counts this old are forgotten, in small steps now and then: nobody's name stays for ever because they once mistyped. */
const forgottenAfterMs = 400 * 24 * 3_600_000
const forgetEveryMs = 3_600_000
const forgetAtOnce = 500

/**
 * Slows down guessing of second factors, without letting a guesser lock the owner out.
 *
 * There is one throttle for all that can be guessed, or each kind would be worth its own guesses; passkeys cannot be, and only
 * forgive. It counts in two places: all of a
 * user's known devices, and all others. Whoever knows the password and burns attempts from elsewhere does not slow down the
 * owner's own devices. After 5 failures the next attempt waits a second, and twice as long after each further one, up to an
 * hour; after 50 it waits for a success from the other side. Guessing six digits with 100 attempts succeeds once in 5,000 times.
 *
 * The counts are in the store, so that a restart forgives nobody and all nodes count together. An attempt counts as failed
 * before its code is looked at: were it counted afterwards, a burst over several nodes would be through before the first
 * failure is written. Only users who passed a first factor are counted, so made-up names do not fill the store.
 */
export class Throttle {
  readonly #store: FactorStore
  readonly #now: () => number
  #forgotAt = Number.NEGATIVE_INFINITY

  constructor(store: FactorStore, now: () => number) {
    this.#store = store
    this.#now = now
  }

  /** Counts an attempt as failed, and resolves to 0; or to the milliseconds to wait, and nothing was counted. */
  async admit(userId: string, side: Side): Promise<number> {
    const key = keyOf(side, userId)
    this.#forget()
    for (let tries = 0; tries < mostTries; tries += 1) {
      const count = await this.#store.failures(key)
      const now = this.#now()
      const { version = 0, failures = 0, failedAt = now } = count ?? {}
      const waitMs = waitAfter(failures, failedAt, now)
      if (waitMs > 0) return waitMs
      const counted = { key, version: version + 1, failures: failures + 1, failedAt: now }
      if ((await this.#store.saveFailures(counted)) === 'saved') return 0
    }
    throw new StoreError(`The factor store (${this.#store.name}) let nobody count an attempt. Try again in a moment.`)
  }

  /** Forgives the user everything, on both sides. */
  async forgive(userId: string): Promise<void> {
    await this.#store.clearFailures([keyOf('known', userId), keyOf('unknown', userId)])
  }

  #forget(): void {
    const now = this.#now()
    if (now - this.#forgotAt < forgetEveryMs) return
    this.#forgotAt = now
    // Nobody waits for it, and a failure was told as an event.
    this.#store.forgetFailures(now - forgottenAfterMs, forgetAtOnce).catch(() => {})
  }
}

function keyOf(side: Side, userId: string): string {
  return `${side} ${userId}`
}

/** How long after so many failures the next attempt has to wait, in ms; 0 for not at all. */
function waitAfter(failures: number, failedAt: number, now: number): number {
  if (failures >= mostPerSide) return longestMs
  if (failures < free) return 0
  const delayMs = Math.min(firstMs * 2 ** (failures - free), longestMs)
  // A clock that was set back must not make anybody wait longer than that.
  return Math.min(delayMs, Math.max(0, failedAt + delayMs - now))
}

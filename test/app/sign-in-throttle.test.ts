import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { openDatabase } from '../../app/database.ts'
import { type Attempt, openSignInThrottle, type SignInThrottle } from '../../app/sign-in-throttle.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const second = 1_000
const hour = 3_600 * second
const owner = { account: 'student123', place: '192.0.2.1' }
const from = (place: string, account = 'student123'): Attempt => ({ account, place })

function set(file = ':memory:') {
  let now = 1_800_000_000_000
  const database = openDatabase(file)
  const throttle = openSignInThrottle(database, () => now)
  return {
    throttle,
    database,
    pass: (ms: number) => {
      now += ms
    },
  }
}

/** Guesses as fast as the throttle allows, for this long; answers how many guesses that were. */
function guess(throttle: SignInThrottle, attempt: Attempt, pass: (ms: number) => void, forMs: number): number {
  let guesses = 0
  for (let spent = 0; spent <= forMs; ) {
    const wait = throttle.waitMs(attempt)
    pass(wait)
    spent += wait
    throttle.failed(attempt)
    guesses += 1
  }
  return guesses
}

describe('The sign-in throttle', () => {
  it('CS-A1: lets people mistype, then waits one second, doubled each time, up to a quarter of an hour', () => {
    const { throttle, pass } = set()
    const waits = Array.from({ length: 17 }, () => {
      const wait = throttle.waitMs(owner)
      pass(wait)
      throttle.failed(owner)
      return wait / second
    })
    assert.deepEqual(waits, [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900])
  })

  it('CS-A1: forgets after success and after a day without failures', () => {
    const { throttle, pass } = set()
    for (let failure = 0; failure < 8; failure += 1) throttle.failed(owner)
    assert.equal(throttle.waitMs(owner), 8 * second)
    throttle.succeeded(owner)
    assert.equal(throttle.waitMs(owner), 0)
    for (let failure = 0; failure < 8; failure += 1) throttle.failed(owner)
    pass(24 * hour)
    assert.equal(throttle.waitMs(owner), 0)
    throttle.failed(owner)
    assert.equal(throttle.waitMs(owner), 0, 'the count starts anew')
  })

  it('ASVS 6.1.1: a guesser does not lock the owner out, neither from one address nor from a thousand', () => {
    const { throttle, pass } = set()
    throttle.succeeded(owner)
    guess(throttle, from('198.51.100.7'), pass, hour)
    for (let index = 0; index < 1_000; index += 1) throttle.failed(from(`203.0.113.${index}`))
    assert.equal(throttle.waitMs(owner), 0)
    assert.ok(throttle.waitMs(from('198.51.100.99')) > 0, 'a new place waits while the attack lasts')
  })

  it('ASVS 6.1.1: even an owner in a new place waits an hour at most', () => {
    const { throttle } = set()
    for (let index = 0; index < 5_000; index += 1) throttle.failed(from(`203.0.113.${index}`))
    assert.equal(throttle.waitMs(from('192.0.2.200')), hour)
  })

  it('ASVS 6.3.1: one account cannot be guessed from many addresses', () => {
    const { throttle, pass } = set()
    let guesses = 0
    for (let spent = 0; spent < 24 * hour; guesses += 1) {
      const attempt = from(`place-${guesses}`)
      const wait = throttle.waitMs(attempt)
      pass(wait)
      spent += wait
      throttle.failed(attempt)
    }
    assert.ok(guesses < 100, `${guesses} guesses in a day`)
  })

  it('ASVS 6.3.1: many accounts cannot be tried from one address', () => {
    const { throttle, pass } = set()
    let guesses = 0
    for (let spent = 0; spent < 24 * hour; guesses += 1) {
      const attempt = from('198.51.100.7', `leaked-${guesses}`)
      const wait = throttle.waitMs(attempt)
      pass(wait)
      spent += wait
      throttle.failed(attempt)
    }
    assert.ok(guesses < 200, `${guesses} guesses in a day`)
  })

  it("does not let a guesser wipe their address's slate clean by signing in to an account of their own", () => {
    const { throttle } = set()
    for (let index = 0; index < 55; index += 1) throttle.failed(from('198.51.100.7', `leaked-${index}`))
    throttle.succeeded(from('198.51.100.7', 'guesser'))
    assert.ok(throttle.waitMs(from('198.51.100.7', 'leaked-60')) > 0)
  })

  it('survives a restart', () => {
    const file = join(temporaryDirectory(), 'campus.db')
    const before = set(file)
    for (let failure = 0; failure < 8; failure += 1) before.throttle.failed(owner)
    before.database.close()
    assert.equal(set(file).throttle.waitMs(owner), 8 * second)
  })

  it('treats names alike whether there is such an account or not, and forgets made-up ones', () => {
    const { throttle, database, pass } = set()
    for (let index = 0; index < 500; index += 1) throttle.failed(from(`place-${index}`, `made-up-${index}`))
    pass(25 * hour)
    throttle.failed(owner)
    assert.equal(database.prepare('SELECT count(*) AS rows FROM sign_in_failures').get()?.rows, 3)
  })

  it('remembers only the latest places of an account', () => {
    const { throttle, database, pass } = set()
    for (let index = 0; index < 50; index += 1) {
      pass(second)
      throttle.succeeded(from(`place-${index}`))
    }
    assert.equal(database.prepare('SELECT count(*) AS rows FROM familiar_places').get()?.rows, 20)
  })
})

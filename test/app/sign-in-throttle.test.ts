import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Database } from '../../app/database.ts'
import { type Attempt, openSignInThrottle, type SignInThrottle } from '../../app/sign-in-throttle.ts'
import { describeOnEveryDatabase } from './every-database.ts'

const second = 1_000
const hour = 3_600 * second
const owner = { account: 'student123', place: '192.0.2.1' }
const from = (place: string, account = 'student123'): Attempt => ({ account, place })

/** A throttle with a clock to turn. */
function throttleOn(database: Database) {
  let now = 1_800_000_000_000
  const throttle = openSignInThrottle(database, () => now)
  return {
    throttle,
    pass: (ms: number) => {
      now += ms
    },
  }
}

/** Tries a wrong password once; answers how long to wait instead, or 0. */
async function fail(throttle: SignInThrottle, attempt: Attempt): Promise<number> {
  const admission = await throttle.admit(attempt)
  return admission.admitted ? 0 : admission.waitMs
}

async function succeed(throttle: SignInThrottle, attempt: Attempt): Promise<void> {
  const admission = await throttle.admit(attempt)
  assert.ok(admission.admitted)
  await admission.succeeded()
}

/** The same, and gets in. */
async function signIn(throttle: SignInThrottle, attempt: Attempt): Promise<void> {
  await succeed(throttle, attempt)
  await throttle.remember(attempt)
}

/** Guesses as fast as the throttle allows, for this long, each time as `attempt` says; answers how many guesses that were. */
async function guess(
  throttle: SignInThrottle,
  attempt: (guesses: number) => Attempt,
  pass: (ms: number) => void,
  forMs: number,
): Promise<number> {
  let guesses = 0
  for (let spent = 0; spent <= forMs; ) {
    const wait = await fail(throttle, attempt(guesses))
    if (wait === 0) guesses += 1
    pass(wait)
    spent += wait
  }
  return guesses
}

describeOnEveryDatabase('The sign-in throttle', newPlace => {
  const start = async () => {
    const database = await (await newPlace()).open()
    return { database, ...throttleOn(database) }
  }
  const fails = async (throttle: SignInThrottle, pass: (ms: number) => void, times: number) => {
    for (let failure = 0; failure < times; ) {
      const wait = await fail(throttle, owner)
      if (wait === 0) failure += 1
      pass(wait)
    }
  }

  it('CS-A1: lets people mistype, then waits one second, doubled each time, up to a quarter of an hour', async () => {
    const { throttle, pass } = await start()
    const waits: number[] = []
    while (waits.length < 17) {
      const wait = await fail(throttle, owner)
      pass(wait)
      if (wait > 0) assert.equal(await fail(throttle, owner), 0, 'not a moment longer')
      waits.push(wait / second)
    }
    assert.deepEqual(waits, [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900])
  })

  it('CS-A1: forgets after success and after a day without failures', async () => {
    const { throttle, pass } = await start()
    await fails(throttle, pass, 8)
    assert.equal(await fail(throttle, owner), 8 * second)
    pass(8 * second)
    await succeed(throttle, owner)
    await fails(throttle, () => {}, 5)
    assert.equal(await fail(throttle, owner), second)
    pass(24 * hour)
    await fails(throttle, () => {}, 5)
    assert.equal(await fail(throttle, owner), second, 'the count starts anew')
  })

  it('ASVS 6.3.1: a burst of attempts over several instances gets no further than attempts one by one', async () => {
    const place = await newPlace()
    const first = await place.open()
    // On SQLite the instances are processes: two connections in one would wait for each other.
    const others = place.kind === 'sqlite' ? [first, first] : [await place.open(), await place.open()]
    const throttles = [first, ...others].map(database => throttleOn(database).throttle)
    const bursts = throttles.flatMap(throttle => Array.from({ length: 4 }, () => fail(throttle, owner)))
    assert.equal((await Promise.all(bursts)).filter(wait => wait === 0).length, 5)
  })

  it('takes nothing from a place for sign-ins that succeed, at once or one by one, nor lets it wait for them', async () => {
    const { throttle, pass } = await start()
    const place = owner.place
    await Promise.all(Array.from({ length: 5 }, (_, index) => succeed(throttle, from(place, `student-${index}`))))
    for (let index = 0; index < 60; index += 1) await succeed(throttle, from(place, `other-${index}`))
    for (let index = 0; index < 50; index += 1) assert.equal(await fail(throttle, from(place, `leaked-${index}`)), 0)
    pass(second)
    await succeed(throttle, from(place, 'student-1'))
    assert.equal(await fail(throttle, from(place, 'student-2')), 0)
  })

  it('ASVS 6.1.1: a guesser does not lock the owner out, neither from one address nor from a hundred', async () => {
    const { throttle, pass } = await start()
    await signIn(throttle, owner)
    await guess(throttle, () => from('198.51.100.7'), pass, hour)
    for (let index = 0; index < 100; index += 1) await fail(throttle, from(`203.0.113.${index}`))
    assert.ok((await fail(throttle, from('198.51.100.99'))) > 0, 'a new place waits while the attack lasts')
    await succeed(throttle, owner)
  })

  it('ASVS 6.3.1: a right password alone does not make a place one of the owner', async () => {
    const { throttle } = await start()
    const [half, home] = [from('198.51.100.7'), from('192.0.2.1')]
    await succeed(throttle, half)
    await signIn(throttle, home)
    for (let index = 0; index < 40; index += 1) await fail(throttle, from(`203.0.113.${index}`))
    assert.ok((await fail(throttle, half)) > 0)
    assert.equal(await fail(throttle, home), 0)
  })

  it('ASVS 6.1.1: even an owner in a new place waits an hour at most', async () => {
    const { throttle, pass } = await start()
    await guess(throttle, guesses => from(`203.0.113.${guesses}`), pass, 48 * hour)
    await fail(throttle, from('203.0.113.0'))
    assert.equal(await fail(throttle, from('192.0.2.200')), hour)
    pass(hour)
    await succeed(throttle, from('192.0.2.200'))
  })

  it('ASVS 6.3.1: one account cannot be guessed from many addresses', async () => {
    const { throttle, pass } = await start()
    const guesses = await guess(throttle, guesses => from(`place-${guesses}`), pass, 24 * hour)
    assert.ok(guesses < 100, `${guesses} guesses in a day`)
  })

  it('ASVS 6.3.1: many accounts cannot be tried from one address', async () => {
    const { throttle, pass } = await start()
    const guesses = await guess(throttle, guesses => from('198.51.100.7', `leaked-${guesses}`), pass, 24 * hour)
    assert.ok(guesses < 200, `${guesses} guesses in a day`)
  })

  it("does not let a guesser wipe their address's slate clean by signing in to an account of their own", async () => {
    const { throttle, pass } = await start()
    let failures = 0
    while (failures < 55) {
      const wait = await fail(throttle, from('198.51.100.7', `leaked-${failures}`))
      pass(wait)
      if (wait === 0) failures += 1
    }
    pass(hour / 2)
    await succeed(throttle, from('198.51.100.7', 'guesser'))
    assert.equal(await fail(throttle, from('198.51.100.7', 'leaked-60')), 0)
    assert.equal(await fail(throttle, from('198.51.100.7', 'leaked-61')), 32 * 2 * second)
  })

  it('survives a restart', async () => {
    const place = await newPlace()
    const before = await place.open()
    const { throttle, pass } = throttleOn(before)
    await fails(throttle, pass, 8)
    const after = throttleOn(await place.open())
    after.pass(7 * second)
    assert.equal(await fail(after.throttle, owner), 8 * second)
  })

  it('treats names alike whether there is such an account or not, and forgets made-up ones', async () => {
    const { throttle, database, pass } = await start()
    for (let index = 0; index < 100; index += 1) await fail(throttle, from(`place-${index}`, `made-up-${index}`))
    pass(25 * hour)
    await fail(throttle, owner)
    assert.equal((await database.query('SELECT 1 FROM campus_sign_in_failures')).length, 3)
  })

  it('remembers only the latest places of an account', async () => {
    const { throttle, database, pass } = await start()
    for (let index = 0; index < 50; index += 1) {
      pass(second)
      await signIn(throttle, from(`place-${index}`))
    }
    assert.equal((await database.query('SELECT 1 FROM campus_familiar_places')).length, 20)
  })
})

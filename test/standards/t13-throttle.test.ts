/** T13: guessing second factors is slowed down and ended, on all nodes together, without locking the owner out (NIST 3.2.2, ASVS 6.1.1). */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type SessionEvent, StoreError } from 'latchkey'
import type { FactorAnswer, FactorStore } from 'latchkey/mfa'
import { memoryFactors } from 'latchkey/mfa/stores/memory'
import { forwarding, onEveryFactorStore } from '../actors/factor-stores.ts'
import {
  type AuthenticatorApp,
  anotherFactorNode,
  appWith,
  enrol,
  type FactorNode,
  outcomes,
  sessionOf,
  startFactors,
  toldOfFactors,
  wrongCode,
} from '../actors/second-factors.ts'

const stranger = { userId: 'ada', device: null }
const owner = { userId: 'ada', device: 'the laptop' }
const fifty = Array.from({ length: 50 }, (_, i) => i)
const hour = 3_600

/** Guesses as long as the throttle lets anybody, waiting as long as it says; tells how many guesses were looked at. */
async function guessOn({ factors, clock }: FactorNode, app: AuthenticatorApp, from: typeof owner | typeof stranger) {
  let looked = 0
  const waits: number[] = []
  for (let i = 0; i < 300 && waits.filter(wait => wait === hour).length < 100; i += 1) {
    const answer = await factors.checkCode(from, wrongCode(app))
    assert.notEqual(answer.outcome, 'passed')
    if (answer.outcome === 'wait') {
      waits.push(answer.seconds)
      clock.advance(`${answer.seconds}s`)
    } else looked += 1
  }
  return { looked, waits }
}

onEveryFactorStore('the throttle of second factors (T13)', newPlace => {
  it('NIST 3.2.2: after 5 failures of a burst on two nodes nothing more is looked at', async () => {
    const place = await newPlace()
    const node = startFactors({ factors: { store: place.open() } })
    const other = anotherFactorNode(node, place.open())
    const app = await enrol(node, 'ada')
    const bad = wrongCode(app)
    const answers = await Promise.all(fifty.map(i => (i % 2 ? node : other).factors.checkCode(stranger, bad)))
    assert.deepEqual(outcomes(answers), { refused: 5, wait: 45 })
    await Promise.all([node.factors.close(), other.factors.close()])
  })

  it('NIST 3.2.2: failures survive a restart', async () => {
    const place = await newPlace()
    const node = startFactors({ factors: { store: place.open() } })
    const app = await enrol(node, 'ada')
    for (let i = 0; i < 5; i += 1) await node.factors.checkCode(stranger, wrongCode(app))
    await node.factors.close()
    const restarted = anotherFactorNode(node, place.open())
    assert.deepEqual(await restarted.factors.checkCode(stranger, app.code()), { outcome: 'wait', seconds: 1 })
    await restarted.factors.close()
  })

  it('NIST 3.2.2, WSTG-ATHN-11: at most 50 consecutive guesses from each side are ever looked at, however patient the guesser', async () => {
    const place = await newPlace()
    const node = startFactors({ factors: { store: place.open() } })
    const app = await enrol(node, 'ada')
    const unknown = await guessOn(node, app, stranger)
    const known = await guessOn(node, app, owner)
    assert.deepEqual([unknown.looked, known.looked], [50, 50])
    assert.deepEqual(await node.factors.checkCode(stranger, app.code()), { outcome: 'wait', seconds: hour })
    await node.factors.close()
  })
})

describe('the delays (T13)', () => {
  it('five are free, then one second, doubled up to an hour', async () => {
    const node = startFactors()
    const app = await enrol(node, 'ada')
    const { waits } = await guessOn(node, app, stranger)
    const doubling = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048]
    assert.deepEqual(waits.slice(0, 14), [...doubling, hour, hour])
  })

  it('the wait counts from the last guess that was looked at: asking too early makes it no longer', async () => {
    const node = startFactors()
    const app = await enrol(node, 'ada')
    for (let i = 0; i < 8; i += 1) {
      node.clock.advance('5s')
      await node.factors.checkCode(stranger, wrongCode(app))
    }
    const seconds: number[] = []
    for (let i = 0; i < 8; i += 1) {
      const answer = await node.factors.checkCode(stranger, app.code())
      if (answer.outcome === 'wait') seconds.push(answer.seconds)
      node.clock.advance('1s')
    }
    assert.deepEqual(seconds, [8, 7, 6, 5, 4, 3, 2, 1])
    assert.equal((await node.factors.checkCode(stranger, app.code())).outcome, 'passed')
  })

  it('a clock that was set back makes nobody wait longer than the delay', async () => {
    const node = startFactors()
    const app = await enrol(node, 'ada')
    node.clock.advance('30d')
    for (let i = 0; i < 6; i += 1) {
      node.clock.advance('1s')
      await node.factors.checkCode(stranger, wrongCode(app))
    }
    node.clock.set(node.clock.now() - 86_400_000)
    assert.deepEqual(await node.factors.checkCode(stranger, app.code()), { outcome: 'wait', seconds: 2 })
  })

  it('while it waits nothing is looked at: a right code gets the same answer, and is not spent', async () => {
    const node = startFactors()
    const app = await enrol(node, 'ada')
    const [recovery = ''] = await node.factors.renewRecoveryCodes('ada')
    for (let i = 0; i < 5; i += 1) await node.factors.checkCode(stranger, wrongCode(app))
    const before = await node.factorStore.list('ada')
    const wait: FactorAnswer = { outcome: 'wait', seconds: 1 }
    for (const code of [app.code(), recovery, wrongCode(app), 'nonsense', ''])
      assert.deepEqual(await node.factors.checkCode(stranger, code), wait)
    assert.deepEqual(await node.factorStore.list('ada'), before)
    node.clock.advance('1s')
    for (const code of [app.code(), recovery])
      assert.equal((await node.factors.checkCode(stranger, code)).outcome, 'passed')
  })

  it('every attempt is told: what was refused and why, and what was not looked at', async () => {
    const node = startFactors()
    const app = await enrol(node, 'ada')
    const origin = { address: '192.0.2.9', userAgent: 'Test/1.0' }
    for (let i = 0; i < 6; i += 1) await node.factors.checkCode({ ...stranger, origin, sid: 'the sid' }, wrongCode(app))
    node.clock.advance('1s')
    await node.factors.checkCode({ ...stranger, origin, sid: 'the sid' }, app.code())
    const told = node.events.filter(({ type }) => type.startsWith('factor.')).slice(1)
    const whose = (event: SessionEvent) => [event.sid, event.userId, event.origin?.address]
    for (const event of told) assert.deepEqual(whose(event), ['the sid', 'ada', '192.0.2.9'])
    assert.deepEqual(toldOfFactors(node), [
      'factor.added totp',
      ...fifty.slice(0, 5).map(() => 'factor.refused totp wrong'),
      'factor.throttled',
      'factor.passed totp',
    ])
    const throttled = told.find(({ type }) => type === 'factor.throttled')
    assert.ok(throttled && 'seconds' in throttled && throttled.seconds === 1)
  })
})

describe('guessing and the owner (T13)', () => {
  it('ASVS 6.1.1: whoever burns attempts elsewhere does not slow the owner’s known device', async () => {
    const node = startFactors()
    const app = await enrol(node, 'ada')
    await guessOn(node, app, stranger)
    assert.equal((await node.factors.checkCode(owner, app.code())).outcome, 'passed')
  })

  it('the crowd of a guesser does not keep the owner waiting in a queue', async () => {
    const memory = memoryFactors()
    let release = () => {}
    const held = new Promise<void>(resolve => {
      release = resolve
    })
    // The store takes its time for strangers.
    const store: FactorStore = {
      ...forwarding(memory),
      failures: async key => {
        if (key.startsWith('unknown')) await held
        return memory.failures(key)
      },
    }
    const node = startFactors({ factors: { store } })
    const app = await enrol(node, 'ada')
    const crowd = fifty.map(() => node.factors.checkCode(stranger, wrongCode(app)))
    assert.equal((await node.factors.checkCode(owner, app.code())).outcome, 'passed')
    release()
    await Promise.all(crowd)
  })

  it('a success forgives both sides, and opens again what 50 failures had closed', async () => {
    const node = startFactors()
    const app = await enrol(node, 'ada')
    await guessOn(node, app, stranger)
    assert.equal((await node.factors.checkCode(stranger, app.code())).outcome, 'wait')
    assert.equal((await node.factors.checkCode(owner, app.code())).outcome, 'passed')
    node.clock.advance('30s')
    assert.equal((await node.factors.checkCode(stranger, app.code())).outcome, 'passed')
    for (const side of ['known', 'unknown']) assert.equal(await node.factorStore.failures(`${side} ada`), null)
  })

  it('a success is not counted against anybody: a hundred sign-ins in a row pass', async () => {
    const node = startFactors()
    const app = await enrol(node, 'ada')
    for (let i = 0; i < 100; i += 1) {
      assert.equal((await node.factors.checkCode(stranger, app.code())).outcome, 'passed')
      node.clock.advance('30s')
    }
  })

  it('one user’s failures are nobody else’s', async () => {
    const node = startFactors()
    const app = await enrol(node, 'ada')
    const bobs = await enrol(node, 'bob')
    await guessOn(node, app, stranger)
    for (const userId of ['unknown ada', 'Ada', 'ada '])
      assert.equal((await node.factors.checkCode({ userId, device: null }, '123456')).outcome, 'refused')
    assert.equal((await node.factors.checkCode({ userId: 'bob', device: null }, bobs.code())).outcome, 'passed')
  })

  it('with both sides closed support staff can forgive, and the owner is in again', async () => {
    const node = startFactors()
    const app = await enrol(node, 'ada')
    for (const from of [stranger, owner]) await guessOn(node, app, from)
    node.clock.advance('30d')
    for (const from of [stranger, owner])
      assert.deepEqual(await node.factors.checkCode(from, app.code()), { outcome: 'wait', seconds: hour })
    await node.factors.forgive('ada')
    assert.equal((await node.factors.checkCode(owner, app.code())).outcome, 'passed')
  })
})

describe('one throttle for all kinds (T13)', () => {
  const passkeys = { rpId: 'campus.example', origins: ['https://campus.example'] }

  it('ASVS 6.6.3: TOTP, recovery codes and nonsense share their five free attempts', async () => {
    const node = startFactors()
    const app = await enrol(node, 'ada')
    await node.factors.renewRecoveryCodes('ada')
    const tries = [
      () => node.factors.checkCode(stranger, wrongCode(app)),
      () => node.factors.checkCode(stranger, '00000-00000-00000-00000-00000'),
      () => node.factors.checkCode(stranger, 'x'.repeat(10_000)),
      () => node.factors.checkCode(stranger, ''),
      () => node.factors.checkCode(stranger, app.code(-5)),
    ]
    for (const attempt of tries) assert.deepEqual(await attempt(), { outcome: 'refused' })
    for (const attempt of tries) assert.deepEqual(await attempt(), { outcome: 'wait', seconds: 1 })
  })

  it('passkeys, which nobody can guess, are not counted: else a thief of the cookies could lock the owner out with nonsense', async () => {
    const node = startFactors({ factors: { passkeys } })
    const app = await enrol(node, 'ada')
    const owner = { userId: 'ada', device: 'known' }
    for (let i = 0; i < 60; i += 1)
      assert.deepEqual(await node.factors.checkPasskey(sessionOf('ada'), owner, {}), { outcome: 'refused' })
    assert.equal((await node.factors.checkCode(owner, app.code())).outcome, 'passed')
  })

  it('a passkey without a username is nobody’s failure', async () => {
    const node = startFactors({ factors: { passkeys } })
    for (let i = 0; i < 20; i += 1) {
      const answer = await node.factors.checkPasskey(sessionOf(null), { userId: null, device: null }, {})
      assert.deepEqual(answer, { outcome: 'refused' })
    }
    assert.equal(await node.factorStore.failures('unknown null'), null)
  })

  it('a user without factors is counted and answered like any other', async () => {
    const node = startFactors()
    const answers: FactorAnswer[] = []
    for (let i = 0; i < 6; i += 1)
      answers.push(await node.factors.checkCode({ userId: 'nobody', device: null }, '123456'))
    assert.deepEqual(outcomes(answers), { refused: 5, wait: 1 })
  })

  it('CS-M2: setting up a factor forgives nothing: it is no proof of the others', async () => {
    const node = startFactors()
    const app = await enrol(node, 'ada')
    for (let i = 0; i < 7; i += 1) {
      await node.factors.checkCode(stranger, wrongCode(app))
      node.clock.advance('4s')
    }
    const counted = await node.factorStore.failures('unknown ada')
    const { uri, ticket } = await node.factors.beginTotp(sessionOf('ada'), 'ada')
    const mallorys = appWith(uri, node.clock)
    assert.equal((await node.factors.confirmTotp(sessionOf('ada'), ticket, mallorys.code(), 'x')).outcome, 'passed')
    await node.factors.renewRecoveryCodes('ada')
    assert.deepEqual(await node.factorStore.failures('unknown ada'), counted)
  })

  it('removeUser forgets the failures, too; nothing of the user is left', async () => {
    const node = startFactors()
    const app = await enrol(node, 'ada')
    await node.factors.renewRecoveryCodes('ada')
    for (const from of [stranger, owner]) await node.factors.checkCode(from, wrongCode(app))
    assert.equal(await node.factors.removeUser('ada'), 2)
    assert.deepEqual(await node.factors.list('ada'), [])
    for (const side of ['known', 'unknown']) assert.equal(await node.factorStore.failures(`${side} ada`), null)
    assert.deepEqual(toldOfFactors(node).slice(-2), ['factor.removed totp', 'factor.removed recovery'])
  })

  it('counts that nobody added to for 400 days are forgotten, younger ones are not', async () => {
    const node = startFactors()
    for (const userId of ['old', 'young', 'ada']) {
      await node.factors.checkCode({ userId, device: null }, '123456')
      node.clock.advance('200d')
    }
    await node.factors.checkCode({ userId: 'somebody', device: null }, '123456')
    await new Promise(setImmediate)
    const left = await Promise.all(['old', 'young', 'ada'].map(user => node.factorStore.failures(`unknown ${user}`)))
    assert.deepEqual(
      left.map(count => count !== null),
      [false, true, true],
    )
  })
})

describe('a factor store that fails (T13, T17)', () => {
  const failing = (operation: keyof FactorStore, fail: () => Promise<never>): { store: FactorStore; fail(): void } => {
    const store = forwarding(memoryFactors())
    return {
      store,
      fail: () => Object.assign(store, { [operation]: fail }),
    }
  }
  const down = () => Promise.reject(new Error('the disk is gone'))

  for (const operation of ['list', 'failures', 'saveFailures', 'save'] as const) {
    it(`nobody passes when ${operation} fails: 503, an event, and the attempt stays counted`, async () => {
      const { store, fail } = failing(operation, down)
      const node = startFactors({ factors: { store } })
      const app = await enrol(node, 'ada')
      fail()
      await assert.rejects(node.factors.checkCode(stranger, app.code()), error => {
        assert.ok(error instanceof StoreError)
        assert.equal(error.status, 503)
        assert.match(error.message, /The factor store \(memory\) failed at/)
        return true
      })
      const told = node.events.at(-1)
      assert.ok(told?.type === 'store.failed' && told.operation.startsWith('factors '))
      const counted = operation === 'list' || operation === 'save' ? 1 : null
      if (operation !== 'failures') assert.equal((await store.failures('unknown ada'))?.failures ?? null, counted)
    })
  }

  it('no factor known is not no factor: `required` and `list` reject', async () => {
    const { store, fail } = failing('list', down)
    const node = startFactors({ factors: { store } })
    await enrol(node, 'ada')
    fail()
    for (const call of [() => node.factors.required('ada'), () => node.factors.list('ada')])
      await assert.rejects(call(), StoreError)
  })

  it('a factor that passed stays passed when only the forgiving fails', async () => {
    const { store, fail } = failing('clearFailures', down)
    const node = startFactors({ factors: { store } })
    const app = await enrol(node, 'ada')
    fail()
    assert.equal((await node.factors.checkCode(stranger, app.code())).outcome, 'passed')
    assert.ok(node.events.some(({ type }) => type === 'store.failed'))
  })

  it('a silent store ends the attempt after storeTimeout', async () => {
    const { store, fail } = failing('list', () => new Promise<never>(() => {}))
    const node = startFactors({ factors: { store, storeTimeout: '20ms' } })
    fail()
    await assert.rejects(node.factors.required('ada'), StoreError)
  })

  const lies: readonly (readonly [operation: keyof FactorStore, answer: unknown])[] = [
    ['list', undefined],
    ['list', null],
    ['list', '<html>502 Bad Gateway</html>'],
    ['list', [{}]],
    ['list', [null]],
    [
      'list',
      [{ id: 'x', userId: 'eve', kind: 'totp', version: 1, label: '', createdAt: 1, lastUsedAt: null, body: '' }],
    ],
    [
      'list',
      [{ id: 'x', userId: 'ada', kind: 'sms', version: 1, label: '', createdAt: 1, lastUsedAt: null, body: '' }],
    ],
    ['failures', undefined],
    ['failures', { key: 'unknown eve', version: 0, failures: 0, failedAt: 1 }],
    ['failures', { key: 'unknown ada', version: 1, failures: 'none', failedAt: 1 }],
    ['saveFailures', undefined],
    ['saveFailures', 'OK'],
    ['save', undefined],
    ['save', true],
  ]
  for (const [operation, answer] of lies) {
    it(`an answer to ${operation} that no store gives lets nobody in: ${JSON.stringify(answer)?.slice(0, 60)}`, async () => {
      const { store, fail } = failing(operation, (async () => answer) as () => Promise<never>)
      const node = startFactors({ factors: { store } })
      const app = await enrol(node, 'ada')
      fail()
      await assert.rejects(node.factors.checkCode(stranger, app.code()), StoreError)
    })
  }

  it('a store that always says conflict ends as an error, not as an endless loop', async () => {
    for (const operation of ['save', 'saveFailures'] as const) {
      const { store, fail } = failing(operation, (async () => 'conflict') as unknown as () => Promise<never>)
      const node = startFactors({ factors: { store } })
      const app = await enrol(node, 'ada')
      fail()
      await assert.rejects(node.factors.checkCode(stranger, app.code()), StoreError)
    }
  })
})

/** T13: a code of a second factor works once, in time, for its user, wherever it is tried (ASVS 6.5, NIST 3.1.2 and 3.1.4). */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { FactorAnswer } from 'latchkey/mfa'
import { URI } from 'otpauth'
import { onEveryFactorStore } from '../actors/factor-stores.ts'
import {
  anotherFactorNode,
  appWith,
  enrol,
  outcomes,
  sessionOf,
  startFactors,
  toldOfFactors,
  wrongCode,
} from '../actors/second-factors.ts'
import { Seeds } from '../actors/seeds.ts'

const from = (userId: string, device: string | null = null) => ({ userId, device })
const refused: FactorAnswer = { outcome: 'refused' }
const fifty = Array.from({ length: 50 }, (_, i) => i)

onEveryFactorStore('codes that work once (T13)', newPlace => {
  it('ASVS 6.5.1, NIST 3.1.4: of 50 uses of one TOTP code at once, on two nodes, one passes', async () => {
    const place = await newPlace()
    const node = startFactors({ factors: { store: place.open() } })
    const other = anotherFactorNode(node, place.open())
    const app = await enrol(node, 'ada')
    for (const devices of [[null], ['laptop'], [null, 'laptop']]) {
      const code = app.code()
      const answers = await Promise.all(
        fifty.map(i => (i % 2 ? node : other).factors.checkCode(from('ada', devices[i % devices.length]), code)),
      )
      assert.equal(outcomes(answers).passed, 1, JSON.stringify(outcomes(answers)))
      node.clock.advance('30s')
      await node.factors.forgive('ada')
    }
    assert.ok(toldOfFactors(node).concat(toldOfFactors(other)).includes('factor.refused totp used'))
    await Promise.all([node.factors.close(), other.factors.close()])
  })

  it('ASVS 6.5.1, NIST 4.2.1.1: of 50 uses of one recovery code at once, on two nodes, one passes', async () => {
    const place = await newPlace()
    const node = startFactors({ factors: { store: place.open() } })
    const other = anotherFactorNode(node, place.open())
    await enrol(node, 'ada')
    const [code = ''] = await node.factors.renewRecoveryCodes('ada')
    const answers = await Promise.all(
      fifty.map(i => (i % 2 ? node : other).factors.checkCode(from('ada', i % 3 ? null : 'laptop'), code)),
    )
    assert.equal(outcomes(answers).passed, 1, JSON.stringify(outcomes(answers)))
    const [, recovery] = await node.factors.list('ada')
    assert.equal(recovery?.codesLeft, 9)
    await Promise.all([node.factors.close(), other.factors.close()])
  })

  it('ASVS 6.5.1: ten recovery codes at once, on two nodes, pass once each', async () => {
    const place = await newPlace()
    const node = startFactors({ factors: { store: place.open() } })
    const other = anotherFactorNode(node, place.open())
    await enrol(node, 'ada')
    const codes = await node.factors.renewRecoveryCodes('ada')
    const use = (code: string, i: number) => (i % 2 ? node : other).factors.checkCode(from('ada'), code)
    assert.deepEqual(outcomes(await Promise.all(codes.map(use))), { passed: 10 })
    await node.factors.forgive('ada')
    for (const code of codes) {
      assert.deepEqual(await node.factors.checkCode(from('ada'), code), refused)
      assert.equal(toldOfFactors(node).at(-1), 'factor.refused recovery used')
      await node.factors.forgive('ada')
    }
    await Promise.all([node.factors.close(), other.factors.close()])
  })

  it('an enrolment that is confirmed 50 times at once, on two nodes, adds one factor', async () => {
    const place = await newPlace()
    const node = startFactors({ factors: { store: place.open() } })
    const other = anotherFactorNode(node, place.open())
    const session = sessionOf('ada')
    const { uri, ticket } = await node.factors.beginTotp(session, 'ada')
    const code = appWith(uri, node.clock).code()
    const answers = await Promise.all(
      fifty.map(i => (i % 2 ? node : other).factors.confirmTotp(session, ticket, code, 'phone')),
    )
    assert.deepEqual(outcomes(answers), { passed: 1, refused: 49 })
    assert.equal((await other.factors.list('ada')).length, 1)
    await Promise.all([node.factors.close(), other.factors.close()])
  })

  it('a code survives no restart: what was used stays used', async () => {
    const place = await newPlace()
    const node = startFactors({ factors: { store: place.open() } })
    const app = await enrol(node, 'ada')
    const [recovery = ''] = await node.factors.renewRecoveryCodes('ada')
    for (const code of [app.code(), recovery])
      assert.equal((await node.factors.checkCode(from('ada'), code)).outcome, 'passed')
    const code = app.code()
    await node.factors.close()
    const restarted = anotherFactorNode(node, place.open())
    for (const used of [code, recovery]) assert.deepEqual(await restarted.factors.checkCode(from('ada'), used), refused)
    await restarted.factors.close()
  })

  it('ASVS 6.5.2: whoever steals the store has no seed and no code; and no event holds one', async () => {
    const place = await newPlace()
    const node = startFactors({ factors: { store: place.open() } })
    const seeds = new Seeds()
    const app = await enrol(node, 'ada')
    const { secret } = URI.parse(app.uri)
    for (const [name, text] of Object.entries({
      'the seed, base32': secret.base32,
      'the seed, hex': secret.hex,
      'the seed, bytes': secret.latin1,
      'the seed, base64': Buffer.from(secret.bytes).toString('base64').slice(0, -1),
      'the seed, base64url': Buffer.from(secret.bytes).toString('base64url'),
    })) {
      seeds.add(name, text)
    }
    const codes = await node.factors.renewRecoveryCodes('ada')
    for (const code of codes) {
      seeds.add('a recovery code', code)
      seeds.add('a recovery code without dashes', code.replaceAll('-', ''))
      seeds.add('a group of a recovery code', code.slice(0, 11))
    }
    await node.factors.checkCode(from('ada'), app.code())
    await node.factors.checkCode(from('ada'), codes[3] ?? '')
    await node.factors.checkCode(from('ada'), codes[3] ?? '')
    await node.factors.checkCode(from('ada'), wrongCode(app))
    const abandoned = await node.factors.beginTotp(sessionOf('ada'), 'ada')
    seeds.add('an abandoned ticket', abandoned.ticket)
    seeds.add('an abandoned secret', abandoned.secret)
    const dump = await place.dump()
    assert.ok(dump.includes('ada') && dump.includes('My phone'), 'it is the store')
    seeds.assertNotIn(dump, 'the store')
    seeds.assertNotIn(node.events, 'the events')
    await node.factors.close()
  })
})

describe('time-based codes (T13)', () => {
  // What the phone's clock is off by, in steps of 30 s, and whether the code passes.
  const table: readonly (readonly [what: string, steps: number, passes: { both: boolean; current: boolean }])[] = [
    ['of this step', 0, { both: true, current: true }],
    ['of the step before', -1, { both: true, current: false }],
    ['two steps old', -2, { both: false, current: false }],
    ['ten minutes old', -20, { both: false, current: false }],
    ['of the next step', 1, { both: false, current: false }],
    ['of a clock that is an hour fast', 120, { both: false, current: false }],
    ['of a clock that is a year slow', -1_051_200, { both: false, current: false }],
  ]
  for (const [what, steps, passes] of table) {
    it(`ASVS 6.5.5, 6.5.8: a code ${what} ${passes.both ? 'passes' : 'is refused'}`, async () => {
      for (const totpWindow of ['current-and-previous', 'current'] as const) {
        const node = startFactors({ factors: { totpWindow } })
        const app = await enrol(node, 'ada')
        node.clock.advance('5m')
        const { outcome } = await node.factors.checkCode(from('ada'), app.code(steps))
        const expected = totpWindow === 'current' ? passes.current : passes.both
        assert.equal(outcome, expected ? 'passed' : 'refused', totpWindow)
      }
    })
  }

  it('ASVS 6.5.5: a code lives 60 seconds by default and 30 with `current`, to the millisecond', async () => {
    for (const [totpWindow, lifeMs] of [['current-and-previous', 60_000] as const, ['current', 30_000] as const]) {
      for (const [afterMs, outcome] of [[lifeMs - 1, 'passed'] as const, [lifeMs, 'refused'] as const]) {
        const node = startFactors({ factors: { totpWindow } })
        const app = await enrol(node, 'ada')
        node.clock.set(Math.ceil(node.clock.now() / 30_000) * 30_000 + 600_000)
        const code = app.code()
        node.clock.set(node.clock.now() + afterMs)
        assert.equal((await node.factors.checkCode(from('ada'), code)).outcome, outcome, `${totpWindow} ${afterMs}`)
      }
    }
  })

  it('after a later code an earlier one is refused, although it is still in time', async () => {
    const node = startFactors()
    const app = await enrol(node, 'ada')
    node.clock.advance('2m')
    const previous = app.code(-1)
    assert.equal((await node.factors.checkCode(from('ada'), app.code())).outcome, 'passed')
    assert.deepEqual(await node.factors.checkCode(from('ada'), previous), refused)
    assert.equal(toldOfFactors(node).at(-1), 'factor.refused totp used')
  })

  it('a server clock that was set back makes no used code good again', async () => {
    const node = startFactors()
    const app = await enrol(node, 'ada')
    const code = app.code()
    const at = node.clock.now()
    assert.equal((await node.factors.checkCode(from('ada'), code)).outcome, 'passed')
    node.clock.advance('5m')
    assert.equal((await node.factors.checkCode(from('ada'), app.code())).outcome, 'passed')
    node.clock.set(at)
    assert.deepEqual(await node.factors.checkCode(from('ada'), code), refused)
  })

  it('whatever is tried when, exactly the codes in time and later than the last accepted one pass', async () => {
    const attempts = fc.array(
      fc.record({ waitSeconds: fc.integer({ min: 0, max: 90 }), step: fc.integer({ min: -3, max: 2 }) }),
      {
        minLength: 1,
        maxLength: 12,
      },
    )
    await fc.assert(
      fc.asyncProperty(attempts, async tries => {
        const node = startFactors()
        const app = await enrol(node, 'ada')
        let last = Math.floor(node.clock.now() / 30_000) - 1
        for (const { waitSeconds, step } of tries) {
          if (waitSeconds > 0) node.clock.advance(`${waitSeconds}s`)
          const current = Math.floor(node.clock.now() / 30_000)
          const isGood = (step === 0 || step === -1) && current + step > last
          // The throttle has its own tests.
          await node.factors.forgive('ada')
          const { outcome } = await node.factors.checkCode(from('ada'), app.code(step))
          assert.equal(outcome, isGood ? 'passed' : 'refused')
          if (isGood) last = current + step
        }
      }),
      { numRuns: 60 },
    )
  })

  it('WSTG-ATHN-11: a code is its user’s only, and two apps of one user both work', async () => {
    const node = startFactors()
    const adas = await enrol(node, 'ada')
    const bobs = await enrol(node, 'bob')
    const adasTablet = await enrol(node, 'ada')
    assert.deepEqual(await node.factors.checkCode(from('bob'), adas.code()), refused)
    assert.deepEqual(await node.factors.checkCode(from('carol'), adas.code()), refused)
    for (const app of [adas, adasTablet])
      assert.equal((await node.factors.checkCode(from('ada'), app.code())).outcome, 'passed')
    assert.equal((await node.factors.checkCode(from('bob'), bobs.code())).outcome, 'passed')
  })

  it('ASVS 6.5.6: a factor that was removed is refused from then on', async () => {
    const node = startFactors()
    const app = await enrol(node, 'ada')
    const [factor] = await node.factors.list('ada')
    assert.equal(await node.factors.remove('bob', factor?.id ?? ''), false, 'it is not his')
    assert.equal(await node.factors.remove('ada', factor?.id ?? ''), true)
    assert.equal(await node.factors.remove('ada', factor?.id ?? ''), false)
    assert.deepEqual(await node.factors.checkCode(from('ada'), app.code()), refused)
    assert.equal(await node.factors.required('ada'), false)
  })

  it('ASVS 6.5.3: seeds and recovery codes are what the random source gave, and nothing else', async () => {
    const given: string[] = []
    const random = (size: number) => {
      const bytes = randomBytes(size)
      given.push(bytes.toString('hex'))
      return bytes
    }
    const node = startFactors({ random })
    const { uri } = await enrol(node, 'ada')
    assert.ok(given.includes(URI.parse(uri).secret.hex.toLowerCase()), 'the seed, 160 bits')
    given.length = 0
    const codes = await node.factors.renewRecoveryCodes('ada')
    assert.equal(given.filter(bytes => bytes.length === 50).length, 10, 'five bits of each of 25 bytes')
    const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
    const expected = given.map(hex => Array.from(Buffer.from(hex, 'hex'), byte => alphabet[byte & 31]).join(''))
    assert.deepEqual(
      codes.map(code => code.replaceAll('-', '')),
      expected,
    )
  })

  const shapes = ['123 456', ' 123456 ', '123-456', '1 2 3 4 5 6', '123456\n']
  it('a code may be typed with spaces and dashes', async () => {
    for (const shape of shapes) {
      const node = startFactors()
      const app = await enrol(node, 'ada')
      const digits = [...app.code()]
      const typed = shape.replaceAll(/\d/g, () => digits.shift() ?? '')
      assert.equal((await node.factors.checkCode(from('ada'), typed)).outcome, 'passed', JSON.stringify(shape))
    }
  })

  it('anything else is refused as malformed, with the same answer', async () => {
    const node = startFactors()
    await enrol(node, 'ada')
    const typed: unknown[] = [
      '',
      '12345',
      '1234567',
      '１２３４５６',
      '12345a',
      '+12345',
      '0x1234',
      '1e5000',
      '\0',
      '٣'.repeat(6),
    ]
    for (const code of [...typed, ' '.repeat(1_000_000), null, undefined, 123_456, {}, ['123456']]) {
      assert.deepEqual(await node.factors.checkCode(from('ada'), code as string), refused)
      assert.equal(toldOfFactors(node).at(-1), 'factor.refused null malformed')
      await node.factors.forgive('ada')
    }
  })
})

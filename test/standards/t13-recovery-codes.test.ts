/** T13: recovery codes are strong, work once, and only stand in for a factor (ASVS 6.5, NIST 4.2.1.1). */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { FactorAnswer } from 'latchkey/mfa'
import { enrol, startFactors, toldOfFactors } from '../actors/second-factors.ts'

const from = (userId: string) => ({ userId, device: null })
const refused: FactorAnswer = { outcome: 'refused' }

describe('recovery codes (T13)', () => {
  it('ASVS 6.5.2, 6.5.4: ten codes of 125 bits, all different, in groups for people', async () => {
    const node = startFactors()
    await enrol(node, 'ada')
    const codes = await node.factors.renewRecoveryCodes('ada')
    assert.equal(new Set(codes).size, 10)
    for (const code of codes) assert.match(code, /^([0-9A-HJKMNP-TV-Z]{5}-){4}[0-9A-HJKMNP-TV-Z]{5}$/)
  })

  it('a code passes however it is typed: case, spaces, dashes, O for 0, I and L for 1', async () => {
    const node = startFactors()
    await enrol(node, 'ada')
    const spelling = fc.record({
      lower: fc.boolean(),
      zero: fc.constantFrom('0', 'O', 'o'),
      one: fc.constantFrom('1', 'I', 'i', 'L', 'l'),
      gap: fc.constantFrom('', '-', ' ', ' - ', '\t', '\u00a0'),
    })
    await fc.assert(
      fc.asyncProperty(spelling, fc.integer({ min: 0, max: 9 }), async ({ lower, zero, one, gap }, index) => {
        const code = (await node.factors.renewRecoveryCodes('ada'))[index] ?? ''
        const cased = lower ? code.toLowerCase() : code
        const typed = cased.replaceAll('0', zero).replaceAll('1', one).replaceAll('-', gap)
        assert.equal((await node.factors.checkCode(from('ada'), ` ${typed} `)).outcome, 'passed', typed)
      }),
      { numRuns: 100 },
    )
  })

  it('CS-M1: a new set kills the old one, and only with it', async () => {
    const node = startFactors()
    await enrol(node, 'ada')
    const old = await node.factors.renewRecoveryCodes('ada')
    assert.equal((await node.factors.checkCode(from('ada'), old[0] ?? '')).outcome, 'passed')
    node.clock.advance('1h')
    const fresh = await node.factors.renewRecoveryCodes('ada')
    for (const code of old) {
      assert.deepEqual(await node.factors.checkCode(from('ada'), code), refused)
      await node.factors.forgive('ada')
    }
    const [, recovery] = await node.factors.list('ada')
    assert.deepEqual([recovery?.codesLeft, recovery?.lastUsedAt, recovery?.createdAt], [10, null, node.clock.now()])
    assert.equal((await node.factors.checkCode(from('ada'), fresh[9] ?? '')).outcome, 'passed')
  })

  it('WSTG-ATHN-11: a code is its user’s only', async () => {
    const node = startFactors()
    for (const user of ['ada', 'bob']) await enrol(node, user)
    const [code = ''] = await node.factors.renewRecoveryCodes('ada')
    await node.factors.renewRecoveryCodes('bob')
    assert.deepEqual(await node.factors.checkCode(from('bob'), code), refused)
    assert.equal((await node.factors.checkCode(from('ada'), code)).outcome, 'passed')
  })

  it('codes whose record somebody moved to another user are worth nothing', async () => {
    const node = startFactors()
    for (const user of ['ada', 'mallory']) await enrol(node, user)
    const [code = ''] = await node.factors.renewRecoveryCodes('mallory')
    await node.factors.renewRecoveryCodes('ada')
    const mallorys = (await node.factorStore.list('mallory')).find(({ kind }) => kind === 'recovery')
    const adas = (await node.factorStore.list('ada')).find(({ kind }) => kind === 'recovery')
    assert.ok(mallorys && adas)
    await node.factorStore.save({ ...adas, version: adas.version + 1, body: mallorys.body })
    assert.deepEqual(await node.factors.checkCode(from('ada'), code), refused)
  })

  it('the last factor takes the codes with it; any other does not', async () => {
    const node = startFactors()
    for (let i = 0; i < 2; i += 1) await enrol(node, 'ada')
    const [code = '', other = ''] = await node.factors.renewRecoveryCodes('ada')
    const [first, second] = await node.factors.list('ada')
    await node.factors.remove('ada', first?.id ?? '')
    assert.equal((await node.factors.checkCode(from('ada'), code)).outcome, 'passed')
    await node.factors.remove('ada', second?.id ?? '')
    assert.deepEqual(await node.factors.list('ada'), [])
    assert.deepEqual(await node.factors.checkCode(from('ada'), other), refused)
    assert.deepEqual(toldOfFactors(node).slice(-3), [
      'factor.removed totp',
      'factor.removed recovery',
      'factor.refused recovery unknown',
    ])
  })

  it('codes alone, which a removal that failed half-way leaves behind, are good for nothing', async () => {
    const node = startFactors()
    await enrol(node, 'ada')
    const [code = ''] = await node.factors.renewRecoveryCodes('ada')
    const [totp] = await node.factors.list('ada')
    await node.factorStore.remove(totp?.id ?? '')
    assert.equal(await node.factors.required('ada'), false)
    assert.deepEqual(await node.factors.checkCode(from('ada'), code), refused)
  })

  it('nobody gets codes for a factor that is not there', async () => {
    const node = startFactors()
    await assert.rejects(node.factors.renewRecoveryCodes('ada'), { code: 'usage', message: /Set one up/ })
    assert.deepEqual(await node.factors.list('ada'), [])
  })
})

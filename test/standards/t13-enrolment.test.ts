/** T13: a factor is added when it has worked once, and its secret is of no use to whoever has the store (ASVS 6.5, NIST 4.1). */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FactorAnswer, Factors } from 'latchkey/mfa'
import { Browser } from '../actors/browser.ts'
import {
  appWith,
  enrol,
  type FactorNode,
  sessionOf,
  startFactors,
  toldOfFactors,
  wrongCode,
} from '../actors/second-factors.ts'
import { newSecretText } from '../actors/server.ts'

const from = (userId: string, device: string | null = null) => ({ userId, device })
const refused: FactorAnswer = { outcome: 'refused' }
/** The same text, but for one character in the middle. */
const changed = (text: string) => {
  const middle = text.length >> 1
  return `${text.slice(0, middle)}${text[middle] === 'A' ? 'B' : 'A'}${text.slice(middle + 1)}`
}

describe('enrolment (T13)', () => {
  it('an enrolment that is abandoned leaves nothing behind, and the account as it was', async () => {
    const node = startFactors()
    for (let i = 0; i < 20; i += 1) await node.factors.beginTotp(sessionOf('ada'), 'ada')
    assert.deepEqual(await node.factors.list('ada'), [])
    assert.equal(await node.factors.required('ada'), false)
    assert.deepEqual(toldOfFactors(node), [])
  })

  it('the code that confirmed it is used: it does not sign in as well', async () => {
    const node = startFactors()
    const session = sessionOf('ada')
    const { uri, ticket } = await node.factors.beginTotp(session, 'ada')
    const app = appWith(uri, node.clock)
    const previous = app.code(-1)
    assert.equal((await node.factors.confirmTotp(session, ticket, app.code(), 'phone')).outcome, 'passed')
    for (const code of [app.code(), previous])
      assert.deepEqual(await node.factors.checkCode(from('ada'), code), refused)
    node.clock.advance('30s')
    assert.equal((await node.factors.checkCode(from('ada'), app.code())).outcome, 'passed')
  })

  const wrong: readonly (readonly [
    what: string,
    fault: string,
    confirm: (factors: Factors, ticket: string, code: string, bad: string) => Promise<FactorAnswer>,
    wait?: true,
  ])[] = [
    ['a wrong code', 'wrong', (factors, ticket, _, bad) => factors.confirmTotp(sessionOf('ada'), ticket, bad, 'x')],
    ['no code', 'malformed', (factors, ticket) => factors.confirmTotp(sessionOf('ada'), ticket, '', 'x')],
    [
      'another session',
      'unconfirmed',
      (factors, ticket, code) => factors.confirmTotp(sessionOf('ada', 'other'), ticket, code, 'x'),
    ],
    [
      'another user',
      'unconfirmed',
      (factors, ticket, code) => factors.confirmTotp(sessionOf('eve', 'session of ada'), ticket, code, 'x'),
    ],
    [
      'a ticket that was changed',
      'unconfirmed',
      (factors, ticket, code) => factors.confirmTotp(sessionOf('ada'), changed(ticket), code, 'x'),
    ],
    [
      'a ticket that was cut',
      'unconfirmed',
      (factors, ticket, code) => factors.confirmTotp(sessionOf('ada'), ticket.slice(0, 20), code, 'x'),
    ],
    ['no ticket', 'unconfirmed', (factors, _, code) => factors.confirmTotp(sessionOf('ada'), '', code, 'x')],
  ]
  const over: readonly (readonly [what: string, happens: (node: FactorNode, browser: Browser) => unknown])[] = [
    ['ten minutes later', ({ clock }) => clock.advance('10m')],
    ['when its session was ended', ({ sessions }) => sessions.endUser('ada')],
    ['after a sign-out', (_, browser) => browser.send(session => session.end())],
    ['after another sign-in', (_, browser) => browser.signIn('ada')],
  ]
  for (const [what, happens] of over) {
    it(`is refused ${what}, and nothing was added`, async () => {
      const node = startFactors()
      const browser = new Browser(node)
      await browser.signIn('ada')
      const { body } = await browser.send(session => node.factors.beginTotp(session, 'ada'))
      const { uri = '', ticket = '' } = body ?? {}
      const { token } = browser
      const confirming = await browser.send(
        async session => {
          await session.load()
          // While the code is on its way.
          await happens(node, browser)
          return node.factors.confirmTotp(session, ticket, appWith(uri, node.clock).code(), 'x')
        },
        { token, lost: true },
      )
      assert.deepEqual(confirming.body ?? refused, refused)
      assert.deepEqual(await node.factors.list('ada'), [])
    })
  }

  it('is refused with a ticket whose app was removed since: one ticket adds one app', async () => {
    const node = startFactors()
    const session = sessionOf('ada')
    const { uri, ticket } = await node.factors.beginTotp(session, 'ada')
    const app = appWith(uri, node.clock)
    assert.equal((await node.factors.confirmTotp(session, ticket, app.code(), 'x')).outcome, 'passed')
    const [factor] = await node.factors.list('ada')
    await node.factors.remove('ada', factor?.id ?? '')
    assert.deepEqual(await node.factors.confirmTotp(session, ticket, app.code(), 'x'), refused)
    assert.deepEqual(await node.factors.list('ada'), [])
  })

  for (const [what, fault, confirm] of wrong) {
    it(`is refused with ${what}, and nothing was added`, async () => {
      const node = startFactors()
      const { uri, ticket } = await node.factors.beginTotp(sessionOf('ada'), 'ada')
      const app = appWith(uri, node.clock)
      assert.deepEqual(await confirm(node.factors, ticket, app.code(), wrongCode(app)), refused)
      assert.deepEqual(toldOfFactors(node), [`factor.refused totp ${fault}`])
      assert.deepEqual([...(await node.factors.list('ada')), ...(await node.factors.list('eve'))], [])
    })
  }

  it('a wrong first code can be corrected: the ticket is still good', async () => {
    const node = startFactors()
    const { uri, ticket } = await node.factors.beginTotp(sessionOf('ada'), 'ada')
    const app = appWith(uri, node.clock)
    for (const code of [wrongCode(app), app.code(7)])
      assert.deepEqual(await node.factors.confirmTotp(sessionOf('ada'), ticket, code, 'x'), refused)
    assert.equal((await node.factors.confirmTotp(sessionOf('ada'), ticket, app.code(), 'x')).outcome, 'passed')
  })

  it('a ticket adds one factor, however often it is sent', async () => {
    const node = startFactors()
    const { uri, ticket } = await node.factors.beginTotp(sessionOf('ada'), 'ada')
    const app = appWith(uri, node.clock)
    const outcomes: string[] = []
    for (let i = 0; i < 3; i += 1) {
      outcomes.push((await node.factors.confirmTotp(sessionOf('ada'), ticket, app.code(), 'x')).outcome)
      node.clock.advance('30s')
    }
    assert.deepEqual(outcomes, ['passed', 'refused', 'refused'])
    assert.equal((await node.factors.list('ada')).length, 1)
  })

  it('T14: who is not signed in, or only half, or locked, sets up no factor', async () => {
    const node = startFactors()
    const nobody = sessionOf(null)
    for (const call of [
      () => node.factors.beginTotp(nobody, 'x'),
      () => node.factors.confirmTotp(nobody, 'x', '123456', 'x'),
      () => node.factors.beginTotp({ ...sessionOf('ada'), id: null }, 'x'),
    ]) {
      await assert.rejects(call(), { code: 'usage', message: /requireUser/ })
    }
  })

  it('a user may have five apps, and is told before the sixth is set up', async () => {
    const node = startFactors()
    const sixth = await node.factors.beginTotp(sessionOf('ada'), 'ada')
    for (let i = 0; i < 5; i += 1) await enrol(node, 'ada')
    await assert.rejects(node.factors.beginTotp(sessionOf('ada'), 'ada'), { code: 'usage', message: /5 authenticator/ })
    const app = appWith(sixth.uri, node.clock)
    await assert.rejects(node.factors.confirmTotp(sessionOf('ada'), sixth.ticket, app.code(), 'x'), { code: 'usage' })
    assert.equal((await node.factors.list('ada')).length, 5)
  })
})

describe('seeds and the server’s keys (T13, T20)', () => {
  it('a factor that was made under an old key works, and is sealed under the newest one by its use', async () => {
    const [oldest, newer, newest] = [newSecretText(), newSecretText(), newSecretText()]
    const node = startFactors({ secrets: [oldest] })
    const app = await enrol(node, 'ada')
    const nodeWith = (secrets: string[]) =>
      startFactors({ secrets, clock: node.clock, factors: { store: node.factorStore } })
    const after = nodeWith([newer, oldest])
    assert.equal((await after.factors.checkCode(from('ada'), app.code())).outcome, 'passed')
    node.clock.advance('30s')
    const later = nodeWith([newest, newer])
    assert.equal((await later.factors.checkCode(from('ada'), app.code())).outcome, 'passed')
  })

  it('an enrolment that was begun before the key changed is confirmed after it', async () => {
    const node = startFactors()
    const { uri, ticket } = await node.factors.beginTotp(sessionOf('ada'), 'ada')
    const secrets = [newSecretText(), node.secret]
    const after = startFactors({ secrets, clock: node.clock, factors: { store: node.factorStore } })
    const answer = await after.factors.confirmTotp(sessionOf('ada'), ticket, appWith(uri, node.clock).code(), 'phone')
    assert.equal(answer.outcome, 'passed')
  })

  it('without its key a factor is refused and told of, still required, and a recovery code helps', async () => {
    const node = startFactors()
    const app = await enrol(node, 'ada')
    const [code = ''] = await node.factors.renewRecoveryCodes('ada')
    const after = startFactors({ clock: node.clock, factors: { store: node.factorStore } })
    assert.deepEqual(await after.factors.checkCode(from('ada'), app.code()), refused)
    assert.deepEqual(toldOfFactors(after), ['record.corrupt', 'factor.refused totp unknown'])
    assert.equal(await after.factors.required('ada'), true)
    assert.equal((await after.factors.checkCode(from('ada'), code)).outcome, 'passed')
  })

  const tampering: readonly (readonly [what: string, body: (adas: string, mallorys: string) => string])[] = [
    ['is another user’s', (_, mallorys) => mallorys],
    [
      'has another user’s seed',
      (adas, mallorys) => JSON.stringify({ ...JSON.parse(adas), seed: JSON.parse(mallorys).seed }),
    ],
    ['is no JSON', () => 'seed'],
    ['is null', () => 'null'],
    ['has no seed', adas => JSON.stringify({ ...JSON.parse(adas), seed: undefined })],
    ['has no step', adas => JSON.stringify({ ...JSON.parse(adas), lastStep: 'never' })],
    ['is of a later version', adas => JSON.stringify({ ...JSON.parse(adas), v: 2 })],
    ['was cut', adas => adas.slice(0, -9)],
    ['is empty', () => ''],
  ]
  for (const [what, tamper] of tampering) {
    it(`a record whose body ${what} lets nobody in, and is told of`, async () => {
      const node = startFactors()
      const adas = await enrol(node, 'ada')
      const mallorys = await enrol(node, 'mallory')
      const [record] = await node.factorStore.list('ada')
      const [other] = await node.factorStore.list('mallory')
      assert.ok(record && other)
      const body = tamper(record.body, other.body)
      assert.equal(await node.factorStore.save({ ...record, version: record.version + 1, body }), 'saved')
      for (const app of [adas, mallorys])
        assert.deepEqual(await node.factors.checkCode(from('ada'), app.code()), refused)
      assert.equal(toldOfFactors(node).filter(told => told === 'record.corrupt').length, 2)
    })
  }
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type AccessSubject, AccessTokens } from '../../src/bearer/access-token.ts'
import { createKeySet } from '../../src/bearer/key-set.ts'
import type { AccessTokenFault } from '../../src/session/events.ts'
import { accepted, joseVerify } from '../actors/accepted-token.ts'
import {
  algorithms,
  alice,
  audience,
  createIssuer,
  freshJwk,
  type Issuer,
  issuer,
  minute,
  noon,
  second,
} from '../actors/jwt-forge.ts'

const numRuns = Number(process.env.FUZZ_RUNS ?? 200)
const ttlMs = 15 * minute
const toleranceMs = 5 * second
const life = ttlMs / second
const iat = noon / second
const byAlgorithm = new Map(await Promise.all(algorithms.map(async alg => [alg, await createIssuer(alg)] as const)))
const es256 = byAlgorithm.get('ES256') as Issuer
const eddsa = byAlgorithm.get('EdDSA') as Issuer

describe('access token', () => {
  for (const [alg, by] of byAlgorithm) {
    it(`JWT-14: ${alg}: says what RFC 9068 asks for, in its words`, () => {
      const { jti, ...claims } = by.claims
      assert.deepEqual(by.header, { alg, typ: 'at+jwt', kid: by.keys.signingKey(noon).kid })
      assert.match(String(jti), /^[\w-]{22}$/)
      assert.deepEqual(claims, {
        iss: issuer,
        aud: audience,
        sub: 'alice',
        client_id: 'campus-app',
        sid: alice.sid,
        auth_time: iat - 60,
        amr: ['pwd', 'otp'],
        acr: '2',
        iat,
        exp: iat + life,
      })
    })

    it(`${alg}: what was minted is verified, and jose agrees`, async () => {
      const { claims, ...said } = accepted(by.tokens.verify(by.good, noon))
      const times = { issuedAt: noon, expiresAt: noon + ttlMs }
      assert.deepEqual(said, { ...alice, ...times, issuer, audience: [audience], jti: by.claims.jti })
      assert.deepEqual(claims, {})
      await joseVerify(by, by.good)
    })
  }

  it('carries the key it is bound to and claims of the application', async () => {
    const keyThumbprint = 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k'
    const claims = { scope: 'cart', roles: ['student'], tenant: { id: 7 } }
    const text = await es256.tokens.mint({ ...alice, keyThumbprint, claims }, noon)
    const token = accepted(es256.tokens.verify(text, noon))
    assert.deepEqual([token.keyThumbprint, token.claims], [keyThumbprint, claims])
    const { payload } = await joseVerify(es256, text)
    assert.deepEqual([payload.cnf, payload.scope], [{ jkt: keyThumbprint }, 'cart'])
  })

  it('no two tokens are the same, not even of one session in one millisecond', async () => {
    assert.notEqual(await eddsa.tokens.mint(alice, noon), await eddsa.tokens.mint(alice, noon))
  })

  it('times are rounded down to whole seconds, so a token never lives longer than it should', async () => {
    const text = await es256.tokens.mint({ ...alice, authenticatedAt: noon + 999 }, noon + 999)
    const { issuedAt, expiresAt, authenticatedAt } = accepted(es256.tokens.verify(text, noon))
    assert.deepEqual([issuedAt, expiresAt, authenticatedAt], [noon, noon + ttlMs, noon])
  })

  it('a sign-in that another machine dates in the future counts as of now', async () => {
    const text = await es256.tokens.mint({ ...alice, authenticatedAt: noon + minute }, noon)
    assert.equal(accepted(es256.tokens.verify(text, noon)).authenticatedAt, noon)
  })

  describe('ASVS 9.2.1, JWT-16: holds from its time to its end, give or take the tolerance', () => {
    const at = (claims: object, now: number, by = es256) =>
      by.tokens.verify(by.signed(by.header, { ...by.claims, ...claims }), now)
    const expiresAt = noon + ttlMs
    const moments: readonly (readonly [name: string, claims: object, now: number, fault: AccessTokenFault | null])[] = [
      ['a second before its end', {}, expiresAt - second, null],
      ['at its end', {}, expiresAt, null],
      ['in the last millisecond of the tolerance', {}, expiresAt + toleranceMs - 1, null],
      ['when the tolerance is over', {}, expiresAt + toleranceMs, 'expired'],
      ['years later', {}, expiresAt * 2, 'expired'],
      ['a second before it was made, by our clock', {}, noon - second, null],
      ['in the first millisecond of the tolerance', {}, noon - toleranceMs, null],
      ['before that', {}, noon - toleranceMs - 1, 'expired'],
      ['at its nbf', { nbf: iat + 60 }, noon + minute, null],
      ['before its nbf, within the tolerance', { nbf: iat + 60 }, noon + minute - toleranceMs, null],
      ['before its nbf', { nbf: iat + 60 }, noon + minute - toleranceMs - 1, 'expired'],
      ['before its iat, whatever its nbf', { nbf: iat - 60 }, noon - toleranceMs - 1, 'expired'],
    ]
    for (const [name, claims, now, fault] of moments) {
      it(`${name}: ${fault ?? 'good'}`, async () => {
        const result = at(claims, now)
        assert.equal(typeof result === 'string' ? result : null, fault)
        if (!fault) await joseVerify(es256, es256.signed(es256.header, { ...es256.claims, ...claims }), now)
      })
    }

    it('without tolerance it ends at exp and begins at iat', async () => {
      const strict = await createIssuer('ES256', { toleranceMs: 0 })
      for (const [now, isGood] of [
        [noon - 1, false],
        [noon, true],
        [expiresAt - 1, true],
        [expiresAt, false],
      ] as const) {
        assert.equal(strict.tokens.verify(strict.good, now) !== 'expired', isGood, `${now - noon}`)
      }
    })
  })

  describe('JWT-14: every claim must be there and be what it must be', () => {
    const numbers: readonly unknown[] = [
      null,
      '',
      String(iat),
      true,
      [iat],
      {},
      iat + 0.5,
      -1,
      -iat,
      iat * 1000,
      1e15,
      253_402_300_800,
    ]
    const texts: readonly unknown[] = [null, '', 1, true, ['alice'], {}, 'x'.repeat(257)]
    const ids: readonly unknown[] = [
      ...texts,
      'x'.repeat(21),
      'x'.repeat(23),
      `${'x'.repeat(21)}=`,
      `${'x'.repeat(22)}\n`,
    ]
    const bad: Record<string, readonly unknown[]> = {
      exp: [...numbers, iat, iat - 1, 0, iat + 3_601],
      iat: [...numbers, iat + life, iat + life + 1],
      auth_time: [...numbers, iat + 1],
      nbf: numbers,
      iss: texts,
      sub: texts,
      client_id: texts,
      jti: ids,
      sid: ids,
      aud: [null, '', 1, {}, [], [1], [''], [audience, 1], [[audience]], { 0: audience }, Array(17).fill(audience)],
      amr: [null, 'pwd', [1], [''], ['x'.repeat(65)], Array(17).fill('pwd'), { 0: 'pwd' }],
      acr_times: [null, [], 'x', { 1: 1 }, { 4: 1 }, { 2: '1' }, { 2: -1 }, { 2: 1.5 }, { 2: 9e15 }],
      acr: [null, 2, '', '0', '4', ' 2', '2.0', 'urn:mace:incommon:iap:silver', ['2']],
      cnf: [
        null,
        '',
        'jkt',
        [],
        {},
        { jkt: 1 },
        { jkt: '' },
        { jkt: 'x'.repeat(42) },
        { kid: 'a' },
        { jkt: 'x'.repeat(43), kid: 'a' },
        { 'x5t#S256': 'x'.repeat(43) },
      ],
    }
    const optional = new Set(['nbf', 'cnf', 'acr_times'])
    for (const [name, values] of Object.entries(bad)) {
      it(`${name}${optional.has(name) ? '' : ', missing or'} wrong: incomplete`, () => {
        const { [name]: _, ...without } = es256.claims
        if (!optional.has(name)) {
          assert.equal(es256.tokens.verify(es256.signed(es256.header, without), noon), 'incomplete', 'missing')
        }
        for (const value of values) {
          const text = es256.signed(es256.header, { ...without, [name]: value })
          const result = es256.tokens.verify(text, noon)
          assert.equal(result, 'incomplete', JSON.stringify(value)?.slice(0, 60))
        }
      })
    }

    for (const number of ['1e999', '-0.5', '9007199254740993', '1795262400.5', '0x6b000000', '01795262400']) {
      it(`ASVS 9.2.1: exp ${number}, as no JSON.stringify would write it, is refused`, () => {
        const claims = JSON.stringify(es256.claims).replace(/"exp":\d+/, `"exp":${number}`)
        const result = es256.tokens.verify(es256.signed(es256.header, claims), noon)
        assert.ok(result === 'malformed' || result === 'incomplete', String(result))
      })
    }
  })

  describe('no token is made that would not be accepted', () => {
    const wrong: readonly (readonly [name: string, subject: Partial<AccessSubject>, says: RegExp])[] = [
      ['an empty user id', { userId: '' }, /user id/],
      ['a user id of 257 characters', { userId: 'x'.repeat(257) }, /user id/],
      ['half a surrogate pair in the user id', { userId: 'a\ud800' }, /whole characters/],
      ['a client id of 257 characters', { clientId: 'x'.repeat(257) }, /client id/],
      ['a token where a sid should be', { sid: `abcdefgh.${'x'.repeat(86)}` }, /session id/],
      ['level 0', { aal: 0 }, /aal/],
      ['17 methods', { amr: Array(17).fill('pwd') }, /amr/],
      ['a thumbprint that is none', { keyThumbprint: 'x' }, /thumbprint/],
      ['no time', { authenticatedAt: Number.NaN }, /time/],
      ['sub as a claim of the application', { claims: { sub: 'bob' } }, /claims: sub is ours/],
      ['exp and cnf as claims of the application', { claims: { exp: 1, cnf: {} } }, /claims: exp, cnf are ours/],
      ['a name like __proto__', { claims: JSON.parse('{"__proto__":1}') }, /__proto__/],
      ['claims too deep', { claims: { a: { b: { c: { d: {} } } } } }, /4 levels/],
      ['a number that is rounded', { claims: { id: 2 ** 60 } }, /safe numbers/],
      ['claims too long for a header', { claims: { text: 'x'.repeat(8_000) } }, /too long/],
    ]
    for (const [name, subject, says] of wrong) {
      it(name, () =>
        assert.rejects(es256.tokens.mint({ ...alice, ...subject }, noon), { name: 'UsageError', message: says }),
      )
    }

    it('whatever is minted is accepted, by us and by jose, and says the same (fuzz)', async () => {
      const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 })
      const subjects = fc.record({
        userId: text,
        clientId: text,
        aal: fc.constantFrom(1 as const, 2 as const, 3 as const),
        amr: fc.array(text, { maxLength: 3 }),
        authenticatedAt: fc.integer({ min: 0, max: noon }),
        claims: fc.dictionary(
          fc.string().map(name => `x_${name}`),
          fc.jsonValue({ maxDepth: 1 }),
          { maxKeys: 3 },
        ),
      })
      await fc.assert(
        fc.asyncProperty(subjects, async subject => {
          let token: string
          try {
            token = await eddsa.tokens.mint({ ...alice, ...subject }, noon)
          } catch (error) {
            assert.equal((error as Error).name, 'UsageError')
            return
          }
          const said = accepted(eddsa.tokens.verify(token, noon))
          const expected = JSON.parse(JSON.stringify(subject.claims))
          assert.deepEqual(
            [said.userId, said.clientId, said.aal, said.claims],
            [subject.userId, subject.clientId, subject.aal, expected],
          )
          assert.equal((await joseVerify(eddsa, token)).payload.sub, subject.userId)
        }),
        { numRuns },
      )
    })

    it('whatever is signed with our key and accepted, jose accepts, too (fuzz)', async () => {
      const { claims, header } = eddsa
      const value = fc.oneof(
        fc.jsonValue({ maxDepth: 1 }),
        fc.constantFrom(...Object.values(claims)),
        fc.integer({ min: iat - 9, max: iat + 9 }),
      )
      const changes = fc.dictionary(fc.constantFrom(...Object.keys(claims), 'nbf', 'cnf', 'x'), value, { maxKeys: 2 })
      await fc.assert(
        fc.asyncProperty(changes, async changed => {
          const token = eddsa.signed(header, { ...claims, ...changed })
          if (typeof eddsa.tokens.verify(token, noon) !== 'string') await joseVerify(eddsa, token)
        }),
        { numRuns },
      )
    })
  })

  describe('T23: refuses to start', () => {
    const keys = createKeySet([freshJwk()], { verifiesForMs: 70 * minute })
    const good = { issuer, audience: [audience], keys, ttlMs }
    const wrong: readonly (readonly [name: string, options: object, says: RegExp])[] = [
      ['no issuer', { issuer: '' }, /issuer/],
      ['an issuer that is no URL', { issuer: 'campus' }, /issuer/],
      ['an issuer with a query', { issuer: `${issuer}?a` }, /issuer/],
      ['an issuer with a fragment', { issuer: `${issuer}#a` }, /issuer/],
      ['another scheme', { issuer: 'javascript:alert(1)' }, /issuer/],
      ['JWT-6: no audience', { audience: [] }, /audience/],
      ['an empty audience', { audience: [''] }, /audience/],
      ['an audience of 257 characters', { audience: ['x'.repeat(257)] }, /audience/],
      ['a life of nothing', { ttlMs: 0 }, /accessTtl/],
      ['a life of more than an hour', { ttlMs: 60 * minute + 1 }, /1h/],
      ['a life without end', { ttlMs: Number.POSITIVE_INFINITY }, /accessTtl/],
      ['JWT-16: more than a minute of tolerance', { toleranceMs: minute + 1 }, /tolerance/],
      ['negative tolerance', { toleranceMs: -1 }, /tolerance/],
      ['no number as tolerance', { toleranceMs: Number.NaN }, /tolerance/],
      [
        'keys that are forgotten before their tokens end',
        { keys: createKeySet([freshJwk()], { verifiesForMs: ttlMs }) },
        /verifiesForMs/,
      ],
    ]
    for (const [name, options, says] of wrong) {
      it(name, () => {
        assert.throws(() => new AccessTokens({ ...good, ...options }), { name: 'UsageError', message: says })
      })
    }
    it('but takes an hour, a minute of tolerance, and an issuer on this machine', () => {
      new AccessTokens({ ...good, ttlMs: 60 * minute, toleranceMs: minute, issuer: 'http://localhost:3000' })
    })
  })
})

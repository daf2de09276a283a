import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AccessTokens } from '../../src/bearer/access-token.ts'
import type { AccessTokenFault } from '../../src/session/events.ts'
import { accepted, joseVerify } from '../actors/accepted-token.ts'
import { alice, audience, createIssuer, issuer, minute, noon } from '../actors/jwt-forge.ts'

const ttlMs = 15 * minute
const es256 = await createIssuer('ES256')

describe('what an access token is for', () => {
  describe('JWT-5, ASVS 9.2.3: issuer and audience are compared as text, exactly', () => {
    const cases: readonly (readonly [claim: 'iss' | 'aud', value: unknown, fault: AccessTokenFault | null])[] = [
      ['iss', `${issuer}/`, 'misplaced'],
      ['iss', issuer.toUpperCase(), 'misplaced'],
      ['iss', issuer.replace('https', 'http'), 'misplaced'],
      ['iss', `${issuer}:443`, 'misplaced'],
      ['iss', 'https://evil.example', 'misplaced'],
      ['aud', audience, null],
      ['aud', [audience], null],
      ['aud', ['https://other.example', audience], null],
      ['aud', 'https://other.example', 'misplaced'],
      ['aud', ['https://other.example', 'https://another.example'], 'misplaced'],
      ['aud', `${audience}/`, 'misplaced'],
      ['aud', audience.toUpperCase(), 'misplaced'],
      ['aud', audience.slice(0, -1), 'misplaced'],
      ['aud', ` ${audience}`, 'misplaced'],
      ['aud', issuer, 'misplaced'],
      ['aud', 'campus-app', 'misplaced'],
    ]
    for (const [claim, value, fault] of cases) {
      it(`${claim} ${JSON.stringify(value)}: ${fault ?? 'good'}`, async () => {
        const text = es256.signed(es256.header, { ...es256.claims, [claim]: value })
        const result = es256.tokens.verify(text, noon)
        assert.equal(typeof result === 'string' ? result : null, fault)
        if (!fault) await joseVerify(es256, text)
      })
    }

    it('JWT-5: the key of one issuer does not speak for another', async () => {
      const other = await createIssuer('ES256', { issuer: 'https://other.example' })
      assert.equal(es256.tokens.verify(other.good, noon), 'untrusted')
      const sharedKey = await createIssuer('ES256', { issuer: 'https://other.example' }, es256.jwk)
      assert.equal(es256.tokens.verify(sharedKey.good, noon), 'misplaced')
    })
  })

  describe('ASVS 9.2.4: with several audiences', () => {
    const api = 'https://api.example'
    const files = 'https://files.example'
    const by = () => createIssuer('EdDSA', { audience: [api, files] })

    it('a token is for the one that is named, and for no other', async () => {
      const { tokens, keys } = await by()
      const text = await tokens.mint({ ...alice, audience: files }, noon)
      assert.deepEqual(accepted(tokens.verify(text, noon)).audience, [files])
      const only = (name: string) => new AccessTokens({ issuer, audience: [name], keys, ttlMs })
      assert.deepEqual(accepted(only(files).verify(text, noon)).audience, [files])
      assert.equal(only(api).verify(text, noon), 'misplaced')
    })

    it('none is made that does not say for which, or for one that is not registered', async () => {
      const { tokens } = await by()
      await assert.rejects(tokens.mint(alice, noon), { name: 'UsageError', message: /which audience/ })
      await assert.rejects(tokens.mint({ ...alice, audience: issuer }, noon), {
        name: 'UsageError',
        message: /which audience/,
      })
    })
  })

  describe('ASVS 9.2.2, JWT-8: only typ at+jwt', () => {
    const types: readonly (readonly [typ: unknown, isOurs: boolean])[] = [
      ['at+jwt', true],
      ['AT+JWT', true],
      ['application/at+jwt', true],
      ['Application/At+Jwt', true],
      [undefined, false],
      [null, false],
      ['', false],
      ['JWT', false],
      ['jwt', false],
      ['application/jwt', false],
      ['at+jwt ', false],
      ['at jwt', false],
      ['xat+jwt', false],
      ['at+jwt\n', false],
      ['text/at+jwt', false],
      ['application/application/at+jwt', false],
      ['dpop+jwt', false],
      ['logout+jwt', false],
      ['secevent+jwt', false],
      ['token-introspection+jwt', false],
      [['at+jwt'], false],
    ]
    for (const [typ, isOurs] of types) {
      it(`typ ${JSON.stringify(typ)}: ${isOurs ? 'good' : 'misplaced'}`, async () => {
        const text = es256.signed({ ...es256.header, typ }, es256.claims)
        const result = es256.tokens.verify(text, noon)
        assert.equal(typeof result === 'string' ? result : 'good', isOurs ? 'good' : 'misplaced')
        if (isOurs) await joseVerify(es256, text)
      })
    }
  })
})

import assert from 'node:assert/strict'
import { createPrivateKey, createSecretKey } from 'node:crypto'
import { describe, it } from 'node:test'
import { AccessTokens } from '../../src/bearer/access-token.ts'
import { createKeySet, type KeySet } from '../../src/bearer/key-set.ts'
import { accepted } from '../actors/accepted-token.ts'
import {
  type Algorithm,
  alice,
  audience,
  createIssuer,
  freshJwk,
  issuer,
  minute,
  noon,
  second,
  signJws,
} from '../actors/jwt-forge.ts'

const ttlMs = 15 * minute
const toleranceMs = 5 * second
const iat = noon / second
const es256 = await createIssuer('ES256')

describe('an access token seen again', () => {
  /** Tokens whose key counts how often it verifies, and can be removed. */
  function watched(alg: Algorithm) {
    const jwk = freshJwk(alg, { kid: 'watched' })
    const keys = createKeySet([jwk], { verifiesForMs: 20 * minute })
    const state = { removed: false, verified: 0 }
    const { verifier, ...rest } = keys.signingKey(noon)
    const key = {
      ...rest,
      get verifier() {
        state.verified += 1
        return verifier
      },
    }
    const verifyingKey: KeySet['verifyingKey'] = (...asked) =>
      keys.verifyingKey(...asked) && !state.removed ? key : null
    const tokens = new AccessTokens({ issuer, audience: [audience], keys: { ...keys, verifyingKey }, ttlMs })
    return { tokens, state, jwk }
  }

  it('the signature is computed once, and the answer is the same object, which nobody can change', async () => {
    const { tokens, state } = watched('ES256')
    const text = await tokens.mint({ ...alice, claims: { roles: ['student'], of: { a: [] } } }, noon)
    const first = accepted(tokens.verify(text, noon))
    const again = accepted(tokens.verify(text, noon + minute))
    assert.equal(first, again)
    assert.equal(state.verified, 1)
    const roles = again.claims.roles as string[]
    assert.throws(() => roles.push('admin'), TypeError)
    assert.throws(() => Object.assign(again, { userId: 'bob' }), TypeError)
    assert.throws(() => Object.assign(again.claims.of as object, { b: 1 }), TypeError)
    assert.throws(() => (again.amr as string[]).push('hwk'), TypeError)
  })

  it('its end holds to the second', async () => {
    const { tokens, state } = watched('ES256')
    const text = await tokens.mint(alice, noon)
    accepted(tokens.verify(text, noon + ttlMs + toleranceMs - 1))
    assert.equal(tokens.verify(text, noon + ttlMs + toleranceMs), 'expired')
    assert.equal(tokens.verify(text, noon - toleranceMs - 1), 'expired', 'a clock that was set back')
    assert.equal(state.verified, 1)
  })

  it('ASVS 9.2.1: its nbf holds to the second', () => {
    const text = es256.signed(es256.header, { ...es256.claims, nbf: iat + 60 })
    accepted(es256.tokens.verify(text, noon + minute))
    assert.equal(es256.tokens.verify(text, noon + minute - toleranceMs - 1), 'expired')
  })

  it('a key that is removed, or whose time is over, takes its tokens with it', async () => {
    const { tokens, state } = watched('EdDSA')
    const text = await tokens.mint(alice, noon)
    accepted(tokens.verify(text, noon))
    state.removed = true
    assert.equal(tokens.verify(text, noon), 'untrusted')
    state.removed = false
    accepted(tokens.verify(text, noon))
  })

  it('T20: a key that stopped signing takes its tokens with it when the last one should be over, whatever they say', () => {
    const jwk = freshJwk('ES256', { kid: 'old', 'latchkey:until': new Date(noon + minute).toISOString() })
    const keys = createKeySet([jwk, freshJwk()], { verifiesForMs: 65 * second })
    const tokens = new AccessTokens({ issuer, audience: [audience], keys, ttlMs: minute })
    // Somebody has found the old key, and signs with it after its time.
    const claims = { ...es256.claims, iat: iat + 100, exp: iat + 200 }
    const stolen = createPrivateKey({ key: jwk, format: 'jwk' })
    const text = signJws({ alg: 'ES256', typ: 'at+jwt', kid: 'old' }, claims, 'ES256', stolen)
    accepted(tokens.verify(text, noon + 125 * second - 1))
    assert.equal(tokens.verify(text, noon + 125 * second), 'untrusted')
  })

  it('a token that is not good is never remembered', async () => {
    const { tokens, state } = watched('ES256')
    const text = await tokens.mint(alice, noon)
    const forged = `${text.slice(0, -4)}AAAA`
    for (let count = 1; count <= 3; count += 1) {
      assert.equal(tokens.verify(forged, noon), 'untrusted')
      assert.equal(state.verified, count)
    }
    assert.equal(tokens.verify(text, noon - minute), 'expired')
    assert.equal(tokens.verify(text, noon - minute), 'expired')
    assert.equal(state.verified, 5)
  })

  it('a good token does not vouch for one that differs in its signature or its claims only', () => {
    accepted(es256.tokens.verify(es256.good, noon))
    const [header, claims, signature] = es256.good.split('.')
    const other = es256.signed(es256.header, { ...es256.claims, sub: 'bob' }).split('.')
    assert.equal(es256.tokens.verify(`${header}.${other[1]}.${signature}`, noon), 'untrusted')
    assert.equal(es256.tokens.verify(`${header}.${claims}.${other[2]}`, noon), 'untrusted')
  })

  it('the memory is bounded: ten thousand other tokens push the first one out', () => {
    const { tokens, state, jwk } = watched('HS256')
    const secret = createSecretKey(String(jwk.k), 'base64url')
    const header = { alg: 'HS256', typ: 'at+jwt', kid: 'watched' }
    const verify = (userId: string) =>
      accepted(tokens.verify(signJws(header, { ...es256.claims, sub: userId }, 'HS256', secret), noon))
    verify('alice')
    verify('alice')
    assert.equal(state.verified, 1)
    for (let other = 1; other <= 10_000; other += 1) verify(`user ${other}`)
    verify('alice')
    assert.equal(state.verified, 10_002)
  })
})

/**
 * T11: second spellings of a token (JWT-13, JWT-2). A deny list that knows tokens by their text, or a hash of it, is passed by
 * whoever can write the same token in another way. So there is one spelling of everything but the signature, and what a
 * token is known by (`sid`, `jti`) is the same in all spellings that are good.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createLocalJWKSet, jwtVerify } from 'jose'
import type { AccessToken } from '../../src/bearer/access-token.ts'
import { accepted } from '../actors/accepted-token.ts'
import { call, requestOf, signIn, startApi } from '../actors/api.ts'
import {
  algorithms,
  alice,
  audience,
  createIssuer,
  freshJwk,
  type Issuer,
  issuer,
  noon,
  parts,
  twin,
} from '../actors/jwt-forge.ts'

const es256 = await createIssuer('ES256')
/** A service that has not seen any token yet. */
const afresh = () => createIssuer('ES256', {}, es256.jwk)

describe('T11: second spellings of a token', () => {
  it('JWT-13: (r, n − s) is good for everybody, with another text', async () => {
    const other = twin(es256.good)
    assert.notEqual(other, es256.good)
    const keys = createLocalJWKSet({ keys: es256.keys.jwks(noon).keys.map(key => ({ kty: '', ...key })) })
    await jwtVerify(other, keys, { issuer, audience, typ: 'at+jwt', currentDate: new Date(noon) })
    accepted((await afresh()).tokens.verify(other, noon))
  })

  it('JWT-13: what it is known by is the same, whichever was seen first', async () => {
    const pair = [es256.good, twin(es256.good)]
    for (const order of [pair, pair.toReversed()]) {
      const { tokens } = await afresh()
      const [first, second] = order.map(text => accepted(tokens.verify(text, noon)))
      assert.deepEqual(first, second)
      assert.equal(first?.sid, alice.sid)
    }
  })

  it('JWT-13: whoever is refused by sid or jti is refused in all spellings, and after the first was remembered', async () => {
    const { tokens } = await afresh()
    const { sid, jti } = accepted(tokens.verify(es256.good, noon))
    const isRevoked = (token: AccessToken) => token.sid === sid || token.jti === jti
    for (const text of [es256.good, twin(es256.good), twin(twin(es256.good))]) {
      assert.ok(isRevoked(accepted(tokens.verify(text, noon))))
    }
  })

  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  /** Other texts that a lenient decoder reads as the same part. */
  function respellings(part: string): string[] {
    const last = alphabet.indexOf(part.slice(-1))
    const unusedBits = [0, 0, 4, 2][part.length % 4] ?? 0
    const bits = Array.from(
      { length: (1 << unusedBits) - 1 },
      (_, index) => part.slice(0, -1) + alphabet[last + index + 1],
    )
    const padding = '='.repeat((4 - (part.length % 4)) % 4)
    const foreign = ['=', '==', ' ', '\n', '\r\n', '\t', '\0', '!', '*', '%0A', '\u00a0', '\u200b'].flatMap(text => [
      part + text,
      text + part,
      part.slice(0, 9) + text + part.slice(9),
    ])
    const standard = part.replaceAll('-', '+').replaceAll('_', '/')
    return [...new Set([...bits, part + padding, standard, standard + padding, ...foreign])].filter(
      text => text !== part,
    )
  }

  for (const alg of algorithms) {
    it(`JWT-2: ${alg}: of the encoding of each part, only one spelling is good, also once it was remembered`, async () => {
      const by: Issuer = await createIssuer(alg)
      let tried = 0
      // Tokens of several lengths, so that each part ends in every number of unused bits.
      for (const userId of ['a', 'ab', 'abc']) {
        const token = await by.tokens.mint({ ...alice, userId }, noon)
        accepted(by.tokens.verify(token, noon))
        for (const [index, part] of parts(token).entries()) {
          for (const other of respellings(part)) {
            const text = parts(token).with(index, other).join('.')
            assert.equal(by.tokens.verify(text, noon), 'malformed', JSON.stringify(other))
            tried += 1
          }
        }
      }
      assert.ok(tried > 300, `${tried} spellings`)
    })
  }

  it('JWT-13: a signature in DER, of which there are many spellings, is not good', () => {
    const [header, claims, signature] = parts(es256.good)
    const bytes = Buffer.from(signature, 'base64url')
    const integer = (part: Buffer) => Buffer.concat([Buffer.from([2, 33, 0]), part])
    const body = Buffer.concat([integer(bytes.subarray(0, 32)), integer(bytes.subarray(32))])
    const der = Buffer.concat([Buffer.from([0x30, body.length]), body])
    assert.equal(es256.tokens.verify(`${header}.${claims}.${der.toString('base64url')}`, noon), 'untrusted')
  })

  it('JWT-13: signed out, it is refused in both spellings, also in the one that nobody has seen yet', async () => {
    const api = startApi({ keys: [freshJwk('ES256')] })
    const { access_token: token, refresh_token } = await signIn(api)
    assert.equal((await call(api, twin(token))).status, 200)
    await api.bearer.revoke(requestOf({ method: 'POST' }), refresh_token)
    for (const text of [token, twin(token)]) assert.equal((await call(api, text)).status, 401)
  })
})

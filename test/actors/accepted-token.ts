import assert from 'node:assert/strict'
import { createLocalJWKSet, importJWK, type JWTVerifyResult, jwtVerify } from 'jose'
import type { AccessToken } from '../../src/bearer/access-token.ts'
import type { AccessTokenFault } from '../../src/session/events.ts'
import { audience, type Issuer, issuer, noon } from './jwt-forge.ts'

/** What jose, which other services use, says of a token that we accepted; throws when it refuses. */
export async function joseVerify(by: Issuer, token: string, now: number = noon): Promise<JWTVerifyResult> {
  const { kty, kid, alg } = { kid: undefined, kty: '', ...by.jwk }
  const options = {
    issuer,
    audience,
    algorithms: [alg],
    typ: 'at+jwt',
    currentDate: new Date(now),
    clockTolerance: 5,
    requiredClaims: ['sub', 'client_id', 'iat', 'exp', 'jti', 'sid', 'auth_time', 'amr', 'acr'],
  }
  if (alg === 'HS256') return jwtVerify(token, await importJWK({ ...by.jwk, kty, kid: String(kid) }), options)
  return jwtVerify(
    token,
    createLocalJWKSet({ keys: by.keys.jwks(now).keys.map(key => ({ kty: '', ...key })) }),
    options,
  )
}

/** The token that was accepted; fails when it was refused. */
export function accepted(result: AccessToken | AccessTokenFault): AccessToken {
  assert.ok(typeof result !== 'string', `refused: ${result}`)
  return result
}

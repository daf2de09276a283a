import assert from 'node:assert/strict'
import { generateKeyPairSync, KeyObject, sign } from 'node:crypto'
import { describe, it } from 'node:test'
import type { ProvenRequest } from '../../src/bearer/dpop.ts'
import { createProof, type ProofKeyPair } from '../actors/dpop-client.ts'
import {
  type BoundRequest,
  byKey,
  edwards,
  forged,
  mine,
  minute,
  now,
  other,
  outcome,
  partsOf,
  proofFor,
  request,
  respelt,
  server,
} from '../actors/proof-server.ts'

// All with the same key.
const [rfcToken, rfcThumbprint] = [
  'Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU',
  '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I',
]
const rfcHeader =
  'eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19'
const rfcExamples: readonly (readonly [
  name: string,
  iat: number,
  proof: string,
  request: Omit<ProvenRequest, 'proof'>,
])[] = [
  [
    'the token request of section 5',
    1562262616,
    `${rfcHeader}.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg`,
    { method: 'POST', url: 'https://server.example.com/token', accessToken: null, expectedThumbprint: null },
  ],
  [
    'the refresh of section 5',
    1562265296,
    `${rfcHeader}.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjY1Mjk2fQ.pAqut2IRDm_De6PR93SYmGBPXpwrAk90e8cP2hjiaG5QsGSuKDYW7_X620BxqhvYC8ynrrvZLTk41mSRroapUA`,
    { method: 'POST', url: 'https://server.example.com/token', accessToken: null, expectedThumbprint: rfcThumbprint },
  ],
  [
    'the protected resource request of section 7.1',
    1562262618,
    `${rfcHeader}.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA`,
    {
      method: 'GET',
      url: 'https://resource.example.org/protectedresource',
      accessToken: rfcToken,
      expectedThumbprint: rfcThumbprint,
    },
  ],
]

describe('T21 DPoP: the examples of RFC 9449', () => {
  for (const [name, iat, proof, request] of rfcExamples) {
    it(`DP-1: ${name} is proved at its time, by the key of the RFC's thumbprint`, async () => {
      const checked = await server().check({ ...request, proof } as ProvenRequest, iat * 1_000)
      assert.deepEqual(checked, { kind: 'proved', keyThumbprint: rfcThumbprint })
    })

    it(`DP-1: ${name} is refused today, and with any letter of its signature changed`, async () => {
      assert.equal(outcome(await server().check({ ...request, proof } as ProvenRequest, now)), 'untimely')
      const start = proof.lastIndexOf('.') + 1
      for (let at = start; at < proof.length - 1; at += 7) {
        const changed = proof.slice(0, at) + (proof[at] === 'A' ? 'B' : 'A') + proof.slice(at + 1)
        const checked = await server().check({ ...request, proof: changed } as ProvenRequest, iat * 1_000)
        assert.equal(outcome(checked), 'untrusted')
      }
    })
  }
})

const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 })
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' })
const secp256k1 = generateKeyPairSync('ec', { namedCurve: 'secp256k1' })

type Given = { proof: ProvenRequest['proof'] } & Partial<BoundRequest>
type Rule = readonly [name: string, given: () => Promise<Given>, outcome: string]
const header =
  (header: object, keys = mine) =>
  async (): Promise<Given> => ({ proof: await proofFor(keys, { header: { ...header } }) })
const claims = (claims: object) => async (): Promise<Given> => ({
  proof: await proofFor(mine, { claims: { ...claims } }),
})
const against = (request: Partial<BoundRequest>) => async (): Promise<Given> => ({
  proof: await proofFor(mine),
  ...request,
})
const at = (ms: number) => async (): Promise<Given> => ({ proof: await proofFor(mine, {}, now + ms) })
const jwk = (members: object) => header({ jwk: { ...mine.publicJwk, ...members } })
const { x = '', y = '' } = mine.publicJwk
const withHeader = (changes: object, signature: (data: Buffer) => Buffer) => async (): Promise<Given> => {
  const [head, body] = partsOf(await proofFor(mine))
  return { proof: forged({ ...head, ...changes }, body, signature) }
}

const rules: Rule[] = [
  ['a good proof is proved', async () => ({ proof: await proofFor(mine) }), 'proved'],
  ['a good proof as the only one of a list is proved', async () => ({ proof: [await proofFor(mine)] }), 'proved'],
  [
    'an Ed25519 proof is proved',
    async () => ({ proof: await proofFor(edwards), expectedThumbprint: edwards.thumbprint }),
    'proved',
  ],
  [
    'an Ed25519 proof that calls itself EdDSA is proved',
    async () => ({
      proof: await proofFor({ ...edwards, algorithm: 'EdDSA' }),
      expectedThumbprint: edwards.thumbprint,
    }),
    'proved',
  ],
  ['JWT-8: the prefix application/ makes no difference to the type', header({ typ: 'application/dpop+jwt' }), 'proved'],
  [
    'what browsers add to a key is fine',
    jwk({ ext: true, key_ops: ['verify'], use: 'sig', kid: '1', alg: 'ES256' }),
    'proved',
  ],
  ['a kid is not looked at', header({ kid: '../../etc/passwd' }), 'proved'],
  ['other claims are not looked at', claims({ sub: 'alice', exp: 1 }), 'proved'],
  [
    'the other spelling of the address is the address',
    against({ url: 'HTTPS://api.example.com:443/cours%65s' }),
    'proved',
  ],

  ['no proof', async () => ({ proof: undefined }), 'missing'],
  ['an empty header', async () => ({ proof: '' }), 'missing'],
  ['an empty list', async () => ({ proof: [] }), 'missing'],
  ['two headers', async () => ({ proof: [await proofFor(mine), await proofFor(mine)] }), 'malformed'],
  ['two headers, joined', async () => ({ proof: `${await proofFor(mine)}, ${await proofFor(mine)}` }), 'malformed'],
  [
    'one proof twice',
    async () => {
      const proof = await proofFor(mine)
      return { proof: [proof, proof] }
    },
    'malformed',
  ],
  ['no JWT', async () => ({ proof: 'proof' }), 'malformed'],
  ['JWT-2: a proof with padding', async () => ({ proof: `${await proofFor(mine)}=` }), 'malformed'],
  ['JWT-2: a proof with a space in front', async () => ({ proof: ` ${await proofFor(mine)}` }), 'malformed'],
  ['JWT-3: a proof of five parts', async () => ({ proof: `${await proofFor(mine)}.a.b` }), 'malformed'],
  ['JWT-15: a proof of 5,000 characters', claims({ pad: 'x'.repeat(3_500) }), 'malformed'],
  [
    'JWT-9: a claim twice',
    async () => {
      const [head, body] = partsOf(await proofFor(mine))
      return { proof: forged(head, `{"htm":"POST",${JSON.stringify(body).slice(1)}`, byKey(mine)) }
    },
    'malformed',
  ],
  [
    'JWT-9: two keys',
    async () => {
      const [head, body] = partsOf(await proofFor(mine))
      return {
        proof: forged(`{"jwk":${JSON.stringify(other.publicJwk)},${JSON.stringify(head).slice(1)}`, body, byKey(mine)),
      }
    },
    'malformed',
  ],
  ['JWT-10: a critical extension', withHeader({ crit: ['b64'], b64: true }, byKey(mine)), 'malformed'],

  ['no type', header({ typ: undefined }), 'malformed'],
  ['the type JWT', header({ typ: 'JWT' }), 'malformed'],
  ['JWT-8: the type of an access token', header({ typ: 'at+jwt' }), 'malformed'],
  ['a type that begins like ours', header({ typ: 'dpop+jwt2' }), 'malformed'],
  ['JWT-7: a key elsewhere (jku)', header({ jku: 'https://evil.example/keys' }), 'malformed'],
  ['JWT-7: a certificate elsewhere (x5u)', header({ x5u: 'https://evil.example/certificate' }), 'malformed'],
  ['a certificate (x5c)', header({ x5c: ['MIIB'] }), 'malformed'],
  ['the hash of a certificate (x5t)', header({ x5t: 'aGFzaA' }), 'malformed'],
  ['the SHA-256 of a certificate (x5t#S256)', header({ 'x5t#S256': 'aGFzaA' }), 'malformed'],

  ['no key', header({ jwk: undefined }), 'untrusted'],
  ['a key that is a text', header({ jwk: 'key' }), 'untrusted'],
  ['a key that is a list', header({ jwk: [mine.publicJwk] }), 'untrusted'],
  ['a private key', jwk({ d: 'AA' }), 'untrusted'],
  ['an empty private member', jwk({ d: '' }), 'untrusted'],
  ['a member of a private RSA key', jwk({ qi: 'AA' }), 'untrusted'],
  ['the key of a symmetric algorithm', jwk({ k: 'AA' }), 'untrusted'],
  ['another curve under the same numbers', jwk({ crv: 'P-384' }), 'untrusted'],
  ['another type under the same numbers', jwk({ kty: 'OKP' }), 'untrusted'],
  ['a point off the curve', jwk({ y: x }), 'untrusted'],
  ['a missing coordinate', jwk({ y: undefined }), 'untrusted'],
  ['a coordinate that is a list', jwk({ x: [x] }), 'untrusted'],
  ['JWT-2: another spelling of the key', jwk({ x: respelt(x) }), 'untrusted'],
  ['JWT-2: a key with padding', jwk({ y: `${y}=` }), 'untrusted'],
  ['JWT-1: a key that is for another algorithm', jwk({ alg: 'ES384' }), 'untrusted'],
  ['JWT-1: a key whose algorithms are a list', jwk({ alg: ['ES256'] }), 'untrusted'],
  ['JWT-14: the algorithm none', withHeader({ alg: 'none' }, () => Buffer.alloc(64)), 'untrusted'],
  ['no algorithm', withHeader({ alg: undefined }, byKey(mine)), 'untrusted'],
  ['JWT-1: the algorithm in another case', withHeader({ alg: 'es256' }, byKey(mine)), 'untrusted'],
  ['JWT-1: a list of algorithms', withHeader({ alg: ['ES256'] }, byKey(mine)), 'untrusted'],
  ['JWT-1: Ed25519 over a P-256 key', withHeader({ alg: 'EdDSA' }, byKey(mine)), 'untrusted'],
  [
    'JWT-1: ES256 over an Ed25519 key',
    async () => ({
      proof: forged(
        { ...partsOf(await proofFor(edwards))[0], alg: 'ES256' },
        partsOf(await proofFor(mine))[1],
        byKey(mine),
      ),
      expectedThumbprint: edwards.thumbprint,
    }),
    'untrusted',
  ],
  [
    'a symmetric algorithm',
    withHeader({ alg: 'HS256', jwk: { kty: 'oct', k: 'AAAA' } }, () => Buffer.alloc(32)),
    'untrusted',
  ],
  ['HS256 over a P-256 key', withHeader({ alg: 'HS256' }, () => Buffer.alloc(32)), 'untrusted'],
  [
    'RSA, which is not on the list',
    withHeader({ alg: 'RS256', jwk: rsa.publicKey.export({ format: 'jwk' }) }, data =>
      sign('sha256', data, rsa.privateKey),
    ),
    'untrusted',
  ],
  [
    'ES256 over a key of another curve of the same size',
    withHeader({ jwk: secp256k1.publicKey.export({ format: 'jwk' }) }, data =>
      sign('sha256', data, { key: secp256k1.privateKey, dsaEncoding: 'ieee-p1363' }),
    ),
    'untrusted',
  ],
  [
    'P-384, which is not on the list',
    withHeader({ alg: 'ES384', jwk: p384.publicKey.export({ format: 'jwk' }) }, data =>
      sign('sha384', data, { key: p384.privateKey, dsaEncoding: 'ieee-p1363' }),
    ),
    'untrusted',
  ],
  ['a signature by another key', withHeader({}, byKey(other)), 'untrusted'],
  ['a signature in DER', withHeader({}, data => sign('sha256', data, KeyObject.from(mine.privateKey))), 'untrusted'],
  ['a signature of zeros', withHeader({}, () => Buffer.alloc(64)), 'untrusted'],
  [
    'a signature over other claims',
    async () => {
      const [[head, body], [, , tail]] = [(await proofFor(mine)).split('.'), (await proofFor(mine)).split('.')]
      return { proof: [head, body, tail].join('.') }
    },
    'untrusted',
  ],

  ['another method', against({ method: 'POST' }), 'other-request'],
  ['the method in another case', against({ method: 'get' }), 'other-request'],
  ['another path', against({ url: 'https://api.example.com/grades' }), 'other-request'],
  ['another host', against({ url: 'https://api.example.org/courses' }), 'other-request'],
  ['another port', against({ url: 'https://api.example.com:8443/courses' }), 'other-request'],
  ['plain http', against({ url: 'http://api.example.com/courses' }), 'other-request'],
  ['an address of two minds', against({ url: 'https://api.example.com/admin/../courses' }), 'other-request'],
  ['no method in the proof', claims({ htm: undefined }), 'malformed'],
  ['no address in the proof', claims({ htu: undefined }), 'malformed'],
  ['a list of methods in the proof', claims({ htm: ['GET'] }), 'malformed'],
  ['a path as the address in the proof', claims({ htu: '/courses' }), 'other-request'],

  ['a proof of 60 seconds ago is proved', at(-minute), 'proved'],
  ['a proof of 61 seconds ago', at(-minute - 1_000), 'untimely'],
  ['a proof of a clock 5 seconds fast is proved', at(5_000), 'proved'],
  ['a proof of a clock 6 seconds fast', at(6_000), 'untimely'],
  ['a proof in milliseconds', claims({ iat: now }), 'untimely'],
  ['a proof from before the epoch', claims({ iat: -now / 1_000 }), 'untimely'],
  ['no time', claims({ iat: undefined }), 'malformed'],
  ['a time that is a text', claims({ iat: String(now / 1_000) }), 'malformed'],

  ['no jti', claims({ jti: undefined }), 'malformed'],
  ['an empty jti', claims({ jti: '' }), 'malformed'],
  ['a jti that is a number', claims({ jti: 7 }), 'malformed'],
  ['DP-3: a jti of 128 characters is proved', claims({ jti: 'x'.repeat(128) }), 'proved'],
  ['DP-3: a jti of 129 characters', claims({ jti: 'x'.repeat(129) }), 'malformed'],

  ['no ath', claims({ ath: undefined }), 'other-token'],
  ['another access token', against({ accessToken: 'another.access.token' }), 'other-token'],
  [
    'an ath with padding',
    async () => {
      const { ath } = partsOf(await proofFor(mine))[1]
      return { proof: await proofFor(mine, { claims: { ath: `${ath}=` } }) }
    },
    'other-token',
  ],
  ['the access token itself as ath', claims({ ath: request.accessToken }), 'other-token'],
  ['another key than the token is bound to', async () => ({ proof: await proofFor(other) }), 'other-key'],
  ['a key of another type than the token is bound to', async () => ({ proof: await proofFor(edwards) }), 'other-key'],
]

describe('T21 DPoP: one rule after the other', () => {
  for (const [name, given, expected] of rules) {
    it(`DP-1: ${name}${expected === 'proved' ? '' : ` is refused: ${expected}`}`, async () => {
      assert.equal(outcome(await server().check({ ...request, ...(await given()) }, now)), expected)
    })
  }

  it('DP-1: at a sign-in any key is proved, and told; at a refresh only the key of the session', async () => {
    const call = { method: 'POST', url: 'https://api.example.com/token', accessToken: null }
    const proof = (keys: ProofKeyPair) => createProof(keys, { ...call, now })
    const signIn = await server().check({ ...call, proof: await proof(mine), expectedThumbprint: null }, now)
    assert.deepEqual(signIn, { kind: 'proved', keyThumbprint: mine.thumbprint })
    const refresh = async (keys: ProofKeyPair) =>
      outcome(await server().check({ ...call, proof: await proof(keys), expectedThumbprint: mine.thumbprint }, now))
    assert.equal(await refresh(mine), 'proved')
    assert.equal(await refresh(other), 'other-key')
  })

  it('DP-1: a proof for a resource is none where no access token is presented', async () => {
    const call = { method: 'POST', url: 'https://api.example.com/token', now }
    const proof = await createProof(mine, { ...call, accessToken: 'an.access.token' })
    const checked = await server().check({ ...call, proof, accessToken: null, expectedThumbprint: null }, now)
    assert.equal(outcome(checked), 'other-token')
  })

  it('DP-1: the client learns one reason, whatever was wrong', async () => {
    const reasons = new Set<string>()
    for (const [, given, expected] of rules) {
      if (expected === 'proved') continue
      const checked = await server().check({ ...request, ...(await given()) }, now)
      if (checked.kind === 'refused') reasons.add(checked.reason)
    }
    assert.deepEqual([...reasons], ['invalid_dpop_proof'])
  })

  it('DP-2: a good nonce excuses nothing else', async () => {
    const node = server({ nonce: 'required' })
    for (const [name, given, expected] of rules) {
      if (expected === 'proved') continue
      const checked = await node.check({ ...request, ...(await given()) }, now)
      assert.equal(outcome(checked), expected, name)
    }
    const old = await proofFor(mine, { claims: { nonce: node.newNonce(now) } }, now - 2 * minute)
    assert.equal(outcome(await node.check({ ...request, proof: old }, now)), 'untimely')
  })
})

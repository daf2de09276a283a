/** T08: abuse of JWTs (ASVS 9.1, WSTG-SESS-10, JWT-1…10), at the door where access tokens are verified. */
import assert from 'node:assert/strict'
import {
  createHmac,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import selfsigned from 'selfsigned'
import type { AccessTokenFault } from '../../src/session/events.ts'
import {
  type Algorithm,
  algorithms,
  createIssuer,
  encode,
  freshJwk,
  type Issuer,
  noon,
  parts,
  signJws,
} from '../actors/jwt-forge.ts'

const issuers = new Map<Algorithm, Issuer>()
for (const alg of algorithms) issuers.set(alg, await createIssuer(alg))
const issuerOf = (alg: Algorithm) => issuers.get(alg) as Issuer

const attacker = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const attackersJwk = attacker.publicKey.export({ format: 'jwk' })
const { cert } = await selfsigned.generate([{ name: 'commonName', value: 'campus.example' }], { keyType: 'ec' })
const x5c = [cert.replace(/-----[^-]+-----|\s/g, '')]

/** What an attacker can know of a service: a good token, and its public keys in whatever form. */
function publicKeyOf(by: Issuer): KeyObject {
  return createPublicKey({ key: { ...by.keys.jwks(noon).keys[0] }, format: 'jwk' })
}

/** Every way to write down a public key, as the bytes of an HMAC secret. */
function writtenForms(by: Issuer): (readonly [name: string, secret: Buffer])[] {
  const key = publicKeyOf(by)
  const jwk = by.keys.jwks(noon).keys[0] ?? {}
  const { x = '', kid = '' } = jwk
  const pem = String(key.export({ format: 'pem', type: 'spki' }))
  return [
    ['PEM', Buffer.from(pem)],
    ['PEM without its last newline', Buffer.from(pem.trim())],
    ['DER', key.export({ format: 'der', type: 'spki' })],
    ['JWK', Buffer.from(JSON.stringify(jwk))],
    ['JWK without kid, use and alg', Buffer.from(JSON.stringify(key.export({ format: 'jwk' })))],
    ['x, decoded', Buffer.from(x, 'base64url')],
    ['x', Buffer.from(x)],
    ['kid', Buffer.from(kid)],
    ['nothing', Buffer.alloc(0)],
  ]
}

const hmac = (header: object, claims: object, secret: Buffer) => {
  const text = `${encode(header)}.${encode(claims)}`
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
}
const unsigned = (by: Issuer, alg: unknown, signature: string) =>
  `${encode({ ...by.header, alg })}.${encode({ ...by.claims, sub: 'admin' })}.${signature}`
/** Signed by the attacker's own key, with the real kid. */
const own = (by: Issuer, header: object) =>
  signJws({ ...by.header, alg: 'ES256', ...header }, { ...by.claims, sub: 'admin' }, 'ES256', attacker.privateKey)

type Attack = readonly [name: string, token: (by: Issuer) => string, faults: AccessTokenFault | AccessTokenFault[]]

const attacks: readonly Attack[] = [
  ...['none', 'None', 'NONE', 'nOnE', '', 'null', undefined, null, [], ['none'], { alg: 'none' }, 0, false].flatMap(
    (alg): Attack[] => [
      [
        `WSTG-SESS-10c, ASVS 9.1.2: alg ${JSON.stringify(alg)} and no signature`,
        by => unsigned(by, alg, ''),
        'malformed',
      ],
      [
        `WSTG-SESS-10c, ASVS 9.1.2: alg ${JSON.stringify(alg)} and the old signature`,
        by => unsigned(by, alg, parts(by.good)[2]),
        'untrusted',
      ],
    ],
  ),
  ...['es256', 'eddsa', 'hs256', 'ES256K', 'ES384', 'RS256', 'PS256', 'HS384', 'HS512', 'ES256 ', 'dir', 'A256GCM'].map(
    (alg): Attack => [
      `JWT-1: alg ${JSON.stringify(alg)}, which no key has`,
      by => unsigned(by, alg, parts(by.good)[2]),
      'untrusted',
    ],
  ),
  [
    'WSTG-SESS-10b, ASVS 9.1.1: another user in the body, the old signature',
    by => [parts(by.good)[0], encode({ ...by.claims, sub: 'admin' }), parts(by.good)[2]].join('.'),
    'untrusted',
  ],
  [
    'WSTG-SESS-10b: a longer life in the body, the old signature',
    by => [parts(by.good)[0], encode({ ...by.claims, exp: 9_999_999_999 }), parts(by.good)[2]].join('.'),
    'untrusted',
  ],
  [
    'ASVS 9.1.1: a signature of nothing but zeros (CVE-2022-21449)',
    by => unsigned(by, by.header.alg, encode(Buffer.alloc(64))),
    'untrusted',
  ],
  [
    'WSTG-SESS-10d: r = s = 0 in DER',
    by => unsigned(by, by.header.alg, encode(Buffer.from('3006020100020100', 'hex'))),
    'untrusted',
  ],
  [
    'WSTG-SESS-10d: r = s = 1',
    by => unsigned(by, by.header.alg, encode(Buffer.from(`${'00'.repeat(31)}01`.repeat(2), 'hex'))),
    'untrusted',
  ],
  [
    'WSTG-SESS-10d: r = s = n',
    by =>
      unsigned(
        by,
        by.header.alg,
        encode(Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'.repeat(2), 'hex')),
      ),
    'untrusted',
  ],
  ['a signature of one byte', by => unsigned(by, by.header.alg, 'AA'), 'untrusted'],
  ['the attacker’s own key, under our kid', by => own(by, {}), 'untrusted'],
  ['the attacker’s own key, under its own kid', by => own(by, { kid: 'attacker' }), 'untrusted'],
  ['WSTG-SESS-10g, ASVS 9.1.3: its own key as jwk', by => own(by, { jwk: attackersJwk }), 'untrusted'],
  [
    'WSTG-SESS-10g: its own key as jwk, kid to match',
    by => own(by, { jwk: { ...attackersJwk, kid: 'attacker' }, kid: 'attacker' }),
    'untrusted',
  ],
  ['ASVS 9.1.3: its own certificate as x5c', by => own(by, { x5c }), 'untrusted'],
  [
    'ASVS 9.1.3: a thumbprint of its own certificate',
    by => own(by, { x5t: 'AAAAAAAAAAAAAAAAAAAAAAAAAAA', 'x5t#S256': 'A'.repeat(43) }),
    'untrusted',
  ],
  [
    'ASVS 9.1.3: even our own key as jwk, well signed',
    by => by.signed({ ...by.header, jwk: by.keys.jwks(noon).keys[0] ?? {} }, by.claims),
    'untrusted',
  ],
  ...['jku', 'x5u', 'x5c', 'x5t', 'enc', 'zip', 'p2c', 'cty', '%', 'toString'].map(
    (name): Attack => [
      `a header ${name}, well signed`,
      by => by.signed({ ...by.header, [name]: 'x' }, by.claims),
      'untrusted',
    ],
  ),
  ...[
    undefined,
    null,
    '',
    1,
    [],
    {},
    ['kid'],
    '../../../../dev/null',
    '/dev/null',
    '/proc/sys/kernel/randomize_va_space',
    'file:///dev/null',
    "' UNION SELECT 'AA';--",
    "x' OR '1'='1",
    '| sleep 10',
    '$(reboot)',
    '`id`',
    '\0',
    '\n',
    '__proto__',
    'constructor',
    'toString',
    'k'.repeat(5_000),
    'http://169.254.169.254/latest/meta-data/',
  ].flatMap((kid): Attack[] => {
    const name = JSON.stringify(kid)?.slice(0, 44)
    return [
      [`WSTG-SESS-10h: kid ${name}, well signed`, by => by.signed({ ...by.header, kid }, by.claims), 'untrusted'],
      [
        `WSTG-SESS-10h: kid ${name}, signed with an empty secret`,
        by => hmac({ ...by.header, alg: 'HS256', kid }, by.claims, Buffer.alloc(0)),
        'untrusted',
      ],
    ]
  }),
  ['JWT-3: five parts, as a JWE has', by => `${by.good}.AAAA.AAAA`, 'malformed'],
  [
    'JWT-3: a JWE of the shape of RFC 7516',
    () =>
      `${encode({ alg: 'dir', enc: 'A256GCM' })}..${encode(randomBytes(12))}.${encode(randomBytes(90))}.${encode(randomBytes(16))}`,
    'malformed',
  ],
  ['two parts', by => by.good.split('.').slice(0, 2).join('.'), 'malformed'],
  ['four parts', by => `${by.good}.${parts(by.good)[2]}`, 'malformed'],
  ['nothing', () => '', 'malformed'],
  ['dots', () => '..', 'malformed'],
  ['a refresh token’s shape', () => `abcdefgh.${randomBytes(64).toString('base64url')}`, 'malformed'],
  ['JWT-2: padding', by => `${by.good}==`, 'malformed'],
  ['JWT-2: a space before it', by => ` ${by.good}`, 'malformed'],
  ['JWT-2: a newline after it', by => `${by.good}\n`, 'malformed'],
  ['JWT-2: braces', by => `{"token":"${by.good}"}`, 'malformed'],
  [
    'JWT-2: JSON serialization',
    by => JSON.stringify({ protected: parts(by.good)[0], payload: parts(by.good)[1], signature: parts(by.good)[2] }),
    'malformed',
  ],
  [
    'JWT-10: crit, well signed',
    by => by.signed({ ...by.header, crit: ['exp'], exp: 9_999_999_999 }, by.claims),
    'malformed',
  ],
  ['JWT-10: an empty crit, well signed', by => by.signed({ ...by.header, crit: [] }, by.claims), 'malformed'],
  [
    'JWT-10: b64 false, well signed',
    by => by.signed({ ...by.header, crit: ['b64'], b64: false }, by.claims),
    'malformed',
  ],
  [
    'JWT-9: two subs, well signed',
    by => by.signed(by.header, JSON.stringify(by.claims).replace('"sub"', '"sub":"admin","sub"')),
    'malformed',
  ],
  [
    'JWT-9: two subs, one escaped, well signed',
    by => by.signed(by.header, JSON.stringify(by.claims).replace('"sub"', '"s\\u0075b":"admin","sub"')),
    'malformed',
  ],
  [
    'JWT-9: two algs, well signed',
    by => by.signed(JSON.stringify(by.header).replace('{', '{"alg":"none",'), by.claims),
    'malformed',
  ],
  [
    'JWT-9: Latin-1, well signed',
    by => by.signed(by.header, Buffer.from(JSON.stringify({ ...by.claims, name: 'Zoë' }), 'latin1')),
    'malformed',
  ],
  [
    'JWT-9: UTF-16, well signed',
    by => by.signed(by.header, Buffer.from(JSON.stringify(by.claims), 'utf16le')),
    'malformed',
  ],
  [
    'JWT-9: a byte order mark, well signed',
    by => by.signed(by.header, `\ufeff${JSON.stringify(by.claims)}`),
    'malformed',
  ],
  [
    'JWT-9: half a surrogate pair as user, well signed',
    by => by.signed(by.header, { ...by.claims, sub: '\ud800' }),
    'malformed',
  ],
  [
    'JWT-9: __proto__, well signed',
    by => by.signed(by.header, JSON.stringify(by.claims).replace('{', '{"__proto__":{"aal":3},')),
    'malformed',
  ],
  [
    'JWT-9: deep nesting, well signed',
    by => by.signed(by.header, JSON.stringify(by.claims).replace('{', `{"a":${'['.repeat(999)}${']'.repeat(999)},`)),
    'malformed',
  ],
  [
    'JWT-9: a huge number, well signed',
    by => by.signed(by.header, JSON.stringify(by.claims).replace('{', '{"a":1e999,')),
    'malformed',
  ],
  ['a payload that is no object, well signed', by => by.signed(by.header, '"alice"'), 'malformed'],
  ['a payload that is empty, well signed', by => by.signed(by.header, '{}'), 'incomplete'],
  [
    'JWT-15: 64 KiB of claims, well signed',
    by => by.signed(by.header, { ...by.claims, pad: 'x'.repeat(65_536) }),
    'malformed',
  ],
  [
    'JWT-15: 64 KiB of header, well signed',
    by => by.signed({ ...by.header, pad: 'x'.repeat(65_536) }, by.claims),
    'malformed',
  ],
  ['JWT-15: 64 KiB of signature', by => `${by.good}${'A'.repeat(65_536)}`, 'malformed'],
  ['JWT-15: 64 KiB of dots', () => '.'.repeat(65_536), 'malformed'],
]

describe('T08: JWT abuse', () => {
  for (const [alg, by] of issuers) {
    describe(alg, () => {
      for (const [name, token, fault] of attacks) {
        it(`${name}: ${fault}`, () => {
          assert.equal(typeof by.tokens.verify(by.good, noon), 'object', 'the honest token is good')
          assert.equal(by.tokens.verify(token(by), noon), fault)
        })
      }

      it('WSTG-SESS-10b, ASVS 9.1.1: with any one character replaced it is refused', () => {
        for (let at = 0; at < by.good.length; at += 1) {
          for (const character of ['A', '_', '.', '=', ' ']) {
            if (by.good[at] === character) continue
            const text = by.good.slice(0, at) + character + by.good.slice(at + 1)
            const result = by.tokens.verify(text, noon)
            assert.ok(
              result === 'malformed' || result === 'untrusted',
              `${at}, ${character}: ${JSON.stringify(result)}`,
            )
          }
        }
      })

      for (const other of algorithms) {
        if (other === alg) continue
        it(`JWT-1, ASVS 9.1.2: a token of another service with ${other} keys, under our kid, is refused`, () => {
          const foreign = issuerOf(other)
          const text = foreign.signed({ ...foreign.header, kid: by.header.kid }, by.claims)
          assert.equal(by.tokens.verify(text, noon), 'untrusted')
          const renamed = foreign.signed({ ...foreign.header, kid: by.header.kid, alg }, by.claims)
          assert.equal(by.tokens.verify(renamed, noon), 'untrusted')
        })
      }

      if (alg !== 'HS256') {
        for (const [form, secret] of writtenForms(by)) {
          it(`WSTG-SESS-10f, ASVS 9.1.2: HS256 with our public key as ${form} is refused`, () => {
            for (const claimed of ['HS256', 'hs256', alg]) {
              const text = hmac({ ...by.header, alg: claimed }, { ...by.claims, sub: 'admin' }, secret)
              assert.equal(by.tokens.verify(text, noon), 'untrusted', claimed)
            }
          })
        }
      }
    })
  }

  it('ASVS 9.1.3, JWT-7: nobody is asked for a key that the token points to', async t => {
    let connections = 0
    const server = createServer((_, response) =>
      response.end(JSON.stringify({ keys: [{ ...attackersJwk, kid: 'attacker' }] })),
    )
    server.on('connection', () => {
      connections += 1
    })
    server.listen(0, '127.0.0.1')
    t.after(() => {
      server.close()
      server.closeAllConnections()
    })
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`
    for (const by of issuers.values()) {
      for (const header of [
        { jku: url },
        { x5u: url },
        { jku: url, kid: 'attacker' },
        { kid: url },
        { iss: url, jku: url, jwk: attackersJwk },
      ]) {
        assert.equal(by.tokens.verify(own(by, header), noon), 'untrusted')
      }
      const claims = { ...by.claims, iss: url }
      assert.equal(by.tokens.verify(signJws(by.header, claims, 'ES256', attacker.privateKey), noon), 'untrusted')
    }
    await setImmediate()
    // One request of our own shows that the listener would have seen others.
    await (await fetch(url)).text()
    assert.equal(connections, 1)
  })

  it('WSTG-SESS-10e: a service that was started with a weak HMAC secret does not exist: its keys are refused', async () => {
    for (const weak of ['secret', 'your-256-bit-secret', 'a-string-secret-at-least-256-bits-long', 'x'.repeat(64)]) {
      const jwk = freshJwk('HS256', { k: Buffer.from(weak).toString('base64url') })
      await assert.rejects(createIssuer('HS256', {}, jwk), { name: 'UsageError' })
    }
  })

  it('WSTG-SESS-10b: what was refused changes nothing for the honest token, before and after', () => {
    for (const by of issuers.values()) {
      const before = by.tokens.verify(by.good, noon)
      for (const [, token] of attacks) by.tokens.verify(token(by), noon)
      assert.equal(by.tokens.verify(by.good, noon), before)
    }
  })

  it('an HMAC secret of another service is not ours', () => {
    const by = issuerOf('HS256')
    const text = signJws(by.header, by.claims, 'HS256', createSecretKey(randomBytes(32)))
    assert.equal(by.tokens.verify(text, noon), 'untrusted')
  })
})

import assert from 'node:assert/strict'
import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK } from 'jose'
import { createKeySet, type KeySet, keysFromFile } from '../../src/bearer/key-set.ts'
import { UsageError } from '../../src/errors.ts'
import { algorithms, freshJwk, minute, noon, type PrivateJwk, second } from '../actors/jwt-forge.ts'

const day = 24 * 60 * minute
const iso = (at: number) => new Date(at).toISOString()
const verifiesForMs = 15 * minute
const setOf = (...keys: PrivateJwk[]) => createKeySet(keys, { verifiesForMs })
const kidOf = (jwk: PrivateJwk) => calculateJwkThumbprint({ ...jwk, kty: String(jwk.kty) })
const published = (keys: KeySet, now: number) => keys.jwks(now).keys.map(key => key.kid)

/** RFC examples and what jwt.io shows everybody. */
const knownKeys: readonly PrivateJwk[] = [
  {
    kty: 'oct',
    alg: 'HS256',
    k: 'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow',
  },
  { kty: 'oct', alg: 'HS256', k: 'hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg' },
  {
    kty: 'OKP',
    alg: 'EdDSA',
    crv: 'Ed25519',
    d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A',
    x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
  },
  {
    kty: 'EC',
    alg: 'ES256',
    crv: 'P-256',
    d: 'jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI',
    x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
    y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
  },
  {
    kty: 'EC',
    alg: 'ES256',
    crv: 'P-256',
    d: '870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE',
    x: 'MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4',
    y: '4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM',
  },
  {
    ...createPrivateKey({
      key: Buffer.from(
        'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2OF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4QdbAd0E7oH50VpuZ1P087G',
        'base64',
      ),
      format: 'der',
      type: 'pkcs8',
    }).export({ format: 'jwk' }),
    alg: 'ES256',
  },
]

describe('key set', () => {
  for (const alg of algorithms) {
    it(`${alg}: takes a JWK of jose's making, and kid is the thumbprint of RFC 7638`, async () => {
      const jwk =
        alg === 'HS256'
          ? freshJwk(alg)
          : { ...(await exportJWK((await generateKeyPair(alg, { extractable: true })).privateKey)), alg }
      const key = setOf(jwk).signingKey(noon)
      assert.equal(key.kid, await kidOf(jwk))
      assert.equal(key.algorithm, alg)
    })
  }

  it('RFC 7517: the JWKS has what verifying needs and nothing secret; jose can use it', async () => {
    for (const alg of ['ES256', 'EdDSA', 'Ed25519'] as const) {
      const jwk = freshJwk(alg, { key_ops: ['sign'], ext: true, 'latchkey:from': '2026-01-01', x5c: ['junk'] })
      const [shown, ...others] = setOf(jwk).jwks(noon).keys
      assert.deepEqual(others, [])
      const expected =
        alg === 'ES256' ? ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'] : ['alg', 'crv', 'kid', 'kty', 'use', 'x']
      assert.deepEqual(Object.keys(shown ?? {}).sort(), expected)
      assert.doesNotMatch(JSON.stringify(shown), new RegExp(String(jwk.d)))
      await importJWK({ ...shown, kty: String(jwk.kty) })
    }
  })

  it('the JWKS of HS256 is empty: its keys are secret', () => {
    assert.deepEqual(setOf(freshJwk('HS256'), freshJwk('HS256')).jwks(noon), { keys: [] })
  })

  describe('reads', () => {
    const [one, two] = [freshJwk('ES256', { kid: 'one' }), freshJwk('EdDSA', { kid: 'two' })]
    const texts: readonly (readonly [name: string, keys: string | PrivateJwk[], kids: string[]])[] = [
      ['objects', [one, two], ['one', 'two']],
      ['one JWK as text', JSON.stringify(one), ['one']],
      ['one JWK over several lines', JSON.stringify(one, null, 2), ['one']],
      ['a JWK Set', JSON.stringify({ keys: [one, two] }, null, 2), ['one', 'two']],
      ['one JWK in every line', `${JSON.stringify(one)}\n\n${JSON.stringify(two)}\r\n`, ['one', 'two']],
    ]
    for (const [name, keys, kids] of texts) {
      it(name, () => assert.deepEqual(published(createKeySet(keys, { verifiesForMs }), noon), kids))
    }

    it('a file', async () => {
      const directory = await mkdtemp(join(tmpdir(), 'latchkey-keys-'))
      try {
        const file = join(directory, 'keys.jwks')
        await writeFile(file, JSON.stringify(one))
        assert.deepEqual(published(createKeySet(keysFromFile(file), { verifiesForMs }), noon), ['one'])
        assert.throws(() => keysFromFile(join(directory, 'none')), {
          name: 'UsageError',
          message: /none cannot be read.*keygen/,
        })
      } finally {
        await rm(directory, { recursive: true })
      }
    })
  })

  describe('T23: refuses at start, names the key and the fix, and does not repeat it', () => {
    const es256 = freshJwk('ES256')
    const eddsa = freshJwk('EdDSA')
    const hs256 = freshJwk('HS256')
    const { d, ...publicOnly } = es256
    const hmac = (bytes: Buffer | string) => [{ kty: 'oct', alg: 'HS256', k: Buffer.from(bytes).toString('base64url') }]
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' })
    const wrong: readonly (readonly [name: string, keys: unknown, says: RegExp])[] = [
      ['nothing', undefined, /environment variable.*keygen --jwk/],
      ['an empty text', '', /environment variable/],
      ['an empty list', [], /environment variable/],
      ['an empty JWK Set', '{"keys":[]}', /environment variable/],
      ['a path', 'keys.json', /keysFromFile/],
      ['a PEM', '-----BEGIN PRIVATE KEY-----\nMIG\n', /keys\[0\] is no JSON/],
      ['a list of nothing', [null], /keys\[0\] is no JWK/],
      ['a text in a list', ['secret'], /keys\[0\] is no JWK/],
      ['JWT-9: a name twice', `{"kid":"a","kid":"b"}`, /keys\[0\] is no JSON/],
      ['no alg', [{ ...es256, alg: undefined }], /keys\[0\] has no "alg"/],
      ['alg none', [{ ...es256, alg: 'none' }], /"alg"/],
      ['an alg of another case', [{ ...es256, alg: 'es256' }], /"alg"/],
      ['an alg that every object has', [{ ...es256, alg: 'constructor' }], /"alg"/],
      ['JWT-12: RSA', [{ ...rsa, alg: 'RS256' }], /"alg"/],
      ['the alg of another key', [{ ...es256, alg: 'EdDSA' }], /no key for its "alg" EdDSA/],
      ['ES256 with a secret', [{ ...hs256, alg: 'ES256' }], /no key for its "alg" ES256/],
      ['HS256 with a key pair', [{ ...es256, alg: 'HS256' }], /no key for its "alg" HS256/],
      [
        'another curve',
        [{ ...generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export({ format: 'jwk' }), alg: 'ES256' }],
        /no key for its "alg"/,
      ],
      [
        'Ed448',
        [{ ...generateKeyPairSync('ed448').privateKey.export({ format: 'jwk' }), alg: 'EdDSA' }],
        /no key for its "alg"/,
      ],
      ['a key for encryption', [{ ...es256, use: 'enc' }], /"use"/],
      ['a key that only verifies', [{ ...es256, key_ops: ['verify'] }], /"key_ops"/],
      ['a public key', [publicOnly], /\("d"\) is missing/],
      ['padding', [{ ...es256, d: `${d}=` }], /\("d"\) is not base64url/],
      ['a cut private part', [{ ...es256, d: String(d).slice(0, 40) }], /at least 32/],
      ['the private part of another key', [{ ...es256, d: freshJwk('ES256').d }], /belong together/],
      ['the public part of another key', [{ ...eddsa, x: freshJwk('EdDSA').x }], /belong together/],
      ['no public part', [{ ...eddsa, x: undefined }], /belong together/],
      ['a point that is not on the curve', [{ ...es256, y: es256.x }], /belong together/],
      ['JWT-4: 31 bytes', hmac(Buffer.from(String(hs256.k), 'base64url').subarray(1)), /31 bytes/],
      ['JWT-4: a long password', hmac('correct horse battery staple, said the old man'), /is text/],
      ['JWT-4: the hexadecimal of a good secret', hmac(Buffer.from(String(hs256.k)).toString('hex')), /is text/],
      ['WSTG-SESS-10e: your-256-bit-secret', hmac('your-256-bit-secret'), /bytes|text/],
      ['WSTG-SESS-10e: what jwt.io says now', hmac('a-string-secret-at-least-256-bits-long'), /is text/],
      ['WSTG-SESS-10e: zeros', hmac(Buffer.alloc(32)), /not random/],
      ['WSTG-SESS-10e: few different bytes', hmac(Buffer.from('\x01\x02\x03\x80'.repeat(16), 'latin1')), /not random/],
      [
        'WSTG-SESS-10e: a known word among others',
        hmac(
          Buffer.from(`\x80\x81\x82\x83\x84\x85\x86\x87\x88keyboard cat${'\x99\x9a\x9b\x9c\x9d'.repeat(4)}`, 'latin1'),
        ),
        /example or a password/,
      ],
      ...knownKeys.map((jwk, index) => [`WSTG-SESS-10e: published key ${index}`, [jwk], /everybody has/] as const),
      ['a kid that is a path', [{ ...es256, kid: '../../dev/null' }], /"kid"/],
      ['a kid of 129 characters', [{ ...es256, kid: 'k'.repeat(129) }], /"kid"/],
      ['an empty kid', [{ ...es256, kid: '' }], /"kid"/],
      ['a kid that is a number', [{ ...es256, kid: 1 }], /"kid"/],
      [
        'one kid for two keys',
        [
          { ...es256, kid: 'a' },
          { ...eddsa, kid: 'a' },
        ],
        /keys\[1\] and keys\[0\]/,
      ],
      ['the same key twice', [es256, es256], /keys\[1\] and keys\[0\]/],
      [
        'the same key under two names',
        [
          { ...es256, kid: 'a' },
          { ...es256, kid: 'b' },
        ],
        /keys\[1\] and keys\[0\]/,
      ],
      ['ASVS 9.1.2: a secret beside a key pair', [es256, hs256], /HS256.*ES256/],
      ['a time that is a number', [{ ...es256, 'latchkey:from': 1767225600 }], /"latchkey:from" that is no time/],
      ['a time without a zone', [{ ...es256, 'latchkey:from': '2026-01-01T00:00:00' }], /"latchkey:from"/],
      ['a time in another zone', [{ ...es256, 'latchkey:until': '2026-01-01T00:00:00+01:00' }], /"latchkey:until"/],
      ['the 31st of June', [{ ...es256, 'latchkey:until': '2026-06-31' }], /"latchkey:until"/],
      [
        'an end before the beginning',
        [{ ...es256, 'latchkey:from': '2026-02-01', 'latchkey:until': '2026-02-01' }],
        /not after/,
      ],
      [
        'a gap',
        [
          { ...es256, 'latchkey:until': '2026-02-01' },
          { ...eddsa, 'latchkey:from': '2026-02-03' },
        ],
        /from 2026-02-01T00:00:00.000Z on no key signs/,
      ],
    ]
    for (const [name, keys, says] of wrong) {
      it(name, () => {
        const make = () => createKeySet(keys as PrivateJwk[], { verifiesForMs })
        assert.throws(make, (error: unknown) => {
          assert.ok(error instanceof UsageError, String(error))
          assert.match(error.message, says)
          const secrets = [es256.d, eddsa.d, hs256.k, ...knownKeys.map(jwk => jwk.d ?? jwk.k)]
          for (const secret of secrets) assert.ok(!error.message.includes(String(secret)), 'a key was printed')
          return true
        })
      })
    }
  })

  describe('schedule', () => {
    const [old, next] = [
      freshJwk('ES256', { kid: 'old' }),
      freshJwk('EdDSA', { kid: 'next', 'latchkey:from': iso(noon) }),
    ]
    const both = setOf(next, old)
    const ofNext = (now: number) => both.verifyingKey('next', 'EdDSA', now)
    const ofOld = (now: number) => both.verifyingKey('old', 'ES256', now)

    it('T20: the next key signs from its time on, to the millisecond, and the one before stops', () => {
      assert.equal(both.signingKey(noon - 1).kid, 'old')
      assert.equal(both.signingKey(noon).kid, 'next')
    })

    it('a key is published and verifies a day before it signs, not earlier', () => {
      assert.deepEqual(published(both, noon - day - 1), ['old'])
      assert.equal(ofNext(noon - day - 1), null)
      assert.deepEqual(published(both, noon - day), ['next', 'old'])
      assert.equal(ofNext(noon - day)?.kid, 'next')
    })

    it('a key verifies and is published until the last token it signed is over, and no longer', () => {
      assert.equal(ofOld(noon + verifiesForMs - 1)?.kid, 'old')
      assert.deepEqual(published(both, noon + verifiesForMs - 1), ['next', 'old'])
      assert.equal(ofOld(noon + verifiesForMs), null)
      assert.deepEqual(published(both, noon + verifiesForMs), ['next'])
    })

    it('how long before it signs a key is published can be set', () => {
      const keys = createKeySet([old, next], { verifiesForMs, announceMs: minute })
      assert.deepEqual(published(keys, noon - minute - 1), ['old'])
      assert.deepEqual(published(keys, noon - minute), ['next', 'old'])
    })

    it('without times the first one signs and all verify, for ever', () => {
      const keys = setOf(freshJwk('ES256', { kid: 'a' }), freshJwk('ES256', { kid: 'b' }))
      for (const now of [0, noon, noon + 10_000 * day]) {
        assert.equal(keys.signingKey(now).kid, 'a')
        assert.deepEqual(published(keys, now), ['a', 'b'])
      }
      assert.deepEqual(keys.warnings(noon), [])
    })

    it('a key with an end hands over to one that is listed after it', () => {
      const keys = setOf(freshJwk('ES256', { kid: 'a', 'latchkey:until': iso(noon) }), freshJwk('ES256', { kid: 'b' }))
      assert.equal(keys.signingKey(noon - 1).kid, 'a')
      assert.equal(keys.signingKey(noon).kid, 'b')
    })

    it('the order in the list does not matter where there are times', () => {
      const times = [0, 1, 2].map(index =>
        freshJwk('ES256', { kid: `k${index}`, 'latchkey:from': iso(noon + index * day) }),
      )
      for (const order of [
        [0, 1, 2],
        [2, 1, 0],
        [1, 2, 0],
      ]) {
        const keys = setOf(...order.flatMap(index => times[index] ?? []))
        for (const index of [0, 1, 2]) {
          assert.equal(keys.signingKey(noon + index * day).kid, `k${index}`)
          assert.equal(keys.signingKey(noon + (index + 1) * day - 1).kid, `k${index}`)
        }
      }
    })

    it('when no key signs, that is an error which names the fix', () => {
      const keys = setOf(freshJwk('ES256', { 'latchkey:from': iso(noon), 'latchkey:until': iso(noon + day) }))
      const says = { name: 'UsageError', message: /no key signs now.*keygen --jwk --from/ }
      assert.throws(() => keys.signingKey(noon - 1), says)
      assert.throws(() => keys.signingKey(noon + day), says)
    })

    it('warns a week before nobody would sign, and of a key that is of no use any more', () => {
      const keys = setOf(old, { ...next, 'latchkey:until': iso(noon + 30 * day) })
      assert.deepEqual(keys.warnings(noon + verifiesForMs - 1), [])
      assert.match(keys.warnings(noon + verifiesForMs).join(), /key old is over.*Remove it/)
      assert.equal(keys.warnings(noon + 23 * day - second).length, 1)
      assert.match(keys.warnings(noon + 23 * day).join(), /no key signs after 2026-12-21T12:00:00.000Z.*keygen/)
    })
  })

  describe('WSTG-SESS-10h, JWT-7: a kid is looked up in a map and nothing else', () => {
    const keys = setOf(freshJwk('ES256', { kid: 'real' }))
    const kids: readonly unknown[] = [
      undefined,
      null,
      '',
      0,
      true,
      {},
      [],
      ['real'],
      { toString: () => 'real' },
      'REAL',
      'real ',
      'real\0',
      '__proto__',
      'constructor',
      '../../../dev/null',
      '/dev/null',
      'file:///etc/passwd',
      'http://127.0.0.1/key',
      "real' OR '1'='1",
      "x' UNION SELECT 'key",
      '| whoami',
      'r'.repeat(8_000),
    ]
    for (const kid of kids) {
      it(`${JSON.stringify(kid)?.slice(0, 40)} finds nothing`, () =>
        assert.equal(keys.verifyingKey(kid, 'ES256', noon), null))
    }

    it('JWT-1: the kid of a key finds it for its own algorithm only', () => {
      assert.equal(keys.verifyingKey('real', 'ES256', noon)?.kid, 'real')
      for (const alg of ['es256', 'EdDSA', 'HS256', 'none', '', undefined, null, ['ES256']]) {
        assert.equal(keys.verifyingKey('real', alg, noon), null, String(alg))
      }
    })
  })
})

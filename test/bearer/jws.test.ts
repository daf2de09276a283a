import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey, createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { compactVerify } from 'jose'
import { type Jws, type JwsAlgorithm, longestJws, readJws, verifyJws } from '../../src/bearer/jws.ts'
import { type Algorithm, algorithms, encode, freshJwk, parts, signJws } from '../actors/jwt-forge.ts'

const numRuns = Number(process.env.FUZZ_RUNS ?? 300)

const joe = 'eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ'
const joesClaims = { iss: 'joe', exp: 1300819380, 'http://example.com/is_root': true }

/** RFC 7515 appendix A.1. */
const hs256 = {
  text: `eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.${joe}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk`,
  key: createSecretKey(
    'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow',
    'base64url',
  ),
}
/** RFC 7515 appendix A.3. */
const es256 = {
  text: `eyJhbGciOiJFUzI1NiJ9.${joe}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q`,
  key: publicKey({
    kty: 'EC',
    crv: 'P-256',
    x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
    y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
  }),
}
/** RFC 8037 appendix A.4: its payload is a sentence, so it is no token, but its signature is one. */
const ed25519: { jws: Jws; key: KeyObject } = {
  jws: {
    header: { alg: 'EdDSA' },
    claims: {},
    signed: 'eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc',
    signature: Buffer.from(
      'hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg',
      'base64url',
    ),
  },
  key: publicKey({ kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }),
}

function publicKey(jwk: Record<string, string>): KeyObject {
  return createPublicKey({ key: jwk, format: 'jwk' })
}

function read(text: string): Jws {
  const jws = readJws(text)
  assert.ok(jws, `${text.slice(0, 80)} was not read`)
  return jws
}

function freshPair(alg: Algorithm): { signer: KeyObject; verifier: KeyObject } {
  const jwk = freshJwk(alg)
  if (alg === 'HS256') {
    const secret = createSecretKey(String(jwk.k), 'base64url')
    return { signer: secret, verifier: secret }
  }
  const signer = createPrivateKey({ key: jwk, format: 'jwk' })
  return { signer, verifier: createPublicKey(signer) }
}

const pairs = new Map(algorithms.map(alg => [alg, freshPair(alg)]))
const pair = (alg: Algorithm) => pairs.get(alg) ?? freshPair(alg)
const good = (alg: Algorithm) => signJws({ alg, typ: 'x+jwt' }, { sub: 'alice' }, alg, pair(alg).signer)

describe('JWS', () => {
  it('reads and verifies the example of RFC 7515 A.1 (HS256)', () => {
    const jws = read(hs256.text)
    assert.deepEqual(jws.header, { typ: 'JWT', alg: 'HS256' })
    assert.deepEqual(jws.claims, joesClaims)
    assert.equal(verifyJws(jws, 'HS256', hs256.key), true)
  })

  it('reads and verifies the example of RFC 7515 A.3 (ES256)', () => {
    const jws = read(es256.text)
    assert.deepEqual(jws.claims, joesClaims)
    assert.equal(verifyJws(jws, 'ES256', es256.key), true)
  })

  it('verifies the example of RFC 8037 A.4 (Ed25519)', () => {
    assert.equal(verifyJws(ed25519.jws, 'EdDSA', ed25519.key), true)
  })

  it('JWT-12: EdDSA and Ed25519 are names of the same algorithm', () => {
    assert.equal(verifyJws(ed25519.jws, 'Ed25519', ed25519.key), true)
    assert.equal(verifyJws({ ...ed25519.jws, header: { alg: 'Ed25519' } }, 'EdDSA', ed25519.key), true)
  })

  for (const alg of algorithms) {
    it(`${alg}: verifies what it should, as jose does`, async () => {
      assert.equal(verifyJws(read(good(alg)), alg, pair(alg).verifier), true)
      await compactVerify(good(alg), pair(alg).verifier, { algorithms: [alg] })
    })

    it(`ASVS 9.1.1: ${alg}: with any one bit of any part flipped it is not good`, () => {
      const token = good(alg)
      for (const [index, part] of parts(token).entries()) {
        const bytes = Buffer.from(part, 'base64url')
        for (let bit = 0; bit < bytes.length * 8; bit += 1) {
          const flipped = Buffer.from(bytes)
          flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
          const jws = readJws(parts(token).with(index, flipped.toString('base64url')).join('.'))
          assert.ok(!jws || !verifyJws(jws, alg, pair(alg).verifier), `part ${index}, bit ${bit}`)
        }
      }
    })

    it(`JWT-1: ${alg}: no other key, no other algorithm and no other spelling of it will do`, () => {
      const jws = read(good(alg))
      const isEd = (name: string) => name === 'EdDSA' || name === 'Ed25519'
      assert.equal(verifyJws(jws, alg, freshPair(alg).verifier), false, 'another key of the kind')
      for (const other of algorithms) {
        if (other === alg || (isEd(alg) && isEd(other))) continue
        assert.equal(verifyJws(jws, other, pair(alg).verifier), false, `as ${other}`)
        assert.equal(verifyJws(jws, alg, pair(other).verifier), false, `with the key of ${other}`)
        assert.equal(
          verifyJws({ ...jws, header: { alg: other } }, other, pair(alg).verifier),
          false,
          'header and key differ',
        )
      }
      for (const name of [alg.toLowerCase(), `${alg} `, '', 'none', undefined, null, [alg], 1]) {
        assert.equal(verifyJws({ ...jws, header: { alg: name } }, alg, pair(alg).verifier), false, String(name))
      }
    })

    it(`${alg}: a signature of another length is not good`, () => {
      const jws = read(good(alg))
      const { signature } = jws
      const lengths = [signature.subarray(1), signature.subarray(0, -1), Buffer.concat([signature, Buffer.alloc(1)])]
      for (const other of [...lengths, Buffer.alloc(0), Buffer.concat([signature, signature])]) {
        assert.equal(verifyJws({ ...jws, signature: other }, alg, pair(alg).verifier), false)
      }
    })
  }

  it('JWT-1: an algorithm that we do not know verifies nothing, even when asked for', () => {
    const jws = read(signJws({ alg: 'none' }, {}, 'HS256', hs256.key))
    assert.equal(verifyJws(jws, 'none' as JwsAlgorithm, hs256.key), false)
  })

  it('ES256 takes no other curve', () => {
    const other = generateKeyPairSync('ec', { namedCurve: 'secp256k1' })
    const jws = read(signJws({ alg: 'ES256' }, {}, 'ES256', other.privateKey))
    assert.equal(verifyJws(jws, 'ES256', other.publicKey), false)
  })

  const [header, claims, signature] = parts(es256.text)
  const misspelled: readonly (readonly [name: string, text: string])[] = [
    ['nothing', ''],
    ['two parts', `${header}.${claims}`],
    ['four parts', `${es256.text}.${signature}`],
    ['JWT-3: five parts, as a JWE has', `${es256.text}.${signature}.${signature}`],
    ['a dot before it', `.${es256.text}`],
    ['a dot after it', `${es256.text}.`],
    ['an empty header', `.${claims}.${signature}`],
    ['an empty payload, as of a detached JWS', `${header}..${signature}`],
    ['an empty signature', `${header}.${claims}.`],
    ['JSON serialization', JSON.stringify({ protected: header, payload: claims, signature })],
    ['a space before it', ` ${es256.text}`],
    ['a newline after it', `${es256.text}\n`],
    ['padding on the header', `${header}=.${claims}.${signature}`],
    ['padding on the payload', `${header}.${claims}=.${signature}`],
    ['padding on the signature', `${header}.${claims}.${signature}==`],
    ['the alphabet of base64', `${header}.${claims}.${signature.replace('-', '+').replace('_', '/')}`],
    ['a space in a part', `${header}.${claims.slice(0, 8)} ${claims.slice(8)}.${signature}`],
    ['a percent sign', `${header}.${claims}.${signature.slice(0, -2)}%51`],
    ['a letter outside ASCII', `${header}.${claims}é.${signature}`],
    ['a letter whose low byte is in the alphabet', `${header}.${claims}.${signature.slice(0, -1)}\u0151`],
    ['a header that is no object', `${encode('"ES256"')}.${claims}.${signature}`],
    ['a payload that is no object', `${header}.${encode('["alice"]')}.${signature}`],
    ['JWT-9: a payload that is not UTF-8', `${header}.${encode(Buffer.from([0x7b, 0xff, 0x7d]))}.${signature}`],
    ['JWT-9: a name twice in the header', `${encode('{"alg":"ES256","alg":"ES256"}')}.${claims}.${signature}`],
    ['JWT-9: a name twice in the payload', `${header}.${encode('{"sub":"a","sub":"b"}')}.${signature}`],
    ['JWT-10: crit', `${encode({ alg: 'ES256', crit: ['exp'], exp: 1 })}.${claims}.${signature}`],
    ['JWT-10: an empty crit', `${encode({ alg: 'ES256', crit: [] })}.${claims}.${signature}`],
    ['JWT-10: b64 false', `${encode({ alg: 'ES256', b64: false, crit: ['b64'] })}.${claims}.${signature}`],
    ['JWT-10: b64 true', `${encode({ alg: 'ES256', b64: true })}.${claims}.${signature}`],
    ['JWT-15: 64 KiB', `${encode({ alg: 'ES256', pad: 'x'.repeat(65_536) })}.${claims}.${signature}`],
  ]
  for (const [name, text] of misspelled) {
    it(`is not read: ${name}`, () => assert.equal(readJws(text), null))
  }

  it('JWT-2: each part has one spelling only, though base64url leaves bits of the last character unused', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    let respelled = 0
    for (const claims of [{ a: 1 }, { a: 12 }, { a: 123 }]) {
      const token = parts(signJws({ alg: 'ES256' }, claims, 'ES256', pair('ES256').signer))
      for (const [index, part] of token.entries()) {
        const unusedBits = [0, 0, 4, 2][part.length % 4] ?? 0
        for (let bits = 1; bits < 1 << unusedBits; bits += 1) {
          const other = part.slice(0, -1) + alphabet[alphabet.indexOf(part.slice(-1)) + bits]
          assert.deepEqual(Buffer.from(other, 'base64url'), Buffer.from(part, 'base64url'), 'a lenient decoder agrees')
          assert.equal(readJws(token.with(index, other).join('.')), null)
          respelled += 1
        }
      }
    }
    assert.ok(respelled > 50, `${respelled} spellings`)
  })

  it('JWT-15: the longest that is read is as long as the caller says, 8 KiB otherwise', () => {
    const fixed = es256.text.length - claims.length
    const ofLength = (length: number) => {
      const json = { pad: 'x'.repeat(Math.floor(((length - fixed) * 3) / 4) - 10) }
      return `${header}.${encode(json)}.${signature}`
    }
    assert.ok(readJws(ofLength(longestJws)))
    assert.ok(ofLength(longestJws).length > longestJws - 4)
    assert.equal(readJws(ofLength(longestJws + 8)), null)
    assert.equal(readJws(es256.text, es256.text.length - 1), null)
    assert.ok(readJws(es256.text, es256.text.length))
  })

  it('a text that is read has exactly the spelling that its parts encode to (fuzz)', () => {
    const piece = fc.oneof(
      fc.constantFrom(header, claims, signature, '.', '..', '=', ' ', encode('{}'), encode('{"alg":"none"}')),
      fc.string({ unit: 'binary', maxLength: 6 }),
    )
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 8 }).map(pieces => pieces.join('')),
        text => {
          const jws = readJws(text)
          if (!jws) return
          assert.equal(`${jws.signed}.${encode(Buffer.from(jws.signature))}`, text)
          assert.match(text, /^[\w-]+\.[\w-]+\.[\w-]+$/)
        },
      ),
      { numRuns },
    )
  })

  it('any objects, signed, are read back as they were (fuzz)', () => {
    const texts = fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.string())
    fc.assert(
      fc.property(texts, texts, (head, body) => {
        delete head.crit
        const text = signJws({ ...head, alg: 'HS256' }, body, 'HS256', hs256.key)
        const jws = read(text)
        assert.deepEqual([{ ...jws.header }, { ...jws.claims }], [{ ...head, alg: 'HS256' }, { ...body }])
        assert.equal(verifyJws(jws, 'HS256', hs256.key), true)
      }),
      { numRuns },
    )
  })
})

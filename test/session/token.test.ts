import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { createKeyRing } from '../../src/session/key-ring.ts'
import { newSecret, newSid, readToken, secretHash, tokenLength, writeToken } from '../../src/session/token.ts'

const secretText = () => randomBytes(32).toString('base64url')
const ring = createKeyRing([secretText()])
const otherRing = createKeyRing([secretText()])
const sid = newSid(randomBytes, 'alice')
const secret = newSecret(randomBytes)
const token = writeToken(ring.newest, sid, secret)
const keyId = token.slice(0, 8)
const payload = () => Buffer.from(token.slice(9), 'base64url')
const withPayload = (bytes: Buffer) => `${keyId}.${bytes.toString('base64url')}`

const bytes = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map(array => Buffer.from(array))

describe('token', () => {
  it('is <key id>.<base64url(sid 16 bytes | secret 32 bytes | tag 16 bytes)>', () => {
    assert.equal(keyId, ring.newest.id)
    assert.equal(token.length, tokenLength)
    assert.equal(payload().length, 64)
    assert.equal(payload().toString('base64url', 0, 16), sid)
    assert.deepEqual(payload().subarray(16, 48), secret)
  })

  it('7.2.3: a secret has 256 bits, a sid 128', () => {
    assert.equal(secret.length, 32)
    assert.equal(Buffer.from(sid, 'base64url').length, 16)
  })

  it('every token that is written can be read, whatever sid and secret', () => {
    fc.assert(
      fc.property(bytes(16), bytes(32), (sidBytes, anySecret) => {
        const anySid = sidBytes.toString('base64url')
        assert.deepEqual(readToken(ring, writeToken(ring.newest, anySid, anySecret)), {
          sid: anySid,
          secret: anySecret,
          serverKey: ring.newest,
        })
      }),
    )
  })

  it('the store knows a secret as its SHA-256', () => {
    assert.equal(secretHash(Buffer.alloc(32)), 'Zmh6rfhivXdsj8GLjp-OIAiXFIVu4jOzkCpZHQ1fKSU')
  })

  it('WSTG-SESS-01c: with any one bit of any byte flipped it is refused', () => {
    for (let at = 0; at < 64; at += 1) {
      for (let bit = 0; bit < 8; bit += 1) {
        const tampered = payload()
        tampered[at] = (tampered[at] ?? 0) ^ (1 << bit)
        assert.equal(readToken(ring, withPayload(tampered)), null, `byte ${at}, bit ${bit}`)
      }
    }
  })

  it('WSTG-SESS-01c: with any one character replaced by any other ASCII character it is refused', () => {
    for (let at = 0; at < token.length; at += 1) {
      for (let code = 0; code < 128; code += 1) {
        const character = String.fromCharCode(code)
        if (character === token[at]) continue
        assert.equal(readToken(ring, token.slice(0, at) + character + token.slice(at + 1)), null, `${at}: ${code}`)
      }
    }
  })

  it('JWT-13: it has one spelling only, though base64url leaves four bits of the last character unused', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const last = alphabet.indexOf(token.slice(-1))
    assert.equal(last % 16, 0, 'the unused bits are zero')
    for (let unused = 1; unused < 16; unused += 1) {
      const respelled = token.slice(0, -1) + alphabet[last + unused]
      assert.deepEqual(Buffer.from(respelled.slice(9), 'base64url'), payload(), 'a lenient decoder sees no difference')
      assert.equal(readToken(ring, respelled), null)
    }
  })

  const standardAlphabet = token.replaceAll('-', '+').replaceAll('_', '/')
  const refused: readonly (readonly [name: string, text: string])[] = [
    ['empty', ''],
    ['a dot', '.'],
    ['one character short', token.slice(0, -1)],
    ['one character long', `${token}A`],
    ['padded', `${token}==`],
    ['a space in front', ` ${token}`],
    ['a space behind', `${token} `],
    ['a NUL behind', `${token}\0`],
    ['twice', token + token],
    ['without a dot', token.replace('.', '')],
    ['with two dots', `${token.slice(0, 20)}.${token.slice(21)}`],
    ['the dot at another place', `${keyId.slice(0, 7)}.${keyId.slice(7)}${token.slice(9)}`],
    ['spaces that a decoder skips', `${keyId}.${' '.repeat(86)}`],
    ['the key id in lower case', keyId.toLowerCase() === keyId ? '' : keyId.toLowerCase() + token.slice(8)],
    ['an unknown key id', `AAAAAAAA${token.slice(8)}`],
    ['a key id named like a property of objects', `toString${token.slice(8)}`],
    ['a key id that is __proto__', `__proto_${token.slice(8)}`],
    ['the alphabet of base64', standardAlphabet === token ? '' : standardAlphabet],
    ['percent-encoded', token.replace('.', '%2E')],
    ['characters beyond Latin-1', `${token.slice(0, -1)}\u{20AC}`],
    ['64 KiB', 'A'.repeat(65_536)],
    ['all zero', withPayload(Buffer.alloc(64))],
    ['payload of 63 bytes', withPayload(payload().subarray(0, 63))],
    ['payload of 65 bytes', withPayload(Buffer.concat([payload(), Buffer.alloc(1)]))],
    ['the tag of another token', withPayload(Buffer.concat([randomBytes(48), payload().subarray(48)]))],
    ['the sid of another session', withPayload(Buffer.concat([randomBytes(16), payload().subarray(16)]))],
  ]
  for (const [name, text] of refused) {
    it(`WSTG-SESS-01c: ${name} is refused`, () => assert.equal(readToken(ring, text), null))
  }

  it('9.1.1: a token of another server is refused, also under our key id', () => {
    const foreign = writeToken(otherRing.newest, sid, secret)
    assert.equal(readToken(ring, foreign), null)
    assert.equal(readToken(ring, keyId + foreign.slice(8)), null)
  })

  it('a tag is good only under the key that its key id names', () => {
    const texts = [secretText(), secretText()]
    const both = createKeyRing(texts)
    const [first, second] = both.all
    const issued = writeToken(both.newest, sid, secret)
    assert.notEqual(readToken(both, issued), null)
    assert.equal(readToken(both, (second?.id ?? '') + issued.slice(8)), null)
    assert.equal(issued.slice(0, 8), first?.id)
  })

  it('no text at all makes reading throw', () => {
    const anyText = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.string({ unit: 'binary', minLength: 86, maxLength: 86 }).map(text => `${keyId}.${text}`),
    )
    fc.assert(fc.property(anyText, text => assert.equal(readToken(ring, text), null)))
  })
})

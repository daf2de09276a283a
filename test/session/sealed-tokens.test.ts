import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { DataTooLargeError } from 'latchkey'
import type { SessionBody } from '../../src/session/body.ts'
import { createKeyRing } from '../../src/session/key-ring.ts'
import { type Carried, SealedTokens } from '../../src/session/sealed-tokens.ts'
import { newSecret, newSid, secretHash, writeToken } from '../../src/session/token.ts'

const newText = () => randomBytes(32).toString('base64url')
const text = newText()
const ring = createKeyRing([text])
const place = { name: '__Host-Http-sid', maxLength: 4_000 }
const tokens = new SealedTokens(ring, 'data', place, randomBytes)
const secret = newSecret(randomBytes)

const body: SessionBody = {
  proofs: [
    { method: 'pwd', at: 1_700_000_000_000, aal: 1 },
    { method: 'otp', at: 1_700_000_000_500, aal: 1 },
  ],
  persistent: true,
  bearer: null,
  pending: null,
  challenges: [],
  client: { address: null, userAgent: null },
  secret: { hash: secretHash(secret), keyId: ring.newest.id, issuedAt: 1_700_000_000_700 },
  retired: [],
  data: '',
}

function carrying(json: string, userId: string | null = 'alice'): Carried {
  const sid = newSid(randomBytes, userId)
  const times = { createdAt: 1_700_000_000_000, lastSeenAt: 1_700_000_001_000, expiresAt: 1_700_000_900_000 }
  return { record: { sid, version: 7, userId, ...times, ended: null, body: JSON.stringify(body) }, body, json }
}

const json = '{"diary":"dear\\ndiary","n":1}'
const carried = carrying(json)
const token = tokens.write(carried, secret)

/** The token with some of its bytes changed. */
function withBytes(change: (bytes: Buffer) => Buffer): string {
  const bytes = change(Buffer.from(token.slice(9), 'base64url'))
  return `${token.slice(0, 9)}${bytes.toString('base64url')}`
}

describe('sealed tokens', () => {
  it('RT-8: what goes in comes out, whatever the user is called and the data contains', () => {
    fc.assert(
      fc.property(
        fc.option(fc.string({ unit: 'binary', minLength: 1, maxLength: 64 })),
        fc.jsonValue(),
        (user, value) => {
          const given = carrying(JSON.stringify({ value }), user)
          const opened = tokens.open(tokens.write(given, secret))
          assert.ok(opened)
          assert.equal(opened.json, given.json)
          assert.deepEqual(opened.body, given.body)
          assert.deepEqual(
            { ...opened.record, expiresAt: given.record.expiresAt, body: JSON.parse(opened.record.body) },
            { ...given.record, body },
          )
          assert.deepEqual(opened.secret, secret)
        },
      ),
    )
  })

  it('CK-1: it is made of characters that a cookie may have', () => {
    assert.match(token, /^[\w-]{8}\.[\w-]+$/)
  })

  it('two tokens of one session never look alike', () => {
    const texts = Array.from({ length: 100 }, () => tokens.write(carried, secret))
    assert.equal(new Set(texts).size, 100)
  })

  it('nothing of it can be read: not the user, not the data, not the secret', () => {
    const bytes = Buffer.from(token.slice(9), 'base64url')
    for (const hidden of [Buffer.from('alice'), Buffer.from('diary'), secret.subarray(0, 8)])
      assert.equal(bytes.includes(hidden), false)
  })

  it('RT-8, ASVS 9.1.1: a token with any one bit changed opens nothing', () => {
    const { length } = Buffer.from(token.slice(9), 'base64url')
    for (let bit = 0; bit < length * 8; bit += 1) {
      const changed = withBytes(bytes => {
        bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        return bytes
      })
      assert.equal(tokens.open(changed), null, `bit ${bit}`)
    }
  })

  const other = createKeyRing([newText()])
  const foreign = new SealedTokens(other, 'data', place, randomBytes).write(carried, secret)
  const elsewhere = new SealedTokens(ring, 'data', { ...place, name: 'admin' }, randomBytes)
  const cases: [what: string, text: string][] = [
    ['of another key', foreign],
    ['of another key, under the name of ours', token.slice(0, 9) + foreign.slice(9)],
    ['under the name of a key that is not there', `AAAAAAAA${token.slice(8)}`],
    ['for another place', elsewhere.write(carried, secret)],
    ['of another version', withBytes(bytes => bytes.fill(2, 0, 1))],
    [
      'with the sid of another session',
      withBytes(bytes => bytes.fill(Buffer.from(newSid(randomBytes, null), 'base64url'), 1, 17)),
    ],
    ['without its end', withBytes(bytes => bytes.subarray(0, -1))],
    ['with something behind its end', withBytes(bytes => Buffer.concat([bytes, Buffer.of(0)]))],
    ['without ciphertext', withBytes(bytes => bytes.subarray(0, 77))],
    ['shorter than its frame', withBytes(bytes => bytes.subarray(0, 16))],
    ['of a version alone', withBytes(bytes => bytes.subarray(0, 1))],
    ['of nothing', `${ring.newest.id}.`],
    ['that is only the name of a key', ring.newest.id],
    ['in another spelling: padded', `${token}=`],
    [
      'in another spelling: the alphabet of base64',
      `${token.slice(0, 9)}${Buffer.from(token.slice(9), 'base64url').toString('base64')}=`,
    ],
    ['in another spelling: a line feed inside', `${token.slice(0, 20)}\n${token.slice(20)}`],
    ['in quotes', `"${token}"`],
    ['that only names a session', writeToken(ring.newest, newSid(randomBytes, null), secret)],
    ['longer than any cookie', token + 'A'.repeat(4_096)],
    ['that is empty', ''],
  ]
  for (const [what, forged] of cases) {
    it(`RT-8, ASVS 9.2.2: a token ${what} opens nothing`, () => assert.equal(tokens.open(forged), null))
  }

  it('a token whose last character has unused bits set is another spelling, and opens nothing', () => {
    const lengths = new Set<number>()
    for (let size = 0; size < 3; size += 1) {
      const one = tokens.write(carrying(`{"a":"${'x'.repeat(size)}"}`), secret)
      const spare = (one.length - 9) % 4
      lengths.add(spare)
      if (spare === 0) continue
      const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
      const next = alphabet[alphabet.indexOf(one.at(-1) ?? '') + 1] ?? ''
      assert.equal(tokens.open(one.slice(0, -1) + next), null)
    }
    assert.equal(lengths.size, 3)
  })

  it('no text makes it throw, and none that we did not make opens', () => {
    const alphabet = fc.constantFrom(...'AZaz09-_.=+/ \n\u00e9%"')
    const after = (start: string) => fc.string({ unit: alphabet, maxLength: 400 }).map(end => start + end)
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      after(`${ring.newest.id}.`),
      after(token.slice(0, 60)),
      fc
        .uint8Array({ maxLength: 300 })
        .map(bytes => `${ring.newest.id}.${Buffer.from([1, ...bytes]).toString('base64url')}`),
      fc.nat(token.length).map(length => token.slice(0, length)),
    )
    fc.assert(
      fc.property(texts, forged => {
        assert.equal(forged === token ? null : tokens.open(forged), null)
      }),
      { numRuns: 3_000 },
    )
  })

  it('ASVS 11.2.2: an older key still opens, and without it nothing does', () => {
    const newer = newText()
    const both = new SealedTokens(createKeyRing([newer, text]), 'data', place, randomBytes)
    assert.equal(both.open(token)?.json, json)
    assert.equal(new SealedTokens(createKeyRing([newer]), 'data', place, randomBytes).open(token), null)
  })

  it('ASVS 3.3.5: what fits exactly is written, and a byte more is a 413 that says how many are too many', () => {
    const fits = (bytes: number) => carrying(`{"a":"${'x'.repeat(bytes - 8)}"}`)
    let most = 256
    for (; most < 4_000; most += 1) {
      try {
        tokens.assertFits(fits(most + 1))
      } catch {
        break
      }
    }
    const longest = tokens.write(fits(most), secret)
    assert.ok(longest.length <= place.maxLength && longest.length > place.maxLength - 4, String(longest.length))
    for (const tooMany of [1, 2, 1_000])
      assert.throws(
        () => tokens.assertFits(fits(most + tooMany)),
        error =>
          error instanceof DataTooLargeError &&
          error.status === 413 &&
          error.message.includes(` ${tooMany} bytes too many`),
      )
  })
})

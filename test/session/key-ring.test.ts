import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { UsageError } from '../../src/errors.ts'
import { createKeyRing, keyIdLength, weakness } from '../../src/session/key-ring.ts'

const good = () => randomBytes(32).toString('base64url')

describe('key ring', () => {
  it('the first secret issues, every one is found by its id', () => {
    const ring = createKeyRing([good(), good(), good()])
    assert.equal(ring.all.length, 3)
    assert.equal(ring.newest, ring.all[0])
    for (const key of ring.all) {
      assert.equal(key.id.length, keyIdLength)
      assert.match(key.id, /^[\w-]{8}$/)
      assert.equal(ring.find(key.id), key)
    }
    assert.equal(ring.find('toString'), undefined)
  })

  it('the same secret gives the same keys in every process', () => {
    const secret = good()
    const [one, other] = [createKeyRing([secret]).newest, createKeyRing([secret]).newest]
    assert.equal(one.id, other.id)
    assert.ok(one.tagKey.equals(other.tagKey) && one.csrfKey.equals(other.csrfKey))
  })

  it('9.2.2: tokens and CSRF tokens have keys of their own', () => {
    const { tagKey, csrfKey } = createKeyRing([good()]).newest
    assert.equal(tagKey.symmetricKeySize, 32)
    assert.equal(csrfKey.symmetricKeySize, 32)
    assert.equal(tagKey.equals(csrfKey), false)
  })

  it('secrets that differ in one character share no key', () => {
    const secret = `${good()}a`
    const [one, other] = createKeyRing([secret, `${secret.slice(0, -1)}b`]).all
    assert.ok(one && other && one.id !== other.id && !one.tagKey.equals(other.tagKey))
  })
})

const weak: readonly (readonly [name: string, secret: unknown, problem: RegExp])[] = [
  ['undefined', undefined, /missing.*environment variable/],
  ['null', null, /missing/],
  ['empty', '', /missing/],
  ['a number', 42, /missing/],
  ['a Buffer', randomBytes(32), /missing/],
  ['31 random characters', good().slice(0, 31), /31 characters: at least 32/],
  ['one character repeated', 'x'.repeat(64), /repeats too few/],
  ['a word repeated', 'abcdefg-'.repeat(8), /repeats too few/],
  ['eleven different characters', 'abcdefghik1'.repeat(4), /repeats too few/],
  ['a phrase out of a manual', 'keyboard cat, keyboard cat, keyboard cat', /example/],
  ['the same with dashes', 'my-keyboard-cat-is-the-best-of-all-cats', /example/],
  ['changeme', 'changeme-and-some-more-characters-xyz', /example/],
  ['change_me', 'CHANGE_ME_and_some_more_characters_xyz', /example/],
  ['your-secret', 'your-secret-here-with-characters-1a2b3c', /example/],
  ['super secret', 'superSecretValueThatNobodyWillEverFind1', /example/],
  ['a placeholder', 'placeholder-v9Kq3zXw7Rt5Yp1Lm8Nb4Cd6', /example/],
  ['a password', 'correcthorsebatterystaplepassword99xyz', /example/],
  ['Passw0rd', 'Passw0rd-v9Kq3zXw7Rt5Yp1Lm8Nb4Cd6', /example/],
  ['keys in a row', 'qwertyuiopasdfghjklzxcvbnm,.-1290', /example/],
  ['the alphabet', 'abcdefghijklmnopqrstuvwxyz-+*#_:;,.', /example/],
  ['digits in a row', 'prefix-1234567890-suffix-and-more-text', /example/],
  ['instructions', 'insert a long random string in here please', /example/],
  ['replace me', 'replace-me-v9Kq3zXw7Rt5Yp1Lm8Nb4Cd6xx', /example/],
]

describe('13.3.1, WSTG-SESS-10e: weak secrets', () => {
  for (const [name, secret, problem] of weak) {
    it(`${name} is refused, and the message does not repeat it`, () => {
      assert.match(weakness(secret) ?? '', problem)
      assert.throws(
        () => createKeyRing([good(), secret as string]),
        error =>
          error instanceof UsageError &&
          problem.test(error.message) &&
          error.message.startsWith('secrets[1] ') &&
          error.message.includes('latchkey keygen') &&
          !(typeof secret === 'string' && secret !== '' && error.message.includes(secret)),
      )
    })
  }

  it('no secret at all, and a text instead of a list, are refused', () => {
    assert.throws(() => createKeyRing([]), UsageError)
    assert.throws(() => createKeyRing(good() as unknown as string[]), UsageError)
  })

  it('the same secret twice is refused', () => {
    const secret = good()
    assert.throws(() => createKeyRing([secret, secret]), /secrets\[1\] stands in the list twice/)
  })

  it('24 random bytes or more pass, whatever the encoding', () => {
    const random = fc.uint8Array({ minLength: 32, maxLength: 64 }).map(() => randomBytes(32))
    fc.assert(
      fc.property(random, bytes => {
        for (const encoding of ['base64url', 'base64', 'hex'] as const) {
          assert.equal(weakness(bytes.toString(encoding)), null)
        }
      }),
      // More runs would find the one secret in millions that holds a known word by chance.
      { numRuns: 50 },
    )
  })
})

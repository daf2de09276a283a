import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { createKeyRing } from '../../src/session/key-ring.ts'
import { seal, sealingKey, unseal } from '../../src/session/seal.ts'

const secret = randomBytes(32)
const ring = createKeyRing([randomBytes(32).toString('base64url')])
const key = sealingKey(ring.newest, secret)

describe('seal', () => {
  it('what is sealed comes back, whatever text and context', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (text, context) => {
        assert.equal(unseal(key, seal(key, text, context, randomBytes), context), text)
      }),
    )
  })

  it('11.3.3: a single flipped bit anywhere opens nothing', () => {
    const sealed = Buffer.from(seal(key, 'data', 'context', randomBytes), 'base64url')
    for (let at = 0; at < sealed.length * 8; at += 1) {
      const tampered = Buffer.from(sealed)
      tampered[at >> 3] = (tampered[at >> 3] ?? 0) ^ (1 << (at & 7))
      assert.equal(unseal(key, tampered.toString('base64url'), 'context'), null, `bit ${at}`)
    }
  })

  it('another key, another context and a piece of it open nothing', () => {
    const sealed = seal(key, 'data', 'context', randomBytes)
    assert.equal(unseal(sealingKey(ring.newest, randomBytes(32)), sealed, 'context'), null)
    assert.equal(unseal(key, sealed, 'context '), null)
    for (let length = 0; length < sealed.length - 1; length += 1) {
      assert.equal(unseal(key, sealed.slice(0, length), 'context'), null, `${length} characters`)
    }
  })

  it('no text makes opening throw', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 100 }), text => unseal(key, text, '') === null))
  })

  it('11.3.4: the same text is sealed differently each time, with a fresh nonce of 96 bits', () => {
    const nonces = Array.from({ length: 10_000 }, () => seal(key, '', '', randomBytes).slice(0, 16))
    assert.equal(new Set(nonces).size, 10_000)
    const asked: number[] = []
    seal(key, 'data', 'context', size => {
      asked.push(size)
      return randomBytes(size)
    })
    assert.deepEqual(asked, [12])
  })

  it('the key is not the secret, and 256 bits long', () => {
    assert.equal(key.symmetricKeySize, 32)
    assert.notDeepEqual(key.export(), secret)
  })
})

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isAuthentic, keyIdOf, Linker, macOf, newChain } from '../../src/watch/chain.ts'
import type { AuditEntry } from '../../src/watch/entry.ts'
import { key, keyId, olderKey } from '../actors/trail.ts'

const text = fc.string({ unit: 'binary' })
const entries = fc.record({
  chain: text,
  seq: fc.nat(),
  at: fc.maxSafeNat(),
  type: fc.constantFrom('session.created', 'session.ended'),
  severity: fc.constantFrom('info', 'warning', 'alert'),
  sid: fc.option(text),
  userId: fc.option(text),
  address: fc.option(text),
  userAgent: fc.option(text),
  detail: fc.dictionary(text, fc.jsonValue({ noUnicodeString: false })),
}) as fc.Arbitrary<Omit<AuditEntry, 'mac'>>

describe('the MAC of an entry', () => {
  it('is another for every other entry, and every other MAC before it', () => {
    fc.assert(
      fc.property(entries, entries, text, text, (one, other, before, otherBefore) => {
        const same = (a: unknown, b: unknown) => {
          try {
            assert.deepEqual(a, b)
            return true
          } catch {
            return false
          }
        }
        const isSame = same(one, other) && before === otherBefore
        assert.equal(macOf(key, before, one) === macOf(key, otherBefore, other), isSame)
      }),
    )
  })

  it('does not depend on the order in which a database gives back the members of an object', () => {
    const [one] = fc.sample(entries, 1)
    assert.ok(one)
    const turned = Object.fromEntries(Object.entries({ ...one, detail: { b: { y: 1, x: 2 }, a: [1] } }).reverse())
    const ordered = { ...one, detail: { a: [1], b: { x: 2, y: 1 } } }
    assert.equal(macOf(key, '', turned as unknown as AuditEntry), macOf(key, '', ordered))
  })

  it('moving a character from one field to the next makes another', () => {
    const [one] = fc.sample(entries, 1)
    assert.ok(one)
    const macs = [
      { ...one, sid: 'ab', userId: 'c' },
      { ...one, sid: 'a', userId: 'bc' },
      { ...one, sid: 'ab","c', userId: '' },
      { ...one, sid: null, userId: 'abc' },
      { ...one, sid: 'null', userId: 'abc' },
    ].map(entry => macOf(key, '', entry))
    assert.equal(new Set(macs).size, macs.length)
  })

  it('needs the key', () => {
    const entry = new Linker(key, keyId, randomBytes).link({
      ...{
        at: 1,
        type: 'trail.closed',
        severity: 'info',
        sid: null,
        userId: null,
        address: null,
        userAgent: null,
        detail: {},
      },
    })
    assert.equal(isAuthentic(key, '', entry), true)
    assert.equal(isAuthentic(olderKey, '', entry), false)
    assert.equal(isAuthentic(key, 'x', entry), false)
  })
})

describe('the name of a chain', () => {
  it('is 22 base64url characters, and names its key', () => {
    const chain = newChain(keyId, randomBytes)
    assert.match(chain, /^[\w-]{22}$/)
    assert.equal(keyIdOf(chain), keyId)
    assert.notEqual(chain, newChain(keyId, randomBytes))
  })
})

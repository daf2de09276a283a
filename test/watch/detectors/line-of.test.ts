import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { lineOf } from '../../../src/watch/detectors/line-of.ts'

describe('the line that an address belongs to', () => {
  const lines: readonly (readonly [name: string, isOne: boolean, a: string, b: string])[] = [
    ['two addresses of a /64', true, '2001:db8:1:1::1', '2001:db8:1:1:ffff:ffff:ffff:ffff'],
    ['two /64 of a /48', false, '2001:db8:1:1::1', '2001:db8:1:2::1'],
    ['two spellings', true, '2001:0DB8:0001:0000::1', '2001:db8:1::1'],
    ['two interfaces', true, 'fe80::1%eth0', 'fe80::1%eth1'],
    ['two neighbours', false, '192.0.2.1', '192.0.2.2'],
    ['an IPv4 address that is mapped into IPv6, and itself', true, '::ffff:192.0.2.1', '192.0.2.1'],
    ['two of those', false, '::ffff:192.0.2.1', '::ffff:192.0.2.2'],
    ['two IPv4 addresses behind a translator', false, '64:ff9b::192.0.2.1', '64:ff9b::192.0.2.2'],
  ]
  for (const [name, isOne, a, b] of lines) {
    it(`${name}: ${isOne ? 'one line' : 'two lines'}`, () => assert.equal(lineOf(a) === lineOf(b), isOne))
  }

  it('holds for every address', () => {
    fc.assert(fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), address => assert.match(lineOf(address), /^[0-9a-f:]+$/)))
  })
})

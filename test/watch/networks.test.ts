import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { networkOf } from '../../src/watch/networks.ts'

describe('networks', () => {
  const known: readonly (readonly [address: string, near: string, wide: string])[] = [
    ['192.0.2.77', '192.0.2.0/24', '192.0.0.0/16'],
    ['::ffff:192.0.2.77', '192.0.2.0/24', '192.0.0.0/16'],
    ['::FFFF:192.0.2.77', '192.0.2.0/24', '192.0.0.0/16'],
    ['::ffff:c000:24d', '192.0.2.0/24', '192.0.0.0/16'],
    ['0:0:0:0:0:ffff:c000:24d', '192.0.2.0/24', '192.0.0.0/16'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1::/48', '2001:db8::/32'],
    ['2001:0DB8:0001::6', '2001:db8:1::/48', '2001:db8::/32'],
    ['2001:db8::', '2001:db8:0::/48', '2001:db8::/32'],
    ['::1', '0:0:0::/48', '0:0::/32'],
    ['fe80::1%eth0', 'fe80:0:0::/48', 'fe80:0::/32'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0::/48', '64:ff9b::/32'],
  ]
  for (const [address, near, wide] of known) {
    it(`${address} is in ${near}`, () => {
      const network = networkOf(address)
      assert.deepEqual([network?.near, network?.wide], [near, wide])
      assert.equal(network?.family, near.includes('.') ? 4 : 6)
    })
  }

  it('what is no address is in no network', () => {
    for (const text of [
      '',
      'localhost',
      '192.0.2',
      '192.0.2.256',
      '1.2.3.4:80',
      '[::1]',
      ':::',
      '%eth0',
      '::ffff:999.1.1.1',
    ])
      assert.equal(networkOf(text), null, text)
  })

  it('no text is too strange', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.ipV4(), fc.ipV6()), text => void networkOf(text)))
  })

  it('all spellings of an IPv6 address are in one network', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 }), groups => {
        const plain = networkOf(groups.map(group => group.toString(16)).join(':'))
        const padded = networkOf(groups.map(group => group.toString(16).padStart(4, '0').toUpperCase()).join(':'))
        assert.deepEqual(plain, padded)
      }),
    )
  })
})

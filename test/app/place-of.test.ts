import assert from 'node:assert/strict'
import { it } from 'node:test'
import fc from 'fast-check'
import { placeOf } from '../../app/place-of.ts'

const cases: [name: string, address: string | null | undefined, place: string][] = [
  ['an IPv4 address is a place', '192.0.2.1', '192.0.2.1'],
  ['an IPv4 address in IPv6 clothes is the same place', '::ffff:192.0.2.1', '192.0.2.1'],
  ['an IPv6 network is one place', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['another address of that network is the same place', '2001:0db8:1:2::beef', '2001:db8:1:2::/64'],
  ['another network is another place', '2001:db8:1:3::1', '2001:db8:1:3::/64'],
  ['a short address is filled up', '2001:db8::1', '2001:db8:0:0::/64'],
  ['this machine is a place', '::1', '0:0:0:0::/64'],
  ['a zone is ignored', 'fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['an unknown address is one place for all', null, 'unknown'],
  ['no address is unknown', undefined, 'unknown'],
]
for (const [name, address, place] of cases) it(name, () => assert.equal(placeOf(address), place))

it('every address of an IPv6 network is one place, however it is written', () => {
  const group = fc.integer({ min: 0, max: 0xffff })
  fc.assert(
    fc.property(
      fc.array(group, { minLength: 4, maxLength: 4 }),
      fc.array(group, { minLength: 4, maxLength: 4 }),
      (network, host) => {
        const address = [...network, ...host].map(value => value.toString(16).padStart(4, '0')).join(':')
        // ::ffff:0:0/96 is IPv4.
        if (network.every(value => value === 0)) return
        assert.equal(placeOf(address), `${network.map(value => value.toString(16)).join(':')}::/64`)
      },
    ),
  )
})

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { UsageError } from 'latchkey'
import { maxMind } from 'latchkey/watch/geo'
import { open } from 'maxmind'
import { writeMmdb } from '../actors/mmdb.ts'
import { temporaryDirectory } from '../app/temporary-directory.ts'

const berlin = {
  country: { iso_code: 'DE' },
  location: { latitude: 52.52, longitude: 13.405, accuracy_radius: 20 },
}

describe('MaxMind databases', () => {
  it('real files, read with the package maxmind, say where an address is, whose, and whether it is a relay', async () => {
    const directory = temporaryDirectory()
    const database = async (type: string, networks: Parameters<typeof writeMmdb>[1]) => {
      const file = join(directory, `${type}.mmdb`)
      writeFileSync(file, writeMmdb(type, networks))
      return await open<never>(file)
    }
    const geo = maxMind({
      city: await database('GeoLite2-City', {
        '192.0.2.0/24': berlin,
        '2001:db8::/32': { registered_country: { iso_code: 'FR' } },
        '198.51.100.0/24': { country: { iso_code: 'US' }, location: { latitude: -33.5, longitude: 151.25 } },
      }),
      asn: await database('GeoLite2-ASN', {
        '192.0.2.0/25': { autonomous_system_number: 64_500, autonomous_system_organization: 'Example' },
      }),
      anonymous: await database('GeoIP2-Anonymous-IP', {
        '203.0.113.0/24': { is_anonymous: true, is_anonymous_vpn: true },
      }),
    })
    const nothing = { country: null, latitude: null, longitude: null, accuracyKm: null, asn: null, relay: false }
    const city = { country: 'DE', latitude: 52.52, longitude: 13.405, accuracyKm: 20 }
    assert.deepEqual(geo.locate('192.0.2.77'), { ...city, asn: 64_500, relay: false })
    assert.deepEqual(geo.locate('192.0.2.200'), { ...city, asn: null, relay: false })
    assert.deepEqual(geo.locate('2001:db8:1::2'), { ...nothing, country: 'FR' })
    assert.deepEqual(geo.locate('198.51.100.1'), { ...nothing, country: 'US', latitude: -33.5, longitude: 151.25 })
    assert.deepEqual(geo.locate('203.0.113.9'), { ...nothing, relay: true })
    for (const address of ['8.8.8.8', '::1', '', 'no address', '192.0.2.1:80', '\u0000']) {
      assert.equal(geo.locate(address), null, JSON.stringify(address))
    }
  })

  const shapes: readonly (readonly [name: string, found: unknown])[] = [
    ['nothing', undefined],
    ['a text', 'DE'],
    ['a list', [berlin]],
    ['fields that are no objects', { country: 'DE', location: 7 }],
    ['a country that is none', { country: { iso_code: 'Germany' } }],
    ['half a point', { location: { latitude: 52.5 } }],
    ['a point off the earth', { location: { latitude: 91, longitude: 0 } }],
    ['a point that is no number', { location: { latitude: '52.5', longitude: Number.NaN } }],
    ['an endless number', { location: { latitude: 0, longitude: Number.POSITIVE_INFINITY } }],
  ]
  for (const [name, found] of shapes) {
    it(`a database that answers with ${name} is as good as one that knows nothing`, () => {
      const place = maxMind({ city: { get: () => found } }).locate('192.0.2.1')
      const { country, latitude, longitude, accuracyKm } = place ?? {}
      assert.deepEqual(
        [country ?? null, latitude ?? null, longitude ?? null, accuracyKm ?? null],
        [null, null, null, null],
      )
    })
  }

  it('an autonomous system has a whole number, wherever it stands', () => {
    const asn = (found: unknown) => maxMind({ asn: { get: () => found } }).locate('192.0.2.1')?.asn ?? null
    assert.equal(asn({ autonomous_system_number: 64_500 }), 64_500)
    assert.equal(asn({ traits: { autonomous_system_number: 64_500 } }), 64_500)
    for (const wrong of [0, -1, 1.5, 2 ** 32, '64500', null])
      assert.equal(asn({ autonomous_system_number: wrong }), null)
  })

  it('a database that throws knows nothing', () => {
    const throws = () => {
      throw new Error('damaged')
    }
    assert.equal(maxMind({ city: { get: throws } }).locate('192.0.2.1'), null)
  })

  it('no database, or one that is not open, is a mistake that is named', () => {
    assert.throws(() => maxMind({}), UsageError)
    // @ts-expect-error: a path is no open database
    assert.throws(() => maxMind({ city: 'GeoLite2-City.mmdb' }), /city is no open database/)
  })
})

import { UsageError } from '../errors.ts'

/** Where an address is, as far as a database knows. */
export interface Place {
  /** ISO 3166-1 alpha-2, or `null`. */
  readonly country: string | null
  /** Degrees, or `null`. */
  readonly latitude: number | null
  readonly longitude: number | null
  /** How far off that may be, km, or `null`. */
  readonly accuracyKm: number | null
  /** Number of the autonomous system that announces the address, or `null`. */
  readonly asn: number | null
  /** Whether people go through it who are somewhere else: a VPN, a proxy, Tor. Default: `false`. */
  readonly relay?: boolean
}

/** Looks addresses up. Synchronous, from memory. */
export interface Geo {
  /** `null` when nothing is known about the address. */
  locate(address: string): Place | null
}

/** An open database in MaxMind's format, as `open()` of the package `maxmind` gives it. */
export interface MaxMindReader {
  /** What is known about an address; `null` when that is nothing. */
  get(address: string): unknown
}

/** The databases that {@link maxMind} reads; one is enough. */
export interface MaxMindDatabases {
  /** GeoLite2 City or GeoIP2 City (or Country): where an address is. */
  readonly city?: MaxMindReader
  /** GeoLite2 ASN or GeoIP2 ISP: whose an address is. */
  readonly asn?: MaxMindReader
  /** GeoIP2 Anonymous IP: which addresses are of VPNs, proxies and Tor, and say nothing of where people are. */
  readonly anonymous?: MaxMindReader
}

/**
 * Looks addresses up in MaxMind databases that you bring and open with the package `maxmind`. What a database holds is looked at
 * and not trusted: a field of another shape is as good as none. Throws a `UsageError` when there is no database.
 *
 * @example
 * const geo = maxMind({ city: await open('GeoLite2-City.mmdb'), asn: await open('GeoLite2-ASN.mmdb') })
 */
export function maxMind({ city, asn, anonymous }: MaxMindDatabases): Geo {
  for (const [name, reader] of Object.entries({ city, asn, anonymous })) {
    if (reader !== undefined && typeof reader?.get !== 'function') {
      throw new UsageError(`maxMind: ${name} is no open database: pass \`await open(file)\` of the package maxmind.`)
    }
  }
  if (!city && !asn && !anonymous) {
    throw new UsageError('maxMind: pass at least one database, for example { city: await open(file) }.')
  }
  return {
    locate(address) {
      const place = lookUp(city, address)
      const owner = lookUp(asn, address)
      const hidden = lookUp(anonymous, address)
      if (place === null && owner === null && hidden === null) return null
      return { ...placeOf(place), asn: asnOf(owner) ?? asnOf(place), relay: isRelay(hidden) || isRelay(place) }
    },
  }
}

type Fields = Readonly<Record<string, unknown>>

/** A database knows nothing of what is no address, and some readers throw then. */
function lookUp(reader: MaxMindReader | undefined, address: string): Fields | null {
  try {
    return fieldsOf(reader?.get(address))
  } catch {
    return null
  }
}

function fieldsOf(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null ? { ...value } : null
}

function placeOf(found: Fields | null): Omit<Place, 'asn' | 'relay'> {
  const location = fieldsOf(found?.location)
  // Where somebody is, or, for an address that is not in use, where it is registered.
  const country = fieldsOf(found?.country) ?? fieldsOf(found?.registered_country)
  const code = country?.iso_code
  const latitude = degrees(location?.latitude, 90)
  const longitude = degrees(location?.longitude, 180)
  const isPoint = latitude !== null && longitude !== null
  return {
    country: typeof code === 'string' && /^[A-Z]{2}$/.test(code) ? code : null,
    latitude: isPoint ? latitude : null,
    longitude: isPoint ? longitude : null,
    accuracyKm: isPoint ? number(location?.accuracy_radius, 0, 20_037) : null,
  }
}

function asnOf(found: Fields | null): number | null {
  const asn = number(
    found?.autonomous_system_number ?? fieldsOf(found?.traits)?.autonomous_system_number,
    1,
    0xffff_ffff,
  )
  return Number.isInteger(asn) ? asn : null
}

/** Data centres are not counted: what signs in from there is a program, and that says where it is. */
const relayFields = [
  'is_anonymous_vpn',
  'is_public_proxy',
  'is_residential_proxy',
  'is_tor_exit_node',
  'is_anonymous_proxy',
]

function isRelay(found: Fields | null): boolean {
  const fields = { ...found, ...fieldsOf(found?.traits) }
  return relayFields.some(name => fields[name] === true)
}

function degrees(value: unknown, most: number): number | null {
  return number(value, -most, most)
}

function number(value: unknown, least: number, most: number): number | null {
  return typeof value === 'number' && value >= least && value <= most ? value : null
}

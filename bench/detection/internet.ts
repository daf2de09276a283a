import type { Geo, Place } from 'latchkey/watch'
import type { Random } from './random.ts'

/** A network that people come from. */
export interface Network {
  /** Its number; the address says it, so that a place can be found again. */
  readonly id: number
  /**
   * `home`: a line of its own that keeps its address for weeks; `office`: one address for everybody there; `mobile`: hundreds of people
   * behind each of a few addresses, another one every so often; `vpn`, `hosting`: machines in a data centre.
   */
  readonly kind: 'home' | 'office' | 'mobile' | 'vpn' | 'hosting'
  readonly city: City
  readonly asn: number
}

export interface City {
  readonly name: string
  readonly country: string
  readonly latitude: number
  readonly longitude: number
}

const city = (name: string, country: string, latitude: number, longitude: number): City => ({
  ...{ name, country, latitude, longitude },
})

/** Along a great circle. */
export function kmBetween(a: City, b: City): number {
  const radians = (degrees: number) => (degrees * Math.PI) / 180
  const [north, south] = [radians(a.latitude), radians(b.latitude)]
  const cosine =
    Math.sin(north) * Math.sin(south) + Math.cos(north) * Math.cos(south) * Math.cos(radians(a.longitude - b.longitude))
  return 6_371 * Math.acos(Math.min(1, cosine))
}

/** Where people live, the first ones more often, and where they travel to. */
export const cities: readonly City[] = [
  city('Berlin', 'DE', 52.5, 13.4),
  city('Hamburg', 'DE', 53.6, 10),
  city('Munich', 'DE', 48.1, 11.6),
  city('Leipzig', 'DE', 51.3, 12.4),
  city('Vienna', 'AT', 48.2, 16.4),
  city('Zurich', 'CH', 47.4, 8.5),
  city('Amsterdam', 'NL', 52.4, 4.9),
  city('Paris', 'FR', 48.9, 2.4),
  city('Madrid', 'ES', 40.4, -3.7),
  city('Warsaw', 'PL', 52.2, 21),
  city('New York', 'US', 40.7, -74),
  city('Singapore', 'SG', 1.3, 103.8),
]

/** Where attackers like to be. */
const faraway: readonly City[] = [
  city('Ashburn', 'US', 39, -77.5),
  city('Chisinau', 'MD', 47, 28.9),
  city('Lagos', 'NG', 6.5, 3.4),
  city('Jakarta', 'ID', -6.2, 106.8),
  city('Sao Paulo', 'BR', -23.6, -46.6),
  city('Almaty', 'KZ', 43.2, 76.9),
]

/** All networks of a simulated Internet, and what a database knows about their addresses. */
export class Internet implements Geo {
  readonly #networks: Network[] = []
  /** Two access providers for each city, with one range there each. */
  readonly homes: readonly Network[]
  readonly offices: readonly Network[]
  readonly mobiles: readonly Network[]
  readonly vpns: readonly Network[]
  /** What phones hide behind that their makers protect, in each city. */
  readonly relays: readonly Network[]
  /** Data centres that attacks come from. */
  readonly hostings: readonly Network[]

  constructor() {
    const add = (kind: Network['kind'], asn: number) => (city: City) => {
      const network = { id: this.#networks.length, kind, city, asn }
      this.#networks.push(network)
      return network
    }
    this.homes = cities.flatMap((city, index) => [64_500, 64_520].map(asn => add('home', asn + (index >> 2))(city)))
    this.offices = cities.flatMap(city => Array.from({ length: 6 }, (_, index) => add('office', 64_600 + index)(city)))
    this.mobiles = cities.flatMap((city, index) => [64_700, 64_720].map(asn => add('mobile', asn + (index >> 2))(city)))
    // Most rent from the large ones, whose numbers are known; some do not.
    this.vpns = cities.slice(0, 9).map((city, index) => add('vpn', [9_009, 212_238, 64_800][index % 3] ?? 0)(city))
    this.relays = cities.map(add('vpn', 36_183))
    this.hostings = faraway.map((city, index) => add('hosting', 64_900 + index)(city))
  }

  /** An address there: of line or gateway number `line`, and for a home of its `month`, when the provider gives it another. */
  address(network: Network, line: number): string {
    const low = line % (250 * 200)
    return `${20 + (network.id >> 8)}.${network.id & 255}.${1 + Math.floor(low / 250)}.${1 + (low % 250)}`
  }

  /** Somebody's address in IPv6: the line has a prefix, the device makes up the rest anew every day. */
  address6(network: Network, line: number, random: Random): string {
    const part = () => random.int(65_536).toString(16)
    return `2a0${network.id >> 8}:${(network.id & 255).toString(16)}:${(line & 0xffff).toString(16)}:1:${part()}:${part()}:${part()}:${part()}`
  }

  locate(address: string): Place | null {
    const network = this.#networkOf(address)
    if (!network) return null
    const { country, latitude, longitude } = network.city
    // Access providers are known to the city, phones to the region at best: their traffic leaves somewhere central.
    return { country, latitude, longitude, accuracyKm: network.kind === 'mobile' ? 200 : 25, asn: network.asn }
  }

  #networkOf(address: string): Network | undefined {
    const four = /^(\d+)\.(\d+)\./.exec(address)
    if (four) return this.#networks[(Number(four[1]) - 20) * 256 + Number(four[2])]
    const six = /^2a0(\d):([0-9a-f]+):/.exec(address)
    return six ? this.#networks[Number(six[1]) * 256 + Number.parseInt(six[2] ?? '', 16)] : undefined
  }
}

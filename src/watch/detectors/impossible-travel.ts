import type { Duration } from '../../session/duration.ts'
import { durationMs } from '../../session/duration.ts'
import type { Detector, Inquiry, Signal } from './detector.ts'
import type { Facts } from './facts.ts'
import { acquaintance } from './same-person.ts'
import { type PastSpot, sessionSpots } from './session-spots.ts'
import { decodeSpot, distanceKm, encodeSpot, isOtherCountry, isProgram, type Spot } from './spot.ts'

/** How impossible travel is recognised. */
export interface ImpossibleTravelTuning {
  /** Faster than this nobody travels, km/h. Airliners fly at 900. */
  readonly speedKmh: number
  /** Nearer than this, km, after what both places may be off, nothing is said: databases are wrong about cities. */
  readonly distanceKm: number
  /** How long sign-ins of one user are compared. */
  readonly within: Duration
}

/** Nobody flies faster than an airliner. */
export const impossibleTravel: Detector<ImpossibleTravelTuning> = {
  name: 'impossible-travel',
  sees:
    'Two uses of one session of a signed-in user, or two sign-ins of one user, so far apart that nobody can have travelled in between. Needs a ' +
    'database of places (`geo`). What both places may be off is taken from the distance. Networks that the user came from ' +
    'in the last 90 days, networks known to be VPNs or relays, and two places of one provider in one country, say nothing; nor does the way between a ' +
    'network that the user has been coming from for longer than a day and another country that they come from as long; nor ' +
    'does a carrier of a country the user comes from beside a network that others sign in from, for a phone abroad still comes out at home. ' +
    'It is only written down while the watch is getting to know the user, and after a sign-in of a program at home, which may run there while its owner travels.',
  falseAlarms:
    'The first days of a VPN that is not known to be one, until there were alerts on three of them. A phone that roams, while too few ' +
    'people sign in to tell its carrier from other networks, or when the carrier serves homes from the same autonomous system.',
  tuning:
    'Name your VPNs in `relays`, or give `maxMind` a database of anonymous networks. Raise `distanceKm` where the database is poor.',
  defaults: { speedKmh: 1_000, distanceKm: 500, within: '24h' },
  hears: ['session.used', 'session.signed-in'],
  start({ speedKmh, distanceKm: leastKm, within }, facts) {
    const withinMs = durationMs(within, 'within')
    const isImpossible = (from: PastSpot, to: Spot, at: number) => {
      const km = travelledKm(from.spot, to)
      return km >= leastKm && km > (speedKmh * Math.max(0, at - from.lastAt)) / 3_600_000
    }
    // Back where they were today: that a VPN, or somebody else, was far away was told when it happened.
    const isBack = (others: readonly PastSpot[], now: Spot) =>
      others.some(({ spot }) => isPlaced(spot) && spot.country === now.country && travelledKm(spot, now) < leastKm)
    return signal => {
      const { userId } = signal
      if (userId === null) return null
      if (signal.type === 'session.used') {
        const spots = sessionSpots(signal, facts)
        return {
          see: [spots.sighting],
          judge({ seen: [seen = []] }) {
            const { now, isNew, others } = spots.read(seen)
            const from = others.find(({ spot }) => isPlaced(spot))
            if (!isNew || !from || isBack(others, now) || !isImpossible(from, now, signal.at)) return null
            return unlessExplained(signal, { userId, between: 'one session', from, now }, facts)
          },
        }
      }
      if (signal.type !== 'session.signed-in' || !signal.origin) return null
      const { at } = signal
      const member = encodeSpot(facts.spot(signal.origin))
      const now = decodeSpot(member)
      const key = `signed-in-from:${facts.hash('user', userId)}`
      return {
        see: [{ key, member, at, windowMs: withinMs, most: 16 }],
        judge({ seen: [seen = []] }) {
          const others = seen
            .filter(one => one.member !== member)
            .map(one => ({ ...one, spot: decodeSpot(one.member) }))
            .filter(({ spot }) => isPlaced(spot))
          // What runs at home signs in there while its owner travels: where the owner was says more.
          const person = isProgram(now) ? undefined : others.findLast(({ spot }) => !isProgram(spot))
          const from = [person, others.at(-1)].find(one => one && isImpossible(one, now, at))
          if (!from || isBack(others, now)) return null
          return unlessExplained(signal, { userId, between: 'sign-ins', from, now }, facts)
        },
      }
    }
  },
}

/** What looks like a journey that nobody can have made. */
interface Journey {
  readonly userId: string
  readonly between: 'one session' | 'sign-ins'
  readonly from: PastSpot
  readonly now: Spot
}

function unlessExplained(signal: Signal, { userId, between, from, now }: Journey, facts: Facts): Inquiry {
  const { at, sid, origin } = signal
  return acquaintance({ userId, at }, now, from.spot, facts, known => {
    // Who uses a VPN for weeks, or travels with one, comes back from it to new networks at home as well.
    const isCommute = known.isCommuter && isOtherCountry(from.spot, now)
    if (known.isFamiliar || known.isPhone || isCommute) return null
    const evidence = {
      between,
      km: Math.round(travelledKm(from.spot, now)),
      minutes: Math.round((at - from.lastAt) / 60_000),
      countries: [from.spot.country ?? '?', now.country ?? '?'],
    }
    const isLeftAtHome = known.isHome && isProgram(from.spot) && !isProgram(now)
    const isTentative = known.isTentative || isLeftAtHome
    return { severity: 'alert', subject: sid ?? 'unknown', at, sid, userId, origin, evidence, isTentative }
  })
}

/** Whether it says where somebody is. */
function isPlaced({ point, relay }: Spot): boolean {
  return point !== null && !relay
}

/** At least so far; 0 when one of the places is unknown, or says nothing about the person. */
function travelledKm(from: Spot, to: Spot): number {
  if (!from.point || !to.point || from.relay || to.relay) return 0
  // A carrier lets its users out now in the north of the country and now in the south.
  const isOneCarrier = from.asn !== null && from.asn === to.asn && from.country === to.country
  return isOneCarrier ? 0 : distanceKm(from.point, to.point)
}

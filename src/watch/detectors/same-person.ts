import type { Seen } from '../store.ts'
import type { Inquiry, Outcome } from './detector.ts'
import type { Facts } from './facts.ts'
import { crowdSighting, hasCrowd, isCarrier } from './network-crowd.ts'
import { isOtherCountry, type Spot } from './spot.ts'
import { isFamiliar, isSettled, isSettledCountry, userNetworks } from './user-networks.ts'

/** What is known of a user and of two networks that they, or somebody else, come from. */
export interface Acquaintance {
  /** Whether the user came from where they are now before this. */
  readonly isFamiliar: boolean
  /** Whether the user has been coming from the other network, and from the country they are in now, for longer than a day. */
  readonly isCommuter: boolean
  /** Whether the user has been coming from both for longer than a day. */
  readonly isSettled: boolean
  /**
   * Whether the two may be one phone, on its carrier's network and beside it: within a country, or abroad, where a phone still comes out at
   * home. There the carrier must be of a country that the user comes from, and the other network one that people come from.
   */
  readonly isPhone: boolean
}

/** Asks what is known of a user and two networks, and notes that they came from where they are now. */
export function acquaintance(
  { userId, at }: { readonly userId: string | null; readonly at: number },
  now: Spot,
  other: Spot,
  facts: Facts,
  judge: (known: Acquaintance) => Outcome,
): Inquiry {
  const networks = userId === null ? [] : userNetworks(userId, now, at, facts)
  const crowds = [now, other].map(spot => crowdSighting(spot, at))
  return {
    see: [...networks, ...crowds.filter(crowd => crowd !== null)],
    judge({ seen }) {
      const user = networks.length > 0 ? (seen[networks.length - 1] ?? []) : []
      let next = networks.length
      const [here = [], there = []] = crowds.map(crowd => (crowd ? (seen[next++] ?? []) : []))
      const isRoaming = (carrier: Spot, itsCrowd: readonly Seen[], otherCrowd: readonly Seen[]) =>
        isCarrier(itsCrowd) &&
        (!isOtherCountry(now, other) || (isSettledCountry(carrier, at, user) && hasCrowd(otherCrowd)))
      return judge({
        isFamiliar: isFamiliar(now, at, user),
        isCommuter: isSettled(other, at, user) && isSettledCountry(now, at, user),
        isSettled: isSettled(now, at, user) && isSettled(other, at, user),
        isPhone: isRoaming(now, here, there) || isRoaming(other, there, here),
      })
    },
  }
}

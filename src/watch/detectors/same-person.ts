import type { Seen } from '../store.ts'
import type { Inquiry, Outcome } from './detector.ts'
import type { Facts } from './facts.ts'
import { crowdSighting, hasCrowd, isCarrier, watchSighting } from './network-crowd.ts'
import { isOtherCountry, type Spot } from './spot.ts'
import { isFamiliar, isSettled, isSettledCountry, networksOfUser, userSighting } from './user-networks.ts'

/** What is known of a user and of two networks that they, or somebody else, come from. */
export interface Acquaintance {
  /** Whether the user came from where they are now before this. */
  readonly isFamiliar: boolean
  /** Whether the user has been coming from the other network for longer than a day. */
  readonly isHome: boolean
  /** Whether the same is true of the country they are in now as well. */
  readonly isCommuter: boolean
  /** Whether the user has been coming from both for longer than a day. */
  readonly isSettled: boolean
  /**
   * Whether the two may be one phone, on its carrier's network and beside it: within a country, or abroad, where a phone still comes out at
   * home. There the carrier must be of a country that the user comes from, and the other network one that people come from.
   */
  readonly isPhone: boolean
  /**
   * Whether the watch is only getting to know the user, and nothing else speaks against them: others of its users come from both
   * networks, or it is new itself and knows nobody.
   */
  readonly isTentative: boolean
}

/** Asks what is known of a user and two networks. */
export function acquaintance(
  { userId, at }: { readonly userId: string; readonly at: number },
  now: Spot,
  other: Spot,
  facts: Facts,
  judge: (known: Acquaintance) => Outcome,
): Inquiry {
  const crowds = [now, other].map(spot => crowdSighting(spot, at))
  return {
    see: [networksOfUser(userId, at, facts), userSighting(userId, at, facts), watchSighting(at), ...crowds.flat()],
    judge({ seen: [user = [], began = [], watch = [], ...answers] }) {
      const [here = [], there = []] = crowds.map(({ length }) => answers.splice(0, length).flat())
      const isNew = (known: readonly Seen[]) => !known.some(({ firstAt }) => firstAt <= at - facts.learningMs)
      const isRoaming = (carrier: Spot, itsCrowd: readonly Seen[], otherCrowd: readonly Seen[]) =>
        isCarrier(itsCrowd) &&
        (!isOtherCountry(now, other) || (isSettledCountry(carrier, at, user) && hasCrowd(otherCrowd)))
      return judge({
        isFamiliar: isFamiliar(now, at, user),
        isHome: isSettled(other, at, user),
        isCommuter: isSettled(other, at, user) && isSettledCountry(now, at, user),
        isSettled: isSettled(now, at, user) && isSettled(other, at, user),
        isPhone: isRoaming(now, here, there) || isRoaming(other, there, here),
        isTentative: isNew(began) && (isNew(watch) || (hasCrowd(here) && hasCrowd(there))),
      })
    },
  }
}

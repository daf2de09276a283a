import type { Seen, Sighting } from '../store.ts'
import type { Facts } from './facts.ts'
import type { Spot } from './spot.ts'

/** Which networks and countries a user comes from: the window by which a VPN that they use each week is not taken for a journey. */
const rememberedMs = 90 * 24 * 3_600_000
const mostRemembered = 48
/** What came up today may be the thief's. */
const settledMs = 24 * 3_600_000

/** After so long even a network that looked like somebody else's is the user's: nobody minded, and it may be their new VPN. */
const doubtMs = 3 * 24 * 3_600_000
const doubtful = '?'
const asked = 'asked'

/** Somebody comes from somewhere. */
interface Arrival {
  readonly userId: string
  readonly at: number
  /** Whether a detector had something against it. */
  readonly isSuspicious: boolean
}

/** Notes a user's network and country; nothing when both are unknown. */
export function userNetworks({ userId, at, isSuspicious }: Arrival, spot: Spot, facts: Facts): readonly Sighting[] {
  return [networkOf(spot), countryOf(spot)]
    .filter(member => member !== null)
    .map(member => ({ ...networksOfUser(userId, at, facts), member: `${isSuspicious ? doubtful : ''}${member}` }))
}

/** The question which networks and countries a user comes from. */
export function networksOfUser(userId: string, at: number, facts: Facts): Sighting {
  const key = `user-networks:${facts.hash('user', userId)}`
  return { key, member: asked, at, windowMs: rememberedMs, most: mostRemembered }
}

/** Whether the user came from this network before. */
export function isFamiliar(spot: Spot, at: number, seen: readonly Seen[]): boolean {
  return isKnown(networkOf(spot), at, seen)
}

/** Whether the user was in this country before; so when it is unknown. */
export function isFamiliarCountry(spot: Spot, at: number, seen: readonly Seen[]): boolean {
  return spot.country === null || isKnown(countryOf(spot), at, seen)
}

/** Whether the user has been coming from this network for longer than a day. */
export function isSettled(spot: Spot, at: number, seen: readonly Seen[]): boolean {
  return isKnown(networkOf(spot), at - settledMs, seen)
}

/** Whether the user has been in this country for longer than a day, or was. */
export function isSettledCountry(spot: Spot, at: number, seen: readonly Seen[]): boolean {
  return isKnown(countryOf(spot), at - settledMs, seen)
}

function isKnown(member: string | null, before: number, seen: readonly Seen[]): boolean {
  if (member === null) return false
  return seen.some(one => {
    if (one.member === member) return one.firstAt < before
    return one.member === `${doubtful}${member}` && one.firstAt < before - doubtMs
  })
}

function networkOf({ asn, near }: Spot): string | null {
  return asn === null ? (near?.slice(0, 6) ?? null) : `as${asn}`
}

function countryOf({ country }: Spot): string | null {
  return country === null ? null : `in ${country}`
}

import type { Seen, Sighting } from '../store.ts'
import type { Facts } from './facts.ts'
import type { Spot } from './spot.ts'

const dayMs = 24 * 3_600_000
/** Which networks and countries a user comes from: the window by which a VPN that they use each week is not taken for a journey. */
const rememberedMs = 90 * dayMs
const mostRemembered = 48
/** What came up today may be the thief's. */
const settledMs = dayMs

/** What looked like somebody else on so many days is the user's after all: their new VPN. A thief has been told of as often. */
const daysOfDoubt = 3
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
  // Where a relay is says nothing about where its users are.
  return [networkOf(spot), spot.relay ? null : countryOf(spot)]
    .filter(member => member !== null)
    .map(member => ({
      ...networksOfUser(userId, at, facts),
      member: isSuspicious ? `${doubt(member)}${Math.floor(at / dayMs)}` : member,
    }))
}

/** Since when the user has been coming: asks and notes it, in a window of its own, which no number of networks pushes it out of. */
export function userSighting(userId: string, at: number, facts: Facts): Sighting {
  return { key: `user-began:${facts.hash('user', userId)}`, member: 'here', at, windowMs: rememberedMs, most: 1 }
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
  const doubts = seen.filter(one => one.member.startsWith(doubt(member))).map(({ firstAt }) => firstAt)
  const doubtedAt = Math.min(...doubts)
  // What was theirs for a day before anybody doubted it stays theirs. What came up later may be the thief once more.
  const isTheirs = ({ firstAt }: Seen) => firstAt < before && firstAt <= doubtedAt - settledMs
  if (seen.some(one => one.member === member && isTheirs(one))) return true
  const earlier = doubts.filter(firstAt => firstAt < before)
  return earlier.length >= daysOfDoubt && Math.max(...earlier) - doubtedAt >= (daysOfDoubt - 1) * dayMs
}

function doubt(member: string): string {
  return `? ${member} `
}

function networkOf({ asn, near }: Spot): string | null {
  return asn === null ? (near?.slice(0, 6) ?? null) : `as${asn}`
}

function countryOf({ country }: Spot): string | null {
  return country === null ? null : `in ${country}`
}

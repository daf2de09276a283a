import type { Seen, Sighting } from '../store.ts'
import type { Inquiry, Signal } from './detector.ts'
import type { Facts } from './facts.ts'
import type { Spot } from './spot.ts'
import { userNetworks } from './user-networks.ts'

/**
 * Who signs in from an autonomous system: the last so many users, each with the kind of their device. It tells what kind of network it is,
 * which databases of addresses do not: only phones come out of a carrier's, many people out of an access provider's, and nobody
 * out of the data centre that a thief rents.
 */
const rememberedMs = 90 * 24 * 3_600_000
const mostUsers = 32
const phone = 'phone '
const nobody = 'nobody'
/** Fewer say nothing about a network. */
const leastForKind = 8
const leastForCrowd = 3
const anotherDayMs = 12 * 3_600_000
/** Some people’s laptops go through their phones. Of those who come over a line at home about half use a phone. */
const phonesOfCarrier = 0.8

/** Writes down where users sign in. No detector: others ask what it knows. A thief with a cookie does not sign in. */
export function noteSignIns(facts: Facts): (signal: Signal) => Inquiry | null {
  return signal => {
    const { at, userId, origin } = signal
    if (signal.type !== 'session.signed-in' || userId === null || !origin) return null
    const spot = facts.spot(origin)
    const { device = null } = spot.agent ?? {}
    const kind = device === 'mobile' || device === 'tablet' ? phone : ''
    const crowd = crowdSighting(spot, at, `${kind}${facts.hash('user', userId)}`)
    return { see: [...userNetworks(userId, spot, at, facts), ...(crowd ? [crowd] : [])], judge: () => null }
  }
}

/** The question who signs in from a spot's network; `null` when the network is unknown. */
export function crowdSighting({ asn }: Spot, at: number, member: string = nobody): Sighting | null {
  return asn === null ? null : { key: `network-crowd:${asn}`, member, at, windowMs: rememberedMs, most: mostUsers }
}

/** Whether nearly all who sign in from there use phones: a carrier's network. Where its users are, its addresses hardly say. */
export function isCarrier(seen: readonly Seen[]): boolean {
  const users = seen.filter(({ member }) => member !== nobody)
  const phones = users.filter(({ member }) => member.startsWith(phone))
  return users.length >= leastForKind && phones.length >= users.length * phonesOfCarrier
}

/**
 * Whether several people sign in from there, and come again another day: who tries stolen passwords from a rented machine leaves
 * users behind who were there once. Where the list is full nobody stays on it for long, and they need not come again.
 */
export function hasCrowd(seen: readonly Seen[]): boolean {
  const users = seen.filter(({ member }) => member !== nobody)
  const regulars = users.filter(({ firstAt, lastAt }) => lastAt - firstAt >= anotherDayMs)
  const people = users.length >= mostUsers - 1 ? users : regulars
  return new Set(people.map(({ member }) => member.replace(phone, ''))).size >= leastForCrowd
}

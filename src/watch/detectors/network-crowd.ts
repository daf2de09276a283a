import type { Seen, Sighting } from '../store.ts'
import type { Spot } from './spot.ts'

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

/** The question who signs in from a spot's network, or that somebody does; nothing when the network is unknown. */
export function crowdSighting({ asn }: Spot, at: number, who?: Somebody): readonly Sighting[] {
  if (asn === null) return []
  const member = who ? `${isPhone(who.spot) ? phone : ''}${who.user}` : nobody
  return [{ key: `network-crowd:${asn}`, member, at, windowMs: rememberedMs, most: mostUsers }]
}

/** Who signs in, and with what. */
interface Somebody {
  readonly spot: Spot
  /** Hash of the user. */
  readonly user: string
}

function isPhone({ agent }: Spot): boolean {
  return agent?.device === 'mobile' || agent?.device === 'tablet'
}

/** The question since when anybody has been watching, which all nodes share. */
export function watchSighting(at: number): Sighting {
  return { key: 'watch-began', member: 'here', at, windowMs: rememberedMs, most: 1 }
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

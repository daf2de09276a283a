import type { Agent } from '../agents.ts'

/** Where a request came from: network, place on earth and browser, in a form that can be compared and shared. No address. */
export interface Spot {
  /** IP version, or `null` when the address is unknown. */
  readonly family: 4 | 6 | null
  /** Keyed hash of the address, or of the /64 of IPv6. */
  readonly address: string | null
  /** Keyed hash of the /24, or /48 of IPv6. */
  readonly near: string | null
  /** Keyed hash of the /16, or /32 of IPv6. */
  readonly wide: string | null
  /** Autonomous system, or `null` when unknown. */
  readonly asn: number | null
  /** Country, or `null` when unknown. */
  readonly country: string | null
  /** Point on earth, or `null` when unknown. */
  readonly point: Point | null
  /** Whether its users are somewhere else: a VPN, a proxy. */
  readonly relay: boolean
  /** What the user agent means; `null` when nobody knows where the request came from. */
  readonly agent: Agent | null
  /** Keyed hash of the user agent's text. */
  readonly agentText: string | null
}

/** A point on earth, degrees, and how far off it may be. */
export interface Point {
  readonly latitude: number
  readonly longitude: number
  readonly accuracyKm: number
}

/** A spot of which nothing is known. */
export const nowhere: Spot = {
  family: null,
  address: null,
  near: null,
  wide: null,
  asn: null,
  country: null,
  point: null,
  relay: false,
  agent: null,
  agentText: null,
}

/** Longer names of browsers are cut, so that a spot fits into a member of a window. */
export const longestBrowser = 16

/**
 * Whether two spots may be one network. Carriers and companies send their users through many addresses of one autonomous
 * system, and relays through several systems. Of IPv4 and IPv6 at once, which nearly all phones use, nobody knows without
 * a database whether they belong together: then they do.
 */
export function isSameNetwork(a: Spot, b: Spot): boolean {
  if (a.family === null || b.family === null) return true
  if (a.near === b.near || (a.relay && b.relay)) return true
  if (a.asn !== null && b.asn !== null) return a.asn === b.asn
  return a.family !== b.family
}

/** Whether two spots lie in different countries, as far as that is known. */
export function isOtherCountry(a: Spot, b: Spot): boolean {
  return a.country !== null && b.country !== null && a.country !== b.country
}

/** How the second user agent differs from the first. */
export type AgentChange =
  /** The same, or nothing is known. */
  | 'none'
  /** The same browser on the same system, in another version that is not older: life. */
  | 'updated'
  /** The same browser on the same system in an older version: browsers are not set back. */
  | 'set-back'
  /**
   * Perhaps the same device in other words: a phone that asks for the page as desktops see it, or the program that a browser
   * hands films and downloads to, together with its cookies. A thief can pretend to be one, so it counts in the same network only.
   */
  | 'in-other-words'
  /** Another browser, system or kind of device. */
  | 'other'

/** Compares what user agents mean, not their bytes (CS-T1). */
export function agentChange(from: Spot, to: Spot): AgentChange {
  const { agent: a } = from
  const { agent: b } = to
  if (a === null || b === null || from.agentText === to.agentText) return 'none'
  if (a.browser === b.browser && a.os === b.os && a.device === b.device) {
    return a.version !== null && b.version !== null && b.version < a.version ? 'set-back' : 'updated'
  }
  const isSame = isDesktopPage(a, b) || isDesktopPage(b, a) || isPlayer(a, b) || isPlayer(b, a)
  return isSame ? 'in-other-words' : 'other'
}

const desktopOf: Readonly<Record<string, string>> = { Android: 'Linux', iOS: 'macOS' }

function isDesktopPage(phone: Agent, desktop: Agent): boolean {
  const isPhone = phone.device === 'mobile' || phone.device === 'tablet'
  const isSameBrowser = phone.browser === desktop.browser && phone.version === desktop.version
  return isPhone && phone.os !== null && desktop.os === desktopOf[phone.os] && isSameBrowser
}

/** The browser's name of what is none, but plays films and fetches files for it. */
export const mediaPlayer = 'media player'

/** Whether it is what a browser hands films and downloads to. */
export function isMediaPlayer({ agent }: Spot): boolean {
  return agent?.browser === mediaPlayer
}

/** Whether it is no browser: a script that somebody lets run, or an app. */
export function isProgram({ agent }: Spot): boolean {
  return agent !== null && agent.browser === null
}

function isPlayer(player: Agent, browser: Agent): boolean {
  return player.browser === mediaPlayer && player.os !== null && player.os === browser.os
}

/** For people: `Chrome 126 on Windows`. */
export function nameOf({ agent }: Spot): string {
  if (!agent) return 'unknown'
  const browser =
    agent.browser === null ? 'a program' : [agent.browser, agent.version].filter(part => part !== null).join(' ')
  return agent.os === null ? browser : `${browser} on ${agent.os}`
}

const earthRadiusKm = 6_371

/** Great-circle distance in km (haversine), less what both points may be off. */
export function distanceKm(a: Point, b: Point): number {
  const radians = (degrees: number) => (degrees * Math.PI) / 180
  const half = (degrees: number) => Math.sin(radians(degrees) / 2) ** 2
  const chord =
    half(b.latitude - a.latitude) +
    Math.cos(radians(a.latitude)) * Math.cos(radians(b.latitude)) * half(b.longitude - a.longitude)
  const km = 2 * earthRadiusKm * Math.asin(Math.min(1, Math.sqrt(chord)))
  return Math.max(0, km - a.accuracyKm - b.accuracyKm)
}

/**
 * A spot as a member of a window, at most 100 characters. Hashes are cut short: they tell apart the few spots of one session or
 * user, and places are rounded to tenths of a degree.
 */
export function encodeSpot(spot: Spot): string {
  const { agent, point } = spot
  return [
    spot.family ?? '',
    spot.near?.slice(0, 6) ?? '',
    spot.wide?.slice(0, 4) ?? '',
    spot.asn?.toString(36) ?? '',
    spot.country ?? '',
    ...(point
      ? [tenths(point.latitude), tenths(point.longitude), Math.min(9_999, Math.round(point.accuracyKm))]
      : ['', '', '']),
    spot.relay ? 'r' : '',
    ...(agent
      ? [agent.browser ?? '', agent.os ?? '', agent.device ?? '', Math.min(99_999, agent.version ?? -1)]
      : ['', '', '', '']),
    spot.agentText?.slice(0, 6) ?? '',
  ].join('|')
}

function tenths(degrees: number): number {
  return Math.round(degrees * 10)
}

/** A spot out of a window. Only what {@link encodeSpot} kept is in it: compare it with one that went the same way. */
export function decodeSpot(member: string): Spot {
  const parts = member.split('|')
  const text = (index: number) => parts[index] || null
  const number = (index: number, radix = 10) => {
    const value = Number.parseInt(parts[index] ?? '', radix)
    return Number.isNaN(value) ? null : value
  }
  const [latitude, longitude] = [number(5), number(6)]
  const family = number(0)
  const version = number(12)
  return {
    family: family === 4 || family === 6 ? family : null,
    address: null,
    near: text(1),
    wide: text(2),
    asn: number(3, 36),
    country: text(4),
    point:
      latitude !== null && longitude !== null
        ? { latitude: latitude / 10, longitude: longitude / 10, accuracyKm: number(7) ?? 0 }
        : null,
    relay: parts[8] === 'r',
    agent:
      version === null
        ? null
        : { browser: text(9), os: text(10), device: text(11), version: version < 0 ? null : version },
    agentText: text(13),
  }
}

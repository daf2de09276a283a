import { createHmac, type KeyObject } from 'node:crypto'
import type { RequestOrigin } from '../../session/events.ts'
import { RecentMap } from '../../session/recent-map.ts'
import type { Agents } from '../agents.ts'
import type { Geo } from '../geo.ts'
import { networkOf } from '../networks.ts'
import { lineOf } from './line-of.ts'
import { knownRelays } from './relays.ts'
import { longestBrowser, mediaPlayer, nameOf, nowhere, type Spot } from './spot.ts'

/** What detectors know about the world beside the windows. Pure for them: the same question has the same answer. */
export interface Facts {
  /**
   * Stands for an address, a user or another text in keys and members of windows: 16 base64url characters, the same on all nodes
   * that have the server's secret, and without it no way back. `purpose` keeps hashes of different things apart.
   */
  hash(purpose: string, text: string): string
  /** Where a request came from, as detectors compare it. */
  spot(origin: RequestOrigin): Spot
  /** A spot's browser for evidence, such as `Chrome 126 on Windows`; `null` where user agents must not be written down. */
  browserOf(spot: Spot): string | null
  /** How long users, and the watch itself, are new. */
  readonly learningMs: number
  /** A text that was never there before, on any node, at most 24 characters: a member of its own in a window. */
  unique(): string
}

/** What {@link createFacts} is made of. */
export interface FactsSetup {
  readonly key: KeyObject
  readonly agents: Agents
  readonly geo: Geo | null
  /** Whether nothing of user agents may be written down. */
  readonly hidesAgents: boolean
  /** Added to {@link knownRelays}. */
  readonly relays: readonly number[]
  /** See {@link Facts.learningMs}. */
  readonly learningMs: number
  /** Tells this process from all others, at most 14 characters. */
  readonly node: string
  /** Gets what a database of addresses threw, which must not harm anybody. */
  readonly trouble: (error: unknown) => void
}

/** Most addresses, agents and other texts that are remembered, so that a flood of new ones fills no memory. */
const mostRemembered = 20_000
const longestAddress = 64

type AddressPart = Omit<Spot, 'agent' | 'agentText'>
type AgentPart = Pick<Spot, 'agent' | 'agentText'>

/** Facts from a key, a reader of user agents and a database of addresses. */
export function createFacts(setup: FactsSetup): Facts {
  const { key, agents, geo, hidesAgents, relays, learningMs, node, trouble } = setup
  const isRelay = new Set([...knownRelays, ...relays])
  const addresses = new RecentMap<AddressPart>(mostRemembered)
  const hashed = (purpose: string, text: string) =>
    // As JSON, so that no purpose and text run together, and lone surrogates in names of users stay apart.
    createHmac('sha256', key)
      .update(JSON.stringify(['latchkey detectors', purpose, text]))
      .digest('base64url')
      .slice(0, 16)
  // Several detectors ask for the same user when they look at one signal.
  let last = { purpose: '', text: '', hash: '' }
  const hash = (purpose: string, text: string) => {
    if (last.purpose !== purpose || last.text !== text) last = { purpose, text, hash: hashed(purpose, text) }
    return last.hash
  }

  const locate = (address: string) => {
    try {
      return geo?.locate(address) ?? null
    } catch (error) {
      trouble(error)
      return null
    }
  }
  const read = (address: string): AddressPart => {
    const network = networkOf(address)
    if (!network) return nowhere
    const place = locate(address)
    const { country = null, latitude = null, longitude = null, accuracyKm = null, asn = null } = place ?? {}
    const isPoint = latitude !== null && longitude !== null
    return {
      family: network.family,
      address: hashed('address', lineOf(address)),
      near: hashed('network', network.near),
      wide: hashed('network', network.wide),
      asn,
      country,
      point: isPoint ? { latitude, longitude, accuracyKm: accuracyKm ?? 0 } : null,
      relay: place?.relay === true || (asn !== null && isRelay.has(asn)),
    }
  }
  const ofAddress = (address: string | null): AddressPart => {
    if (address === null || address.length > longestAddress) return nowhere
    let part = addresses.get(address)
    if (!part) {
      part = read(address)
      addresses.set(address, part)
    }
    return part
  }
  const texts = new RecentMap<AgentPart>(mostRemembered / 10)
  const ofAgent = (userAgent: string | null): AgentPart => {
    // Every browser says what it is: who does not is a program. Keys are Latin-1, as headers are.
    const text = Buffer.from((userAgent ?? '').slice(0, 256), 'latin1').toString('latin1')
    let part = texts.get(text)
    if (!part) {
      const { browser, os, device, version } = agents.read(text)
      const name = isMediaPlayer.test(text) ? mediaPlayer : (browser?.slice(0, longestBrowser) ?? null)
      part = { agent: { browser: name, os, device, version }, agentText: hashed('agent', text) }
      texts.set(text, part)
    }
    return part
  }

  let made = 0
  return {
    hash,
    spot: ({ address, userAgent }) => ({ ...ofAddress(address), ...ofAgent(userAgent) }),
    browserOf: spot => (hidesAgents ? null : nameOf(spot)),
    learningMs,
    unique() {
      made += 1
      return `${node}${made.toString(36)}`
    },
  }
}

/**
 * What a browser hands videos and downloads to: a program of the system, with the browser's cookies and a name of its own.
 * Taken for another device, every iPhone that plays a film would be a thief's.
 */
const isMediaPlayer = /^(?:AppleCoreMedia|stagefright|AndroidDownloadManager)\//i

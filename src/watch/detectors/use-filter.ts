import type { SessionUse } from '../../session/events.ts'
import { RecentMap } from '../../session/recent-map.ts'
import type { UsedSession } from './detector.ts'

/** Where a session was last told to be used, by this node. */
interface Told {
  address: string | null
  userAgent: string | null
  at: number
  /** Where it was told to be used before that. */
  addressBefore: string | null
  userAgentBefore: string | null
}

/** Sessions whose last place is remembered; about 150 bytes each. Of others every use is told. */
const mostSessions = 50_000
/** How long nothing is told of a session that stays where it is. Other nodes know then that it is still in use there. */
const stillMs = 60_000
/** How long nothing is told of a session that goes back to where it was before: phones use IPv4 and IPv6 in turn. */
const backMs = 1_000

/**
 * Of all uses of sessions lets those pass that tell something: from another place than the last one, or the first after a
 * minute. It is asked at each request, so it only compares two texts with two texts.
 */
export class UseFilter {
  readonly #sessions = new RecentMap<Told>(mostSessions)
  /** One copy of each user agent; they are long, and few. */
  readonly #agents = new RecentMap<string>(1_000)

  /** What this use tells, or `null` when that is nothing. */
  pass(use: SessionUse): UsedSession | null {
    const { sid, at } = use
    const origin = use.origin()
    const { address, userAgent } = origin
    const told = this.#sessions.get(sid)
    if (told === undefined) {
      const nothing = { addressBefore: null, userAgentBefore: null }
      this.#sessions.set(sid, { address, userAgent: this.#copyOf(userAgent), at, ...nothing })
    } else if (told.address === address && told.userAgent === userAgent) {
      if (isWithin(stillMs, told.at, at)) return null
      told.at = at
    } else {
      const isBack = told.addressBefore === address && told.userAgentBefore === userAgent
      if (isBack && isWithin(backMs, told.at, at)) return null
      told.addressBefore = told.address
      told.userAgentBefore = told.userAgent
      told.address = address
      told.userAgent = this.#copyOf(userAgent)
      told.at = at
    }
    const { userId, client, createdAt, lastSeenAt } = use
    return { type: 'session.used', at, sid, userId, origin, client, createdAt, lastSeenAt }
  }

  /** A header may be a slice of a longer one and hold all of that; the copy holds only itself. */
  #copyOf(userAgent: string | null): string | null {
    if (userAgent === null) return null
    const known = this.#agents.get(userAgent)
    if (known === userAgent) return known
    const copy = Buffer.from(userAgent, 'utf16le').toString('utf16le')
    this.#agents.set(userAgent, copy)
    return copy
  }
}

/** Not so when the clock was set back, which must not silence anything. */
function isWithin(lengthMs: number, from: number, to: number): boolean {
  return to >= from && to - from < lengthMs
}

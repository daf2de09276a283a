import type { Seen, Sighting } from '../store.ts'
import type { UsedSession } from './detector.ts'
import type { Facts } from './facts.ts'
import { decodeSpot, encodeSpot, type Spot } from './spot.ts'

/** Where one session was used lately: the window that four detectors share. They ask the same, so it is asked once. */
export interface SessionSpots {
  readonly sighting: Sighting
  /** What the window's answer means for this use. */
  read(seen: readonly Seen[]): SpotHistory
  /** What was read last; `null` before that. */
  readonly latest: SpotHistory | null
}

/** The use of a session before the background of its other uses. */
export interface SpotHistory {
  /** Where it is used now. */
  readonly now: Spot
  /** Whether it was never used from there in the window. */
  readonly isNew: boolean
  /** When it was first used from there, epoch ms. */
  readonly firstAt: number
  /** The other spots, latest first. Where the session began is always among them, or is `now`. */
  readonly others: readonly PastSpot[]
}

/** A spot that a session was used from. */
export interface PastSpot {
  readonly spot: Spot
  /** When it was first and last used from there, epoch ms, as far as that was told. */
  readonly firstAt: number
  readonly lastAt: number
}

/** How long a spot of a session is remembered after its last use from there. */
const rememberedMs = 24 * 3_600_000
/** Most spots of one session; more are no life, and the detectors have spoken long before. */
const mostSpots = 24

/** What was worked out for a signal: each of the detectors that hear it asks for the same. */
const workedOut = new WeakMap<UsedSession, SessionSpots>()

/** The sighting of a session where it is used. */
export function sessionSpots(used: UsedSession, facts: Facts): SessionSpots {
  let spots = workedOut.get(used)
  if (!spots) {
    spots = workOut(used, facts)
    workedOut.set(used, spots)
  }
  return spots
}

function workOut({ sid, at, origin, client, createdAt }: UsedSession, facts: Facts): SessionSpots {
  const member = encodeSpot(facts.spot(origin))
  const now = decodeSpot(member)
  const hasNotMoved = client.address === origin.address && client.userAgent === origin.userAgent
  const begun = hasNotMoved ? member : encodeSpot(facts.spot(client))

  const read = (seen: readonly Seen[]): SpotHistory => {
    const own = seen.find(one => one.member === member)
    const others = seen
      .filter(one => one.member !== member)
      .map(one => ({
        spot: decodeSpot(one.member),
        firstAt: one.member === begun ? Math.min(createdAt, one.firstAt) : one.firstAt,
        lastAt: one.lastAt,
      }))
      .reverse()
    // It was used where it began, whether or not anybody was looking then.
    if (begun !== member && !seen.some(one => one.member === begun)) {
      others.push({ spot: decodeSpot(begun), firstAt: createdAt, lastAt: createdAt })
    }
    const firstAt = begun === member ? createdAt : (own?.firstAt ?? at)
    return { now, isNew: begun !== member && firstAt >= at, firstAt, others }
  }

  let answer: { readonly seen: readonly Seen[]; readonly history: SpotHistory } | null = null
  return {
    sighting: { key: `session:${sid}`, member, at, windowMs: rememberedMs, most: mostSpots },
    get latest() {
      return answer?.history ?? null
    },
    read(seen) {
      if (answer?.seen !== seen) answer = { seen, history: read(seen) }
      return answer.history
    },
  }
}

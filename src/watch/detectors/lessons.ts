import { RecentMap } from '../../session/recent-map.ts'
import type { Sighting } from '../store.ts'
import type { Signal, UsedSession } from './detector.ts'
import type { Facts } from './facts.ts'
import { crowdSighting, watchSighting } from './network-crowd.ts'
import { sessionSpots } from './session-spots.ts'
import type { Spot } from './spot.ts'
import { userNetworks, userSighting } from './user-networks.ts'

const hourMs = 3_600_000
const dayMs = 24 * hourMs
/** Of others it is forgotten when they were learned last, and they are learned once more. */
const mostSessions = 50_000

/**
 * What the watch learns from a signal about users and networks, when the detectors have looked at it. A thief must not be at home
 * from the second time on, so where something was found, the user is only said to be (see `userNetworks`), and of the crowd
 * nothing is learned.
 */
export function createLessons(facts: Facts): (signal: Signal, isSuspicious: boolean) => readonly Sighting[] {
  let notedAt = Number.NEGATIVE_INFINITY
  /** That the watch is there; all nodes write the same, and once in an hour is enough. */
  const presence = (at: number) => {
    if (Math.abs(at - notedAt) < hourMs) return []
    notedAt = at
    return [watchSighting(at)]
  }
  const learnedAt = new RecentMap<number>(mostSessions)
  /** Who stays where their session began comes from nowhere new, and is to be known all the same. */
  const isDue = ({ sid, at }: UsedSession) => Math.abs(at - (learnedAt.get(sid) ?? 0)) >= dayMs
  return (signal, isSuspicious) => {
    const { at, userId, origin } = signal
    if (userId === null || !origin) return []
    const learn = (spot: Spot) => [
      userSighting(userId, at, facts),
      ...userNetworks({ userId, at, isSuspicious }, spot, facts),
    ]
    if (signal.type === 'session.used') {
      const { isNew, now } = sessionSpots(signal, facts).latest ?? {}
      if (!now || !(isNew || isSuspicious || isDue(signal))) return []
      learnedAt.set(signal.sid, at)
      return learn(now)
    }
    if (signal.type !== 'session.signed-in') return []
    const spot = facts.spot(origin)
    // Only who signs in makes a crowd: a thief with a cookie does not.
    const crowd = isSuspicious ? [] : crowdSighting(spot, at, { spot, user: facts.hash('user', userId) })
    return [...learn(spot), ...crowd, ...presence(at)]
  }
}

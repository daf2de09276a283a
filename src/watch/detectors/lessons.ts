import type { Sighting } from '../store.ts'
import type { Signal } from './detector.ts'
import type { Facts } from './facts.ts'
import { crowdSighting, watchSighting } from './network-crowd.ts'
import { sessionSpots } from './session-spots.ts'
import { userNetworks } from './user-networks.ts'

const hourMs = 3_600_000

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
  return (signal, isSuspicious) => {
    const { at, userId, origin } = signal
    if (userId === null || !origin) return []
    if (signal.type === 'session.used') {
      const { isNew, now } = sessionSpots(signal, facts).latest ?? {}
      return isNew && now ? userNetworks({ userId, at, isSuspicious }, now, facts) : []
    }
    if (signal.type !== 'session.signed-in') return []
    const spot = facts.spot(origin)
    // A thief with a cookie does not sign in.
    const crowd = isSuspicious ? [] : crowdSighting(spot, at, { spot, user: facts.hash('user', userId) })
    return [...userNetworks({ userId, at, isSuspicious }, spot, facts), ...crowd, ...presence(at)]
  }
}

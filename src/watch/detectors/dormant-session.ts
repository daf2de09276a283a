import type { Duration } from '../../session/duration.ts'
import { durationMs } from '../../session/duration.ts'
import type { Detector, Finding } from './detector.ts'
import { crowdSighting, hasCrowd } from './network-crowd.ts'
import { agentChange, isSameNetwork } from './spot.ts'
import { isFamiliar, isFamiliarCountry, networksOfUser } from './user-networks.ts'

/** How a dormant session is recognised. */
export interface DormantSessionTuning {
  /** A session that nobody used for so long is dormant. */
  readonly after: Duration
  /** After so long it is enough that it wakes up where its user never was, without another browser. */
  readonly afterLong: Duration
  /** Whether another network is enough, without another browser: catches thieves with the same browser, and everybody on holiday. */
  readonly anyAgent: boolean
}

/** A session that slept, and wakes up in other hands. */
export const dormantSession: Detector<DormantSessionTuning> = {
  name: 'dormant-session',
  sees:
    'A session of a signed-in user that was not used for days is used again, from another network than it was begun in, by another browser or an older ' +
    'version of it: an old backup, a disk from the dump, a cookie that was sold. After weeks also by the same browser, in a country that ' +
    'the user did not come from in the last 90 days, or in a network that neither the user nor anybody else signs in from.',
  falseAlarms:
    'Nearly none: the browser that slept wakes up as itself, or newer. After weeks: the first visit for long is from a holiday.',
  tuning:
    'Only sessions with a long idle time-out can sleep (`policy.persistent`). Raise `afterLong` when your people come once a month. ' +
    '`anyAgent: true` also reports the same browser in another network at once, which is what people on holiday look like.',
  defaults: { after: '3d', afterLong: '14d', anyAgent: false },
  hears: ['session.used'],
  start({ after, afterLong, anyAgent }, facts) {
    const afterMs = durationMs(after, 'after')
    const afterLongMs = durationMs(afterLong, 'afterLong')
    return signal => {
      if (signal.type !== 'session.used' || signal.userId === null) return null
      const { at, sid, userId, origin, client, lastSeenAt } = signal
      const sleptMs = at - lastSeenAt
      if (sleptMs < afterMs) return null
      const begun = facts.spot(client)
      const now = facts.spot(origin)
      if (isSameNetwork(begun, now)) return null
      const change = agentChange(begun, now)
      const evidence = {
        days: Math.floor(sleptMs / 86_400_000),
        before: facts.browserOf(begun),
        now: facts.browserOf(now),
        countries: [begun.country ?? '?', now.country ?? '?'],
      }
      const finding: Finding = { severity: 'warning', subject: sid, at, sid, userId, origin, evidence }
      if (change === 'other' || change === 'set-back') return { ...finding, severity: 'alert' }
      if (anyAgent) return finding
      const crowd = crowdSighting(now, at)
      if (sleptMs < afterLongMs || now.relay || crowd.length === 0) return null
      return {
        see: [networksOfUser(userId, at, facts), ...crowd],
        judge({ seen: [known = [], others = []] }) {
          const isAtHome = now.country === begun.country || isFamiliarCountry(now, at, known)
          return isAtHome && (isFamiliar(now, at, known) || hasCrowd(others)) ? null : finding
        },
      }
    }
  },
}

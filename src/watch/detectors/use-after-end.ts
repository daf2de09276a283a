import type { Duration } from '../../session/duration.ts'
import { durationMs } from '../../session/duration.ts'
import type { EndReason } from '../../session/store.ts'
import type { Detector } from './detector.ts'
import { rate } from './rate.ts'
import { agentChange, decodeSpot, encodeSpot, isSameNetwork } from './spot.ts'
import { subjectOf } from './subject.ts'

/** How use after the end is recognised. */
export interface UseAfterEndTuning {
  /** So many uses of one session that is over… */
  readonly most: number
  /** …or so many different sessions that are over, from one address… */
  readonly mostSessions: number
  /** …or so many uses from everywhere, of which most were too many to be told one by one… */
  readonly mostEverywhere: number
  /** …in this time. */
  readonly within: Duration
}

/**
 * Ends after which the browser has no token any more, because the answer took it away, or must not use it: what comes back was
 * copied before. After a time-out every honest browser comes back once.
 */
const deliberate: ReadonlySet<EndReason | null> = new Set<EndReason | null>(['signed-out', 'replayed'])

/** A token outlived its session in somebody's hands. */
export const useAfterEnd: Detector<UseAfterEndTuning> = {
  name: 'use-after-end',
  sees:
    'Tokens of sessions that are over: from another network or browser than the session had, if it was signed out or ended ' +
    'as stolen; from another browser, however it ended; many times; or those of many sessions from one address.',
  falseAlarms:
    'A program that does not throw its cookie away and asks again and again. After `endEverybody` all browsers of all people come ' +
    'with tokens of ended sessions, once each; these are not counted.',
  tuning: 'Raise `most` for clients that poll and ignore the answer.',
  defaults: { most: 10, mostSessions: 20, mostEverywhere: 6_000, within: '10m' },
  hears: ['token.used-after-end', 'events.suppressed'],
  start({ most, mostSessions, mostEverywhere, within }, facts) {
    const { spot, browserOf } = facts
    const withinMs = durationMs(within, 'within')
    return signal => {
      const { at, sid, userId, origin } = signal
      if (signal.type === 'events.suppressed') {
        if (signal.suppressed !== 'token.used-after-end') return null
        const all = rate('use-after-end:everywhere', signal.count, at, withinMs)
        return {
          tally: all.tally,
          judge({ counts }) {
            const uses = Math.round(all.of(counts))
            if (uses < mostEverywhere) return null
            return { severity: 'warning', subject: 'everywhere', at, sid, userId, origin, evidence: { uses } }
          },
        }
      }
      if (signal.type !== 'token.used-after-end' || sid === null || !origin) return null
      const { reason } = signal
      const isDeliberate = deliberate.has(reason)
      const now = spot(origin)
      const member = encodeSpot(now)
      const uses = rate(`use-after-end:${sid}`, 1, at, withinMs)
      const addressKey = `use-after-end:from:${now.address}`
      return {
        tally: uses.tally,
        see: [
          // The session is over: what is added to its window harms nobody, and the window tells where it was used.
          { key: `session:${sid}`, member, at, windowMs: 24 * 3_600_000, most: 24 },
          ...(isDeliberate && now.address !== null
            ? [{ key: addressKey, member: sid, at, windowMs: withinMs, most: Math.min(256, mostSessions) }]
            : []),
        ],
        judge({ counts, seen: [places = [], sessions = []] }) {
          const number = Math.round(uses.of(counts))
          const here = decodeSpot(member)
          const before = places
            .filter(place => place.member !== member || place.firstAt < at)
            .map(place => decodeSpot(place.member))
          const known = before.filter(place => agentChange(place, here) !== 'other')
          const isOtherAgent = before.length > 0 && known.length === 0
          const isOtherNetwork = before.length > 0 && !before.some(place => isSameNetwork(place, here))
          const evidence = { reason: reason ?? 'forgotten', uses: number, agent: browserOf(here) }
          const finding = { subject: subjectOf(signal, facts), at, sid, userId, origin, evidence }
          if (isOtherAgent || (isDeliberate && isOtherNetwork)) {
            return { ...finding, severity: 'alert', evidence: { ...evidence, isOtherAgent, isOtherNetwork } }
          }
          if (sessions.length >= mostSessions) {
            const more = { ...evidence, sessions: sessions.length }
            return { ...finding, severity: 'alert', subject: now.address ?? sid, evidence: more }
          }
          return number >= most ? { ...finding, severity: 'warning' } : null
        },
      }
    }
  },
}

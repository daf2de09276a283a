import type { Duration } from '../../session/duration.ts'
import { durationMs } from '../../session/duration.ts'
import type { Detector } from './detector.ts'
import { rate } from './rate.ts'

/** How a flood of sessions is recognised. */
export interface SessionFloodingTuning {
  /** So many sessions of nobody in particular from one address… */
  readonly most: number
  /** …in this time. */
  readonly within: Duration
}

/** One address makes sessions without end, to fill the store. */
export const sessionFlooding: Detector<SessionFloodingTuning> = {
  name: 'session-flooding',
  sees: 'One address (or /64 of IPv6) that begins very many sessions in which nobody is signed in, to fill the store or to hide something else.',
  falseAlarms:
    'A school or a carrier behind one address when everybody comes at once; a monitoring probe that keeps no cookies.',
  tuning:
    'Raise `most` to a few times the visitors that the busiest address of yours brings in a minute. Best of all, begin sessions ' +
    'for guests only when there is something to keep.',
  defaults: { most: 120, within: '1m' },
  hears: ['session.created'],
  start({ most, within }, { spot }) {
    const withinMs = durationMs(within, 'within')
    return signal => {
      const { at, userId, origin } = signal
      if (signal.type !== 'session.created' || userId !== null || !origin) return null
      const { address } = spot(origin)
      if (address === null) return null
      const begun = rate(`session-flooding:${address}`, 1, at, withinMs)
      return {
        tally: begun.tally,
        judge({ counts }) {
          const sessions = begun.of(counts)
          if (sessions < most) return null
          const evidence = { sessions: Math.round(sessions), seconds: withinMs / 1_000 }
          return { severity: 'alert', subject: address, at, sid: null, userId, origin, evidence }
        },
      }
    }
  },
}

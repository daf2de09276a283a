import type { Duration } from '../../session/duration.ts'
import { durationMs } from '../../session/duration.ts'
import type { Detector } from './detector.ts'

/** How too many sessions are recognised. */
export interface TooManySessionsTuning {
  /** So many sessions of one user that began within this time, and are not over. At most 256. */
  readonly most: number
  readonly within: Duration
}

/** Nobody has a dozen devices in use (WSTG-SESS-11). */
export const tooManySessions: Detector<TooManySessionsTuning> = {
  name: 'too-many-sessions',
  sees: 'One user who begins very many sessions and ends none: an account that is shared or sold, or a program that signs in each time.',
  falseAlarms: 'Scripts and tests that sign in for every run. Give them a token of their own, or let them sign out.',
  tuning:
    'Raise `most` when accounts are shared on purpose. `policy.maxSessions` limits what this only sees; a limit below `most` makes ' +
    'it count sign-ins that pushed out others.',
  defaults: { most: 12, within: '24h' },
  hears: ['session.signed-in', 'session.ended'],
  start({ most, within }, facts) {
    const withinMs = durationMs(within, 'within')
    const kept = Math.min(256, Math.ceil(most) * 2)
    return signal => {
      const { at, sid, userId, origin } = signal
      if (userId === null || sid === null) return null
      const user = facts.hash('user', userId)
      const isEnd = signal.type === 'session.ended'
      // The engine's own limit ends the oldest one for each new one: these still count, or nothing would ever be too many.
      if (isEnd && signal.reason === 'evicted') return null
      const ended = { key: `sessions-ended:${user}`, member: isEnd ? sid : 'none', at, windowMs: withinMs, most: kept }
      if (isEnd) return { see: [ended], judge: () => null }
      return {
        see: [{ key: `sessions-begun:${user}`, member: sid, at, windowMs: withinMs, most: kept }, ended],
        judge({ seen: [begun = [], over = []] }) {
          const gone = new Set(over.map(({ member }) => member))
          const sessions = begun.filter(({ member }) => !gone.has(member)).length
          if (sessions < most) return null
          return { severity: 'warning', subject: user, at, sid, userId, origin, evidence: { sessions } }
        },
      }
    }
  },
}

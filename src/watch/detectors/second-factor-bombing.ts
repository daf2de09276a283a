import type { Duration } from '../../session/duration.ts'
import { durationMs } from '../../session/duration.ts'
import type { Seen } from '../store.ts'
import type { Detector, Signal } from './detector.ts'

/** How bombing of second factors is recognised. */
export interface SecondFactorBombingTuning {
  /** So many second factors of one user that were refused, without one that was right in between… */
  readonly most: number
  /** …or so many sign-ins of one user that were begun and not completed… */
  readonly mostBegun: number
  /** …in this time. */
  readonly within: Duration
}

const right = 'right'

/** Somebody has the password, and tries codes, or wears the owner out with prompts. */
export const secondFactorBombing: Detector<SecondFactorBombingTuning> = {
  name: 'second-factor-bombing',
  sees:
    'One user whose second factor is refused or throttled again and again, or whose sign-ins begin again and again and are never ' +
    'completed. Whoever does that knows the password: it has to be changed.',
  falseAlarms: 'Somebody with a new phone and the old authenticator app, or a phone with a wrong clock.',
  tuning: 'Raise `most` when your people mistype codes a lot; the throttle holds guessers back in any case.',
  defaults: { most: 8, mostBegun: 5, within: '15m' },
  hears: ['factor.refused', 'factor.throttled', 'sign-in.begun', 'factor.passed', 'session.signed-in'],
  start({ most, mostBegun, within }, facts) {
    const withinMs = durationMs(within, 'within')
    const kept = Math.min(256, Math.ceil(most) + Math.ceil(mostBegun) + 1)
    return signal => {
      const { at, sid, userId, origin } = signal
      const member = memberOf(signal, facts.unique)
      if (userId === null || member === null) return null
      const user = facts.hash('user', userId)
      return {
        see: [{ key: `second-factor:${user}`, member, at, windowMs: withinMs, most: kept }],
        judge({ seen: [seen = []] }) {
          if (member === right) return null
          const { refused, begun } = sinceRight(seen)
          if (refused < most && begun < mostBegun) return null
          return { severity: 'alert', subject: user, at, sid, userId, origin, evidence: { refused, begun } }
        },
      }
    }
  },
}

function memberOf(signal: Signal, unique: () => string): string | null {
  if (signal.type === 'factor.refused' || signal.type === 'factor.throttled') return `refused ${unique()}`
  if (signal.type === 'sign-in.begun') return `begun ${unique()}`
  if (signal.type === 'factor.passed') return right
  return signal.type === 'session.signed-in' && signal.aal >= 2 ? right : null
}

function sinceRight(seen: readonly Seen[]): { refused: number; begun: number } {
  const rightAt = seen.find(({ member }) => member === right)?.lastAt ?? Number.NEGATIVE_INFINITY
  const since = seen.filter(({ lastAt }) => lastAt > rightAt)
  const count = (kind: string) => since.filter(({ member }) => member.startsWith(kind)).length
  return { refused: count('refused '), begun: count('begun ') }
}

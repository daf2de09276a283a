import type { Duration } from '../../session/duration.ts'
import { durationMs } from '../../session/duration.ts'
import type { Detector } from './detector.ts'
import { rate } from './rate.ts'
import type { Spot } from './spot.ts'

/** How stuffing is recognised. */
export interface PasswordStuffingTuning {
  /** So many accounts that somebody failed to sign in to from one address; twice as many from one network, five times from one agent… */
  readonly accounts: number
  /** …and so many times the sign-ins that succeeded from there… */
  readonly ratio: number
  /** …in this time. */
  readonly within: Duration
}

/** Where stuffing comes from, and how many times more it takes there than from one address. */
const sources: readonly {
  readonly name: string
  readonly of: (spot: Spot) => string | null
  readonly times: number
}[] = [
  { name: 'address', of: ({ address }) => address, times: 1 },
  { name: 'network', of: ({ near }) => near, times: 2 },
  // A program with a name of its own, from however many addresses. A name that browsers have, too, has their successes as well.
  { name: 'agent', of: ({ agentText }) => agentText, times: 5 },
]

/** A list of stolen passwords is tried, few on each account. */
export const passwordStuffing: Detector<PasswordStuffingTuning> = {
  name: 'password-stuffing',
  sees:
    'One address, network or program that fails to sign in to many accounts and hardly ever succeeds. Counting successes as well tells ' +
    'it from a school, an office or a carrier, where hundreds share an address: most of what people type is right.',
  falseAlarms: 'A directory or an identity service that is down, so that everybody of one office fails.',
  tuning:
    'Needs `session.signInFailed(account)` where your application checks passwords. Lower `accounts` on a small site. A list with ' +
    'very good passwords in it hides behind its own successes: lower `ratio` when you fear that more than noise.',
  defaults: { accounts: 10, ratio: 3, within: '10m' },
  hears: ['sign-in.failed', 'session.signed-in'],
  start({ accounts, ratio, within }, { spot }) {
    const withinMs = durationMs(within, 'within')
    return signal => {
      const { at, origin } = signal
      if (!origin) return null
      const from = spot(origin)
      const known = sources.flatMap(({ name, of, times }) => {
        const value = of(from)
        return value === null ? [] : [{ name, times, subject: `${name}:${value}` }]
      })
      const succeeded = (by: number) => known.map(({ subject }) => rate(`stuffing:right:${subject}`, by, at, withinMs))
      if (signal.type === 'session.signed-in') return { tally: succeeded(1).map(({ add }) => add), judge: () => null }
      if (signal.type !== 'sign-in.failed') return null

      const rates = succeeded(0)
      return {
        see: known.map(({ subject, times }) => ({
          key: `stuffing:wrong:${subject}`,
          member: signal.account.slice(0, 100),
          at,
          windowMs: withinMs,
          most: Math.min(256, Math.ceil(accounts * times * 2)),
        })),
        tally: rates.flatMap(({ tally }) => tally),
        judge({ seen, counts }) {
          for (const [index, { name, times, subject }] of known.entries()) {
            const failed = seen[index]?.length ?? 0
            const right = rates[index]?.of(counts.slice(index * 2)) ?? 0
            if (failed < Math.min(256, accounts * times) || failed < ratio * right) continue
            const evidence = { from: name, accounts: failed, succeeded: Math.round(right), minutes: withinMs / 60_000 }
            // Names of programs cost nothing: whatever they call themselves is one alert.
            const about = name === 'agent' ? name : subject
            return { severity: 'alert', subject: about, at, sid: null, userId: null, origin, evidence }
          }
          return null
        },
      }
    }
  },
}

import type { Duration } from '../../session/duration.ts'
import { durationMs } from '../../session/duration.ts'
import type { Detector, Inquiry, Outcome } from './detector.ts'
import { rate } from './rate.ts'

/** How spraying and guessing from many places are recognised. */
export interface PasswordSprayingTuning {
  /** So many accounts at least that somebody failed to sign in to, wherever from, in this time… */
  readonly accounts: number
  readonly within: Duration
  /** …and so many times as many as the last 24 hours let expect. */
  readonly times: number
  /** So many networks from which somebody failed to sign in to one account, in an hour. At most 256. */
  readonly places: number
  /** So many failures at one account, in an hour, wherever from. */
  readonly tries: number
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs
/** Before anything is known: of five sign-ins one fails. It weighs as much as so many sign-ins. */
const usualRatio = 0.25
const usualWeight = 20

/** Few tries from each of many addresses: no address stands out, but the whole does. */
export const passwordSpraying: Detector<PasswordSprayingTuning> = {
  name: 'password-spraying',
  sees:
    'Failed sign-ins to far more accounts than usual, from however many addresses, measured by the sign-ins that succeed at the same ' +
    'time and by the last day; and one account that somebody fails at from many networks, or very often.',
  falseAlarms:
    'An identity service that is down; a day on which everybody has to type a new password; a mail program that tries an old ' +
    'password for ever.',
  tuning:
    'Needs `session.signInFailed(account)` where your application checks passwords. Raise `accounts` on large sites, where a hundred ' +
    'more failures are noise; raise `tries` for accounts that programs use.',
  defaults: { accounts: 40, within: '10m', times: 5, places: 8, tries: 30 },
  hears: ['sign-in.failed', 'session.signed-in', 'events.suppressed'],
  start({ accounts, within, times, places, tries }, { spot }) {
    const withinMs = durationMs(within, 'within')
    const count = (name: string, by: number, at: number) => ({
      now: rate(`spraying:${name}:now`, by, at, withinMs),
      day: rate(`spraying:${name}:day`, by, at, dayMs),
    })

    /** So many accounts fail for the first time in this hour: are that too many? */
    const asWhole = (by: number, at: number): Inquiry => {
      const wrong = count('wrong', by, at)
      const before = count('wrong', 0, at)
      const right = count('right', 0, at)
      return {
        tally: [...wrong.now.tally, ...before.day.tally, ...right.now.tally, ...right.day.tally],
        judge({ counts }): Outcome {
          const failed = wrong.now.of(counts)
          // Without those of just now: an attack must not hide behind its own beginning.
          const failedDay = Math.max(0, before.day.of(counts.slice(2)) - failed)
          const rightNow = right.now.of(counts.slice(4))
          const rightDay = Math.max(0, right.day.of(counts.slice(6)) - rightNow)
          const share = (failedDay + usualRatio * usualWeight) / (rightDay + usualWeight)
          const expected = Math.max(share * rightNow, (failedDay * withinMs) / dayMs)
          // An attack is not what is usual, or it would be after some hours.
          if (failed < accounts || failed < times * expected) return { tally: [wrong.day.add], judge: () => null }
          const evidence = {
            from: 'many addresses',
            accounts: Math.round(failed),
            expected: Math.round(expected),
            minutes: withinMs / 60_000,
          }
          const nobody = { sid: null, userId: null, origin: null }
          return { severity: 'alert', subject: 'everywhere', at, ...nobody, evidence }
        },
      }
    }

    return signal => {
      const { at, userId, origin } = signal
      if (signal.type === 'session.signed-in') {
        const right = count('right', 1, at)
        return { tally: [right.now.add, right.day.add], judge: () => null }
      }
      // Too many in one second to be told one by one. Nobody fails so often at the same few accounts by mistake.
      if (signal.type === 'events.suppressed') {
        return signal.suppressed === 'sign-in.failed' ? asWhole(signal.count, at) : null
      }
      if (signal.type !== 'sign-in.failed') return null
      const account = signal.account.slice(0, 64)
      const network = (origin && spot(origin).near) ?? 'unknown'
      const failures = rate(`spraying:tries:${account}`, 1, at, hourMs)
      const most = Math.min(256, Math.ceil(places))
      return {
        see: [{ key: `spraying:places:${account}`, member: network, at, windowMs: hourMs, most }],
        tally: failures.tally,
        judge({ seen: [networks = []], counts }) {
          const number = Math.round(failures.of(counts))
          if (networks.length >= most || number >= tries) {
            const evidence = { networks: networks.length, tries: number }
            const severity = networks.length >= most ? 'alert' : 'warning'
            return { severity, subject: `account:${account}`, at, sid: null, userId, origin, evidence }
          }
          const isFirst = networks.length === 1 && networks[0]?.firstAt === at
          return isFirst ? asWhole(1, at) : null
        },
      }
    }
  },
}

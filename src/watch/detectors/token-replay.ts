import type { Detector } from './detector.ts'
import { subjectOf } from './subject.ts'

/** Nothing to tune: one replay is a theft. */
export type TokenReplayTuning = Readonly<Record<never, never>>

/** A superseded token came back. The engine has no doubt, so neither has this. */
export const tokenReplay: Detector<TokenReplayTuning> = {
  name: 'token-replay',
  sees:
    'A token that was superseded by rotation, sign-in or step-up, and comes back after its grace: two parties hold the ' +
    'session. One is enough. The engine ends the session by itself (`onReplay`).',
  falseAlarms:
    'A browser profile that was restored from a backup or copied to another computer; a client that keeps its cookies ' +
    'itself and loses the answer with the new one.',
  tuning: 'None. A longer `policy.grace` helps clients that often lose answers.',
  defaults: {},
  hears: ['token.replayed', 'events.suppressed'],
  start: (_, facts) => signal => {
    const { at, sid, userId, origin } = signal
    if (signal.type === 'token.replayed') {
      return { severity: 'alert', subject: subjectOf(signal, facts), at, sid, userId, origin, evidence: {} }
    }
    // More in one second than are told one by one.
    if (signal.type === 'events.suppressed' && signal.suppressed === 'token.replayed') {
      const evidence = { suppressed: signal.count }
      return { severity: 'alert', subject: 'everywhere', at, sid, userId, origin, evidence }
    }
    return null
  },
}

import type { Duration } from '../../session/duration.ts'
import { durationMs } from '../../session/duration.ts'
import type { ProofFault } from '../../session/events.ts'
import type { Detector, Signal } from './detector.ts'
import { rate } from './rate.ts'
import { subjectOf } from './subject.ts'

/** How failures of bindings are recognised. */
export interface BindingFailureTuning {
  /** So many points of one session or client; a proof with another key alone has 5, a token at the wrong door 3, most other faults have 2… */
  readonly most: number
  /** …in this time. */
  readonly within: Duration
}

/** What a thief gets when the token alone is not enough, and how sure that makes us. */
const points: Readonly<Record<ProofFault, number>> = {
  'other-key': 5,
  'other-token': 2,
  'other-request': 2,
  untrusted: 2,
  // An impatient client or proxy sends a request again.
  replayed: 1,
  missing: 1,
  malformed: 1,
  // A wrong clock; the nonce that follows puts it right.
  untimely: 0,
}

/** A token turns up without the key that it is bound to. */
export const bindingFailure: Detector<BindingFailureTuning> = {
  name: 'binding-failure',
  sees:
    'Tokens that turn up where they do not belong: bound to a key that was not proved, or proved with another; as a plain bearer token; ' +
    'a refresh token as a cookie or the other way round. Somebody has a token, and not the device.',
  falseAlarms:
    'A client whose library was updated or misconfigured; one that makes a new key and keeps the old token. Wrong clocks do not count.',
  tuning: 'Raise `most` while you introduce DPoP.',
  defaults: { most: 5, within: '10m' },
  hears: ['proof.refused', 'access-token.refused', 'token.misplaced', 'events.suppressed'],
  start({ most, within }, facts) {
    const withinMs = durationMs(within, 'within')
    return signal => {
      const { at, sid, userId, origin } = signal
      const by = pointsOf(signal)
      if (by === 0) return null
      const subject = signal.type === 'events.suppressed' ? 'everywhere' : subjectOf(signal, facts)
      // Nothing is known of those that were too many to be told: it takes a flood of them.
      const least = signal.type === 'events.suppressed' ? most * 100 : most
      const failed = rate(`binding-failure:${subject}`, by, at, withinMs)
      return {
        tally: failed.tally,
        judge({ counts }) {
          const sum = failed.of(counts)
          if (sum < least) return null
          const evidence = { points: Math.round(sum), fault: faultOf(signal) }
          return { severity: 'alert', subject, at, sid, userId, origin, evidence }
        },
      }
    }
  },
}

function pointsOf(signal: Signal): number {
  if (signal.type === 'proof.refused') return points[signal.fault]
  // A client that is set up wrongly takes the same token to the same door for ever; a person tries it at one, and then at others.
  if (signal.type === 'token.misplaced') return 3
  if (signal.type === 'access-token.refused') return signal.reason === 'proof' ? 2 : 0
  const counts = ['proof.refused', 'token.misplaced']
  return signal.type === 'events.suppressed' && counts.includes(signal.suppressed) ? signal.count : 0
}

function faultOf(signal: Signal): string {
  if (signal.type === 'proof.refused') return signal.fault
  if (signal.type === 'access-token.refused') return 'not proved'
  return signal.type === 'token.misplaced' ? 'misplaced' : 'too many to be told'
}

import { UsageError } from '../../errors.ts'
import { type Duration, durationMs } from '../../session/duration.ts'
import type { AgentChangedTuning } from './agent-changed.ts'
import type { BindingFailureTuning } from './binding-failure.ts'
import type { CsrfProbingTuning } from './csrf-probing.ts'
import type { SignalDetectorName } from './detector.ts'
import type { DormantSessionTuning } from './dormant-session.ts'
import type { ForgedTokenTuning } from './forged-token.ts'
import type { ImpossibleTravelTuning } from './impossible-travel.ts'
import type { NetworkChangedTuning } from './network-changed.ts'
import type { PasswordSprayingTuning } from './password-spraying.ts'
import type { PasswordStuffingTuning } from './password-stuffing.ts'
import type { RiskySignInTuning } from './risky-sign-in.ts'
import type { SecondFactorBombingTuning } from './second-factor-bombing.ts'
import type { SessionFloodingTuning } from './session-flooding.ts'
import type { TokenGuessingTuning } from './token-guessing.ts'
import type { TokenReplayTuning } from './token-replay.ts'
import type { TooManySessionsTuning } from './too-many-sessions.ts'
import type { TwoPlacesTuning } from './two-places.ts'
import type { UseAfterEndTuning } from './use-after-end.ts'

/** How each detector can be tuned. */
export interface Tunings {
  readonly 'token-guessing': TokenGuessingTuning
  readonly 'forged-token': ForgedTokenTuning
  readonly 'use-after-end': UseAfterEndTuning
  readonly 'token-replay': TokenReplayTuning
  readonly 'two-places': TwoPlacesTuning
  readonly 'agent-changed': AgentChangedTuning
  readonly 'network-changed': NetworkChangedTuning
  readonly 'impossible-travel': ImpossibleTravelTuning
  readonly 'password-stuffing': PasswordStuffingTuning
  readonly 'password-spraying': PasswordSprayingTuning
  readonly 'second-factor-bombing': SecondFactorBombingTuning
  readonly 'session-flooding': SessionFloodingTuning
  readonly 'too-many-sessions': TooManySessionsTuning
  readonly 'dormant-session': DormantSessionTuning
  readonly 'csrf-probing': CsrfProbingTuning
  readonly 'binding-failure': BindingFailureTuning
  readonly 'risky-sign-in': RiskySignInTuning
}

/** How detectors are tuned: for each the options that differ from its defaults, or `false` to switch it off. */
export type DetectorOptions = {
  readonly [Name in SignalDetectorName]?: Partial<Tunings[Name]> | false
} & {
  /**
   * Numbers of autonomous systems whose addresses do not say where their users are: your company's VPN, a proxy that all of a
   * school is behind. They are added to those that are known already (`relays.ts`).
   */
  readonly relays?: readonly number[]
  /**
   * How long the watch gets to know a user, and is new itself: until then what may be their second network, their VPN or their phone
   * abroad is written down and no alert, by the detectors that know nobody without a history. Default `'7d'`, as long as
   * Microsoft Defender for Cloud Apps takes before it speaks of impossible travel; `'1ms'` for none.
   */
  readonly learning?: Duration
}

/** The default of {@link DetectorOptions.learning}. */
export const usualLearning: Duration = '7d'

/** The defaults with what was chosen in their place; `null` for a detector that is off. Throws a `UsageError` that names the option and the fix. */
export function tuned<Tuning extends object>(
  name: SignalDetectorName,
  defaults: Tuning,
  chosen: Partial<Tuning> | false = {},
): Tuning | null {
  if (chosen === false) return null
  for (const [option, value] of Object.entries(chosen)) {
    const where = `detectors['${name}'].${option}`
    const usual = Object.entries(defaults).find(([known]) => known === option)?.[1]
    if (usual === undefined) {
      throw new UsageError(`${where} is no option: there are ${Object.keys(defaults).join(', ')}.`)
    }
    if (value === undefined) throw new UsageError(`${where} is undefined: leave it out for its default.`)
    if (typeof usual === 'string') durationMs(value as Duration, where)
    else if (typeof value !== typeof usual)
      throw new UsageError(`${where} must be a ${typeof usual}, such as ${String(usual)}.`)
    else if (typeof value === 'number' && !(Number.isFinite(value) && value > 0))
      throw new UsageError(`${where} must be a number above 0, such as ${String(usual)}.`)
  }
  return { ...defaults, ...chosen }
}

import { UsageError } from '../../errors.ts'
import { agentChanged } from './agent-changed.ts'
import { bindingFailure } from './binding-failure.ts'
import { csrfProbing } from './csrf-probing.ts'
import type { Detector, Outcome, Signal, SignalDetectorName } from './detector.ts'
import { dormantSession } from './dormant-session.ts'
import type { Facts } from './facts.ts'
import { forgedToken } from './forged-token.ts'
import { impossibleTravel } from './impossible-travel.ts'
import { networkChanged } from './network-changed.ts'
import { type DetectorOptions, type Tunings, tuned } from './options.ts'
import { passwordSpraying } from './password-spraying.ts'
import { passwordStuffing } from './password-stuffing.ts'
import { riskySignIn } from './risky-sign-in.ts'
import { secondFactorBombing } from './second-factor-bombing.ts'
import { seenElsewhere } from './seen-elsewhere.ts'
import { sessionFlooding } from './session-flooding.ts'
import { tokenGuessing } from './token-guessing.ts'
import { tokenReplay } from './token-replay.ts'
import { tooManySessions } from './too-many-sessions.ts'
import { twoPlaces } from './two-places.ts'
import { useAfterEnd } from './use-after-end.ts'

/** Every detector that looks at sessions. */
export const detectors: { readonly [Name in SignalDetectorName]: Detector<Tunings[Name]> } = {
  'token-guessing': tokenGuessing,
  'forged-token': forgedToken,
  'use-after-end': useAfterEnd,
  'token-replay': tokenReplay,
  'two-places': twoPlaces,
  'agent-changed': agentChanged,
  'network-changed': networkChanged,
  'impossible-travel': impossibleTravel,
  'password-stuffing': passwordStuffing,
  'password-spraying': passwordSpraying,
  'second-factor-bombing': secondFactorBombing,
  'session-flooding': sessionFlooding,
  'too-many-sessions': tooManySessions,
  'dormant-session': dormantSession,
  'csrf-probing': csrfProbing,
  'binding-failure': bindingFailure,
  'risky-sign-in': riskySignIn,
}

type ChosenTunings = { readonly [Name in SignalDetectorName]?: Partial<Tunings[Name]> | false }

/** Who looks at signals of one type. */
export interface Listener {
  /** Which detector; `null` for those that only write down where sessions and users go. */
  readonly name: SignalDetectorName | null
  readonly look: (signal: Signal) => Outcome
}

/** Starts the detectors that are not switched off, and sorts them by what they hear. Throws a `UsageError` for bad options. */
export function startDetectors(
  options: DetectorOptions = {},
  facts: Facts,
): ReadonlyMap<Signal['type'], readonly Listener[]> {
  const listeners = new Map<Signal['type'], Listener[]>()
  const listen = (type: Signal['type'], listener: Listener) => {
    listeners.set(type, [...(listeners.get(type) ?? []), listener])
  }
  const start = <Name extends SignalDetectorName>(name: Name) => {
    const detector: Detector<Tunings[Name]> = detectors[name]
    const choices: ChosenTunings = options
    const tuning = tuned(name, detector.defaults, choices[name])
    if (tuning === null) return
    const look = detector.start(tuning, facts)
    for (const type of detector.hears) listen(type, { name, look })
  }
  listen('session.used', { name: null, look: seenElsewhere(facts) })
  // There is something to be learned from a sign-in even where no detector looks at it.
  listen('session.signed-in', { name: null, look: () => null })
  checkNames(options)
  for (const name of detectorNames) start(name)
  return listeners
}

const detectorNames = Object.keys(detectors) as SignalDetectorName[]

function checkNames({ relays = [], learning: _, ...options }: DetectorOptions): void {
  const unknown = Object.keys(options).find(name => !Object.hasOwn(detectors, name))
  if (unknown !== undefined) {
    throw new UsageError(
      `detectors['${unknown}'] is no detector: there are ${detectorNames.join(', ')}, and relays and learning.`,
    )
  }
  if (!Array.isArray(relays) || !relays.every(asn => Number.isInteger(asn) && asn > 0)) {
    throw new UsageError('detectors.relays must be numbers of autonomous systems, such as [64496].')
  }
}

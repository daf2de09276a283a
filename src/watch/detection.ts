import type { Severity } from '../session/events.ts'

/** Every detector there is: the one list of them. */
export const detectorNames = [
  'token-guessing',
  'forged-token',
  'use-after-end',
  'token-replay',
  'two-places',
  'agent-changed',
  'network-changed',
  'impossible-travel',
  'password-stuffing',
  'password-spraying',
  'second-factor-bombing',
  'session-flooding',
  'too-many-sessions',
  'dormant-session',
  'csrf-probing',
  'binding-failure',
  'risky-sign-in',
  'trail-trouble',
] as const

/** The name of a detector. */
export type DetectorName = (typeof detectorNames)[number]

/** What a detector saw, small and flat. Never a token; addresses only as the privacy options have them. */
export type Evidence = Readonly<Record<string, string | number | boolean | null | readonly string[]>>

/** What a detector found. */
export interface Detection {
  readonly detector: DetectorName
  /** When what it saw happened, epoch ms. */
  readonly at: number
  /** `warning` or `alert`, as the detector is tuned. */
  readonly severity: Severity
  /** The session concerned, or `null`. Actions are taken on it. */
  readonly sid: string | null
  /** The user concerned, or `null`. */
  readonly userId: string | null
  /** The client's address as the privacy options have it, or `null`. */
  readonly address: string | null
  /** Detector and subject as one text: what has the same one belongs to one alert, on whatever node it was seen. */
  readonly fingerprint: string
  /** What was seen. */
  readonly evidence: Evidence
}

/** What is done about a detection, from the least to the most: each includes those before it. */
export type Action = 'record' | 'alert' | 'reauthenticate' | 'end'

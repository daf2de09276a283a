import { UsageError } from '../errors.ts'

/**
 * A length of time with its unit, for example `'15m'`, `'8h'`, `'30d'`, `'250ms'`.
 *
 * Options take only this form: a bare number does not compile, because nobody can see whether `900` means seconds or
 * milliseconds, and both have logged people out or kept thieves in.
 */
export type Duration = `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** Reads a duration option into milliseconds; throws a `UsageError` naming `option` unless it is a positive length. */
export function durationMs(value: Duration, option: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(String(value))
  const lengthMs = match ? Number(match[1]) * unitMs[match[2] as keyof typeof unitMs] : Number.NaN
  if (!Number.isFinite(lengthMs) || lengthMs < 1) {
    throw new UsageError(
      `${option} is ${JSON.stringify(value)}: write a length with a unit, such as '30s', '15m' or '8h'.`,
    )
  }
  return Math.round(lengthMs)
}

/** Writes milliseconds the way an option would be written, in the largest unit that leaves no fraction. */
export function formatDuration(lengthMs: number): Duration {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    if (lengthMs % unitMs[unit] === 0) return `${lengthMs / unitMs[unit]}${unit}`
  }
  return `${lengthMs}ms`
}

import { type Duration, durationMs } from '../session/duration.ts'
import { Misuse } from './exit-code.ts'

/** Reads a time of an option, epoch ms: a time in UTC, or a length of time counted from now. Throws when it is neither. */
export function readInstant(option: string, text: string, direction: 'ago' | 'from now on'): number {
  if (/^\d{1,5}[smhd]$/.test(text)) {
    const lengthMs = durationMs(text as Duration, option)
    return Date.now() + (direction === 'ago' ? -lengthMs : lengthMs)
  }
  const at = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?Z)?$/.test(text) ? Date.parse(text) : Number.NaN
  // `Date.parse` takes the 31st of June for the first of July.
  if (!Number.isNaN(at) && new Date(at).toISOString().startsWith(text.slice(0, 10))) return at
  throw new Misuse(
    `--${option} ${text} is no time: write it in UTC, such as 2027-01-31 or 2027-01-31T04:00:00Z, or a length ${direction}, such as 7d.`,
  )
}

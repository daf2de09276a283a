/** Instants and lengths as people say them. */

const second = 1_000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

/** How long ago, or how long still: `3 min ago`, `in 2 h`. */
export function relativeTime(at: number, now: number): string {
  const ms = Math.abs(now - at)
  if (ms < 5 * second) return 'just now'
  const length = lengthOf(ms)
  return at <= now ? `${length} ago` : `in ${length}`
}

/** A length in its largest unit, and the next one where it tells something: `45 s`, `12 min`, `1 h 24 min`, `3 days`. */
export function lengthOf(ms: number): string {
  if (ms < minute) return `${Math.max(1, Math.round(ms / second))} s`
  if (ms < hour) return `${Math.floor(ms / minute)} min`
  if (ms < day) return two(Math.floor(ms / hour), 'h', Math.floor((ms % hour) / minute), 'min')
  const days = Math.floor(ms / day)
  const name = days === 1 ? 'day' : 'days'
  return days < 4 ? two(days, name, Math.floor((ms % day) / hour), 'h') : `${days} ${name}`
}

function two(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`
}

/** To the second and with the zone, in the reader's own: `21 Nov 2026, 23:15:04 CET`. */
export function exactTime(at: number, zone?: string): string {
  return format({ second: '2-digit', year: 'numeric', timeZoneName: 'short', timeZone: zone }, at)
}

/** To the minute, in the reader's zone: `21 Nov, 23:15`. */
export function shortTime(at: number, zone?: string): string {
  return format({ timeZone: zone }, at)
}

/** For the `datetime` attribute; `null` for what is no instant, which nothing keeps a server from sending. */
export function machineTime(at: number): string | undefined {
  return Number.isFinite(at) && Math.abs(at) <= 8.64e15 ? new Date(at).toISOString() : undefined
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** Making a format costs more than using it a thousand times. */
function format(options: Intl.DateTimeFormatOptions, at: number): string {
  if (machineTime(at) === undefined) return 'at an unknown time'
  const key = JSON.stringify(options)
  const made =
    formats.get(key) ??
    new Intl.DateTimeFormat('en-GB', {
      day: 'numeric',
      month: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
      ...options,
    })
  formats.set(key, made)
  return made.format(at)
}

const clock = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'UTC',
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
})

/** An instant as people read a clock, rounded down to a minute: `21 Nov, 14:05 UTC`. The server does not know the reader's time zone, so it says its own. */
export function clockTime(at: number): string {
  return `${clock.format(at)} UTC`
}

/**
 * An instant seen from now: `in 7 h 59 min`, `14 minutes ago`, `just now`. Always rounded down, so that nobody is
 * promised more time than there is.
 */
export function relativeTime(at: number, now: number): string {
  const seconds = Math.floor(Math.abs(at - now) / 1_000)
  if (at > now) return seconds === 0 ? 'now' : `in ${span(seconds)}`
  return seconds < 10 ? 'just now' : `${span(seconds)} ago`
}

/** A length in whole units, as exact as people care about: `45 seconds`, `14 minutes`, `7 h 59 min`, `13 days 23 h`. */
function span(seconds: number): string {
  const minutes = Math.floor(seconds / 60)
  const hours = Math.floor(minutes / 60)
  const days = Math.floor(hours / 24)
  if (minutes < 2) return count(seconds, 'second')
  if (hours < 1) return count(minutes, 'minute')
  if (days < 1) return minutes % 60 === 0 ? count(hours, 'hour') : `${hours} h ${minutes % 60} min`
  return hours % 24 === 0 ? count(days, 'day') : `${count(days, 'day')} ${hours % 24} h`
}

function count(amount: number, unit: string): string {
  return `${amount} ${unit}${amount === 1 ? '' : 's'}`
}

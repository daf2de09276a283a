const clock = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'UTC',
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
})
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'always' })

/** An instant as people read a clock: `21 Nov, 14:05 UTC`. The server does not know the reader's time zone, so it says its own. */
export function clockTime(at: number): string {
  return `${clock.format(at)} UTC`
}

/** An instant seen from now: `in 15 minutes`, `2 hours ago`, `just now`. */
export function relativeTime(at: number, now: number): string {
  const seconds = Math.round((at - now) / 1_000)
  const distance = Math.abs(seconds)
  if (distance < 10) return seconds <= 0 ? 'just now' : 'in a few seconds'
  if (distance < 90) return relative.format(seconds, 'second')
  if (distance < 90 * 60) return relative.format(Math.round(seconds / 60), 'minute')
  if (distance < 36 * 3_600) return relative.format(Math.round(seconds / 3_600), 'hour')
  return relative.format(Math.round(seconds / 86_400), 'day')
}

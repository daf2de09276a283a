/** A countdown for eyes, each second, and for ears, seldom. */

/** A length of time in words: minutes while there are two, then `119 seconds`, because a warning is about seconds. */
export function inWords(seconds: number, language: string): string {
  const [count, unit] = seconds < 120 ? [seconds, 'second'] : [Math.ceil(seconds / 60), 'minute']
  return new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'long' }).format(count)
}

/**
 * The mark that was passed last, in seconds: each full minute, half a minute, ten seconds. A screen reader that says each
 * second keeps its user from hearing anything else.
 */
export function markOf(seconds: number): number {
  if (seconds <= 10) return 10
  return seconds <= 30 ? 30 : Math.ceil(seconds / 60) * 60
}

/** Numbers as people read them. */

const whole = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 0 })
const compact = new Intl.NumberFormat('en-GB', { notation: 'compact', maximumFractionDigits: 1 })

/** `1,234,567` */
export function count(value: number): string {
  return whole.format(value)
}

/** Short, where there is little room: `1.2m`. */
export function shortCount(value: number): string {
  return Math.abs(value) < 10_000 ? whole.format(value) : compact.format(value)
}

/** `1 session`, `2 sessions` */
export function plural(value: number, one: string, many: string = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`
}

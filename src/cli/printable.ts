import { oneLine, plain, quoted } from '../watch/plain-text.ts'

/** Longer texts are cut: a user id has 256 characters at most. */
const most = 256

/**
 * Text of a stranger, fit for a terminal: no escape sequence moves the cursor or retitles the window, no line break makes a
 * line of its own, no right-to-left override turns one around. What does not show as itself is written out, `\u{1b}`.
 */
export function printable(text: string): string {
  return plain(text, most)
}

/** The same as the value of a field: in quotation marks unless nobody could take it for more than one value. */
export function fieldValue(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return String(value)
  if (typeof value !== 'string') return oneLine(value)
  return /^[\w.:@+/-]+$/.test(value) && value.length <= most ? value : quoted(value, most)
}

/** An instant in UTC, as people and `--since` read it. */
export function instant(at: number | null): string {
  return at === null || !Number.isFinite(new Date(at).getTime()) ? '-' : `${new Date(at).toISOString().slice(0, 19)}Z`
}

const colors = { red: 31, yellow: 33, green: 32, dim: 2 } as const

/** The text in a colour, where the terminal has any. */
export function colored(text: string, color: keyof typeof colors | null, isColored: boolean): string {
  return color && isColored ? `\u001b[${colors[color]}m${text}\u001b[0m` : text
}

/** Keys that do something everywhere, and what they do. */

/** A key, or two one after the other. */
export interface Shortcut {
  /** As they are pressed, with a space between two. */
  readonly keys: string
  /** What it does, for the help. */
  readonly does: string
}

/** All there are, as the help shows them. */
export const shortcuts: readonly Shortcut[] = [
  { keys: 'g o', does: 'Overview' },
  { keys: 'g l', does: 'Live' },
  { keys: 'g s', does: 'Sessions' },
  { keys: 'g a', does: 'Alerts' },
  { keys: '/', does: 'Search sessions' },
  { keys: 'p', does: 'Pause or resume the live feed' },
  { keys: 'j', does: 'Next alert' },
  { keys: 'k', does: 'Alert before' },
  { keys: 'a', does: 'Acknowledge the alert' },
  { keys: 'c', does: 'Close the alert' },
  { keys: 't', does: 'Exact or relative times' },
  { keys: '?', does: 'This help' },
]

/** What of a key press counts. */
export interface KeyPress {
  /** As `KeyboardEvent.key`. */
  readonly key: string
  readonly ctrlKey: boolean
  readonly altKey: boolean
  readonly metaKey: boolean
  /** When, ms, on any clock that only goes forward. */
  readonly at: number
  /** Whether it goes into a field, a list or a dialog, where letters are letters. */
  readonly typing: boolean
}

const sequenceMs = 1_500

/** Takes key presses and gives the shortcut that is complete with each, or `null`. */
export function createKeyReader(): (press: KeyPress) => string | null {
  let first: { key: string; at: number } | null = null
  return ({ key, ctrlKey, altKey, metaKey, at, typing }) => {
    const before = first !== null && at - first.at < sequenceMs ? `${first.key} ` : ''
    first = null
    if (typing || ctrlKey || altKey || metaKey) return null
    const keys = shortcuts.map(shortcut => shortcut.keys)
    if (keys.includes(before + key)) return before + key
    if (keys.some(one => one.startsWith(`${key} `))) first = { key, at }
    return null
  }
}

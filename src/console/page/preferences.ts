/** What a person chose for this page, kept in this browser. */

/** Colours, times and keys. */
export interface Preferences {
  /** `auto`: as the device has it. */
  readonly theme: 'auto' | 'light' | 'dark'
  /** How instants are told first; the other way is in the title. */
  readonly times: 'relative' | 'exact'
  /** Keys without a modifier can get in the way of speech input (WCAG 2.1.4), so that they can be switched off. */
  readonly keys: 'on' | 'off'
}

/** Before anything was chosen. */
export const defaults: Preferences = { theme: 'auto', times: 'relative', keys: 'on' }

const place = 'latchkey-console'

/** Reads what was kept; whatever else is there counts as nothing. */
export function readPreferences(text: string | null): Preferences {
  let kept: unknown = null
  try {
    kept = JSON.parse(text ?? 'null')
  } catch {}
  if (typeof kept !== 'object' || kept === null) return defaults
  const given = kept as Record<string, unknown>
  const one = <Value extends string>(name: string, values: readonly Value[], otherwise: Value): Value =>
    values.find(value => value === given[name]) ?? otherwise
  return {
    theme: one('theme', ['auto', 'light', 'dark'], defaults.theme),
    times: one('times', ['relative', 'exact'], defaults.times),
    keys: one('keys', ['on', 'off'], defaults.keys),
  }
}

/** Where they are kept: a browser may refuse both reading and writing, and then it is for this visit only. */
interface Keeper {
  getItem(name: string): string | null
  setItem(name: string, value: string): void
}

/** What was chosen in this browser. */
export function loadPreferences(keeper: () => Keeper): Preferences {
  try {
    return readPreferences(keeper().getItem(place))
  } catch {
    return defaults
  }
}

/** Keeps what was chosen. */
export function keepPreferences(preferences: Preferences, keeper: () => Keeper): void {
  try {
    keeper().setItem(place, JSON.stringify(preferences))
  } catch {}
}

import { useCallback, useLayoutEffect, useState } from 'preact/hooks'
import type { Console } from './console-context.ts'
import { keepPreferences, loadPreferences } from './preferences.ts'

const keeper = () => localStorage

/** What the person chose, kept in this browser; the colours take effect at once. */
export function useChoices(): Pick<Console, 'preferences' | 'choose'> {
  const [preferences, setPreferences] = useState(() => loadPreferences(keeper))
  useLayoutEffect(() => {
    document.documentElement.dataset.theme = preferences.theme
    keepPreferences(preferences, keeper)
  }, [preferences])
  const choose = useCallback<Console['choose']>(chosen => setPreferences(before => ({ ...before, ...chosen })), [])
  return { preferences, choose }
}

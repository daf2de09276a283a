import { useEffect, useRef } from 'preact/hooks'
import { createKeyReader } from './shortcuts.ts'

/** Calls `pressed` with every shortcut, unless they are switched off or a person is typing. */
export function useKeys(on: boolean, pressed: (keys: string) => void): void {
  const call = useRef(pressed)
  call.current = pressed
  useEffect(() => {
    if (!on) return
    const read = createKeyReader()
    const press = (event: KeyboardEvent) => {
      const { key, ctrlKey, altKey, metaKey, timeStamp } = event
      const typing =
        event.defaultPrevented ||
        document.querySelector('dialog[open]') !== null ||
        (event.target instanceof Element && event.target.closest('input, select, textarea') !== null)
      const keys = read({ key, ctrlKey, altKey, metaKey, at: timeStamp, typing })
      if (keys === null) return
      // A `/` belongs neither into the field that it leads to nor to the browser's own search.
      event.preventDefault()
      call.current(keys)
    }
    addEventListener('keydown', press)
    return () => removeEventListener('keydown', press)
  }, [on])
}

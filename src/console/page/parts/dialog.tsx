import type { ComponentChildren, JSX } from 'preact'
import { useId, useLayoutEffect, useRef } from 'preact/hooks'

/**
 * The browser's own modal dialog: it keeps the focus, Escape closes it, and the focus goes back to where it was. It is there
 * as long as it is rendered.
 */
export function Dialog({
  title,
  close,
  busy = false,
  tone = 'plain',
  children,
}: {
  title: string
  close: () => void
  /** While something is under way it cannot be closed by accident. */
  busy?: boolean
  tone?: 'plain' | 'grave'
  children: ComponentChildren
}): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null)
  const titleId = useId()
  useLayoutEffect(() => {
    const element = dialog.current
    element?.showModal()
    return () => element?.close()
  }, [])
  return (
    <dialog
      ref={dialog}
      class={tone === 'grave' ? 'last-warning' : ''}
      aria-labelledby={titleId}
      onCancel={event => {
        event.preventDefault()
        if (!busy) close()
      }}
      // Chromium lets a second Escape through: the browser closes it, so that nothing may stay behind.
      onClose={close}
    >
      <h2 id={titleId} tabIndex={-1}>
        {title}
      </h2>
      {children}
    </dialog>
  )
}

import { inWords, markOf } from './countdown.ts'
import { make, makeButton } from './style.ts'
import type { Texts } from './texts.ts'

/** A warning on the screen. */
export interface Warning {
  /** What it warns of. */
  readonly kind: 'idle' | 'end'
  /** Shows how many seconds are left. */
  count(seconds: number): void
  /** Takes it away unanswered, and gives the focus back. */
  withdraw(): void
}

/**
 * Shows the warning, without its number until {@link Warning.count}: a modal `<dialog>`, so the browser keeps the keyboard inside, makes the rest of the page inert and
 * gives the focus back at the end.
 *
 * Escape answers like the first button. Whoever presses a key is there, and a dialog that went away and still signed its
 * user out a minute later would be a trap.
 */
export function showWarning(
  kind: 'idle' | 'end',
  texts: Texts,
  failed: boolean,
  answered: (signOut: boolean) => void,
): Warning {
  const idle = kind === 'idle'
  const [before = '', after = ''] = (idle ? texts.idleText : texts.endText).split('{time}')
  const title = make('h2', 'title', idle ? texts.idleTitle : texts.endTitle)
  const time = make('b', 'time')
  // A timer is no live region by itself: it may change each second.
  time.role = 'timer'
  const text = make('p', 'text', failed ? `${texts.failed} ` : '', before, time, after)
  text.id = 'latchkey-text'
  const spoken = make('p', 'unseen')
  spoken.role = 'status'
  const first = makeButton(idle ? texts.stay : texts.close, () => dialog.close())
  const second = makeButton(texts.signOut, () => dialog.close('out'))
  const dialog = make('dialog', 'dialog', title, text, first, second, spoken)
  dialog.role = 'alertdialog'
  dialog.ariaLabel = title.textContent
  dialog.setAttribute('aria-describedby', text.id)
  dialog.onclose = () => {
    dialog.remove()
    answered(dialog.returnValue === 'out')
  }

  document.body.append(dialog)
  dialog.showModal()
  let mark = 0
  return {
    kind,
    count(left) {
      time.textContent = inWords(left, texts.language)
      const passed = markOf(left)
      // The first is read with the rest of the text when the dialog opens.
      if (mark && passed !== mark) spoken.textContent = texts.left.replace('{time}', inWords(passed, texts.language))
      mark = passed
    },
    withdraw() {
      dialog.onclose = null
      dialog.close()
      dialog.remove()
    },
  }
}

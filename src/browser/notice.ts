import { make, makeButton } from './style.ts'
import type { Texts } from './texts.ts'

/** Says politely that what was typed is back, until its reader closes it. */
export function showRestored({ restored, dismiss }: Texts): void {
  const text = make('p', 'text')
  const close = makeButton(dismiss, () => notice.remove())
  const notice = make('div', 'notice', text, close)
  notice.role = 'status'
  document.body.append(notice)
  // A live region speaks of changes only: it has to be there before its text.
  requestAnimationFrame(() => text.append(restored))
}

import { html } from 'hono/html'
import type { Html } from './html.ts'

/** What a button does when it is pressed, beside sending its form. */
export interface PasskeyButton {
  /** `sign-in` without a user name, `proof` by who is known already, `registration` of a new one. */
  readonly use: 'sign-in' | 'proof' | 'registration'
  readonly text: string
  /** The confirmed action that the passkey signs, or `null`. */
  readonly challenge?: string | null
  /** Where the form goes with the passkey's answer; default: where it goes anyway. */
  readonly action?: string
  /** What stands between it and the fields below, which do as well. */
  readonly or?: string
}

/**
 * A button that asks the browser for a passkey and sends the form it is in. It shows itself when its script (passkeys.js)
 * runs and the browser knows passkeys. No submit button: that would be what the Enter key presses.
 */
export function passkeyButton({ use, text, challenge = null, action, or }: PasskeyButton): Html {
  return html`<div class="passkey" data-passkey="${use}"${challenge === null ? '' : html` data-challenge="${challenge}"`}${action === undefined ? '' : html` data-action="${action}"`} hidden>
<input type="hidden" name="passkey" value="">
<button type="button"${use === 'registration' ? '' : html` class="quiet"`}>${keySign()}${text}</button>
<p class="notice bad" role="alert" hidden></p>
${or === undefined ? '' : html`<p class="or">${or}</p>`}
</div><script type="module" src="/assets/passkeys.js"></script>`
}

function keySign(): Html {
  return html`<svg viewBox="0 0 24 24" aria-hidden="true"><circle cx="8" cy="8" r="4.4"/><path d="m11.2 11.2 8.6 8.6M16 16l2.6-2.6M19.8 19.8l1.6-1.6"/></svg>`
}

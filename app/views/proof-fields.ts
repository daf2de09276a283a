import { html } from 'hono/html'
import type { ProofForm } from '../prove-again.ts'
import type { Html } from './html.ts'
import { passkeyButton } from './passkey-button.ts'

/**
 * The fields in which somebody proves again who they are, for a form of class `fields` that posts to a route which calls
 * `proving.check`. `form` comes from `proving.form`. Everything but passkeys works without script.
 */
export function proofFields(form: ProofForm): Html {
  return html`${form.problem === null ? '' : html`<p class="notice bad" role="alert">${form.problem}</p>`}
${
  form.passkeyOptions === null
    ? ''
    : passkeyButton({ use: 'proof', text: 'Use a passkey', challenge: form.passkeyOptions.challenge, or: 'or' })
}
<label for="password">Your password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
${form.hasSecondFactor ? codeField() : ''}`
}

/** Where a code of an authenticator app goes, or a recovery code. */
export function codeField(): Html {
  return html`<label for="code">Code</label>
<input id="code" name="code" class="code" autocomplete="one-time-code" autocapitalize="none" spellcheck="false" maxlength="64" required aria-describedby="code-hint">
<small id="code-hint">The six digits that your authenticator app shows, or one of your recovery codes.</small>`
}

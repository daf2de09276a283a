import { html } from 'hono/html'
import { csrfField } from './csrf-field.ts'
import type { Html } from './html.ts'
import { passkeyButton } from './passkey-button.ts'
import { codeField } from './proof-fields.ts'
import type { Visitor } from './visitor.ts'

/** The second step of a sign-in. */
export interface SecondStep {
  /** Who passed the first one. */
  readonly userId: string
  /** Whether a code can be asked for. */
  readonly hasCodes: boolean
  readonly hasPasskey: boolean
  /** Where to go afterwards; already checked to be on this site. */
  readonly returnTo: string | null
  readonly problem: string | null
}

/** Asks for the second factor, and shows nothing of the user but the name. */
export function secondFactorPage(visitor: Visitor, step: SecondStep): Html {
  return html`<section class="sheet">
<p class="kicker">Second step</p>
<h1>One more thing</h1>
<p>The password of <b>${step.userId}</b> was right. This account is also protected by a second factor.</p>
${step.problem === null ? '' : html`<p class="notice bad" role="alert">${step.problem}</p>`}
<form method="post" action="/login/second-factor" class="fields">${csrfField(visitor)}
${step.returnTo === null ? '' : html`<input type="hidden" name="returnTo" value="${step.returnTo}">`}
${step.hasCodes ? html`${codeField()}<button type="submit">Sign in</button>` : html`<noscript><p class="notice bad">This account has a passkey only, and a browser needs JavaScript for that.</p></noscript>`}
${step.hasPasskey ? passkeyButton({ use: 'proof', text: 'Use a passkey' }) : ''}
</form>
<form method="post" action="/logout" class="aside">${csrfField(visitor)}Not you, or not now? <button type="submit" class="link">Start over</button></form>
</section>`
}

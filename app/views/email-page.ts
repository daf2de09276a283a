import { html } from 'hono/html'
import { longestEmailAddress } from '../email-address.ts'
import { csrfField } from './csrf-field.ts'
import type { Html } from './html.ts'
import type { Visitor } from './visitor.ts'

/** The e-mail address and the form to change it. `draft` is what could not be used. */
export function emailPage(
  visitor: Visitor,
  form: {
    readonly current: string | null
    readonly draft: string
    readonly problem: string | null
    readonly changed: boolean
  },
): Html {
  return html`<section class="sheet">
<p class="kicker">Your account</p>
<h1>E-mail address</h1>
${form.changed ? html`<p class="notice good" role="status">Your new address is in use. We wrote to both.</p>` : ''}
${
  form.current === null
    ? html`<p>There is none yet. Notices about your account are on the page <a href="/messages">Messages</a> only.</p>`
    : html`<p>Notices about your account go to <b class="address">${form.current}</b>.</p>`
}
${form.problem === null ? '' : html`<p class="notice bad" role="alert">${form.problem}</p>`}
<form method="post" action="/account/email" class="fields">${csrfField(visitor)}
<label for="email">New address</label>
<input id="email" name="email" type="email" value="${form.draft}" autocomplete="email" maxlength="${longestEmailAddress}" required>
<button type="submit">Continue</button>
</form>
<p class="aside">On the next page you see what will change, and confirm it. The old address is told, too.</p>
</section>`
}

import { html } from 'hono/html'
import { longestPassword, shortestPassword } from '../password-rules.ts'
import { csrfField } from './csrf-field.ts'
import type { Html } from './html.ts'
import type { Visitor } from './visitor.ts'

/** The form for a new password. What was typed is never shown again. */
export function passwordPage(
  visitor: Visitor,
  form: {
    readonly hasSecondFactor: boolean
    readonly problem: string | null
    readonly changed: boolean
    readonly endOthers: boolean
  },
): Html {
  const shortest = shortestPassword(form.hasSecondFactor)
  return html`<section class="sheet">
<p class="kicker">Your account</p>
<h1>Password</h1>
${form.changed ? html`<p class="notice good" role="status">Your new password is in force.</p>` : ''}
${form.problem === null ? '' : html`<p class="notice bad" role="alert">${form.problem}</p>`}
<form method="post" action="/account/password" class="fields">${csrfField(visitor)}<input type="hidden" name="username" value="${visitor.username}" autocomplete="username">
<label for="new_password">New password</label>
<input id="new_password" name="new_password" type="password" autocomplete="new-password" minlength="${shortest}" required aria-describedby="password_hint">
<small id="password_hint">At least ${shortest} characters, up to ${longestPassword}. Several words are good; a password manager is better.</small>
<label for="new_password_again">Once more</label>
<input id="new_password_again" name="new_password_again" type="password" autocomplete="new-password" minlength="${shortest}" required>
<label class="tick"><input type="checkbox" name="end_others" value="on"${form.endOthers ? html` checked` : ''}> <span>Sign out everywhere else<small>If somebody else may know your password, this ends what they have open.</small></span></label>
<button type="submit">Continue</button>
</form>
<p class="aside">On the next page you confirm it, with the password you have now.</p>
</section>`
}

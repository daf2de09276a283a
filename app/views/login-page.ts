import { html } from 'hono/html'
import { csrfField } from './csrf-field.ts'
import type { Html } from './html.ts'
import { passkeyButton } from './passkey-button.ts'
import type { Visitor } from './visitor.ts'

/** What the sign-in form shows. */
export interface LoginForm {
  /** Where to go afterwards; already checked to be on this site. */
  readonly returnTo: string | null
  /** The name typed before. The password is never shown again. */
  readonly username: string
  /** What went wrong the last time, or `null`. */
  readonly problem: string | null
  /** Whether a passkey can sign in. */
  readonly passkeys: boolean
}

/** The sign-in form. */
export function loginPage(visitor: Visitor, form: LoginForm): Html {
  return html`<section class="sheet">
<h1>Sign in</h1>
${form.problem === null ? intro(visitor, form) : html`<p class="notice bad" role="alert">${form.problem}</p>`}
<form method="post" action="/login" class="fields">
${csrfField(visitor)}${form.returnTo === null ? '' : html`<input type="hidden" name="returnTo" value="${form.returnTo}">`}
<label for="username">User name</label>
<input id="username" name="username" value="${form.username}" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="64" required${form.username === '' ? html` autofocus` : ''}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required${form.username === '' ? '' : html` autofocus`}>
<label class="tick"><input type="checkbox" name="remember" value="on"> <span>Keep me signed in on this device<small>Not on a computer that others use.</small></span></label>
<button type="submit">Sign in</button>
${form.passkeys ? passkeyButton({ use: 'sign-in', text: 'Sign in with a passkey', action: '/login/passkey' }) : ''}
</form>
<p class="aside">First time here? The accounts and their passwords were printed once, where Campus was started.</p>
</section>`
}

function intro(visitor: Visitor, form: LoginForm): Html | '' {
  if (visitor.username !== null) {
    return html`<p class="notice">You are signed in as <b>${visitor.username}</b>. Signing in again replaces that session.</p>`
  }
  return form.returnTo === null
    ? ''
    : html`<p class="notice">Please sign in to see that page. You will get there right afterwards.</p>`
}

import { html } from 'hono/html'
import { csrfField } from './csrf-field.ts'
import type { Html } from './html.ts'
import type { Visitor } from './visitor.ts'

/** Asks before it ends anything: a GET must not, or any page with an image tag could sign people out (CSD-4). */
export function logoutPage(visitor: Visitor): Html {
  if (visitor.username === null && !visitor.isLocked) {
    return html`<section class="sheet">
<h1>You are not signed in</h1>
<p>There is nothing to sign out of.</p>
<p class="actions"><a class="button" href="/">Home</a></p>
</section>`
  }
  return html`<section class="sheet">
<h1>Sign out?</h1>
<p>Your session ends at once, on this device only. What you did not save is gone.</p>
<form method="post" action="/logout" class="actions">${csrfField(visitor)}
<button type="submit">Sign out</button> <a class="button quiet" href="${visitor.isLocked ? '/reauthenticate' : '/dashboard'}">Stay</a>
</form>
</section>`
}

/** After the end. */
export function loggedOutPage(): Html {
  return html`<section class="sheet">
<h1>Logged out.</h1>
<p>Your session is over: its key opens nothing any more, whoever holds a copy. See you soon.</p>
<p class="actions"><a class="button" href="/">Home</a> <a class="button quiet" href="/login">Sign in again</a></p>
</section>`
}

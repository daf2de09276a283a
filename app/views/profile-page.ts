import { html } from 'hono/html'
import { longestAboutMe, type User } from '../users.ts'
import { csrfField } from './csrf-field.ts'
import type { Html } from './html.ts'
import type { Visitor } from './visitor.ts'

/** What the user says about themselves, and the form to change it. `draft` is text that could not be saved yet. */
export function profilePage(
  visitor: Visitor,
  user: User,
  { email, ...form }: { email: string | null; draft: string; problem: string | null; saved: boolean },
): Html {
  return html`<p class="kicker">${user.role}</p>
<h1>${user.username}</h1>
<div class="columns">
<section class="card">
<h2>About me</h2>
${user.aboutMe === '' ? html`<p class="soft">Nothing here yet. A sentence or two is plenty.</p>` : html`<p class="prose">${user.aboutMe}</p>`}
</section>
<section class="card">
<h2>Change it</h2>
${form.saved ? html`<p class="notice good" role="status">Saved.</p>` : ''}
${form.problem === null ? '' : html`<p class="notice bad" role="alert">${form.problem}</p>`}
<form method="post" action="/profile" class="fields">${csrfField(visitor)}
<label for="about_me">About me</label>
<textarea id="about_me" name="about_me" rows="7" maxlength="${longestAboutMe}" aria-describedby="about_me_hint">
${form.draft}</textarea>
<small id="about_me_hint">Up to ${longestAboutMe.toLocaleString('en')} characters, plain text.</small>
<button type="submit">Save</button>
</form>
</section>
</div>
<section class="trio" aria-label="Your account">
<article><h2>Sign-in</h2><p>The password, and a second factor beside it.</p><a href="/account/password">Change your password</a><a href="/security">Second factors</a></article>
<article><h2>E-mail</h2><p>${email === null ? 'There is no address to write to.' : html`We write to <span class="address">${email}</span>.`}</p><a href="/account/email">Change your address</a></article>
<article><h2>What happened</h2><p>What Campus told you about your account, and where you are signed in.</p><a href="/messages">Messages</a><a href="/devices">Devices</a></article>
</section>`
}

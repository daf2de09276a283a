import { html } from 'hono/html'
import type { TotpEnrolment } from 'latchkey/mfa'
import { csrfField } from './csrf-field.ts'
import type { Html } from './html.ts'
import { qrCode } from './qr-code.ts'
import { endOthersTick } from './security-page.ts'
import type { Visitor } from './visitor.ts'

/** An authenticator app that is being set up. */
export interface NewApp extends TotpEnrolment {
  /** What was typed as its name. */
  readonly label: string
  readonly problem: string | null
}

/** Shows the secret as a picture and as text, and asks for the first code: until that is right, nothing is stored. */
export function newAppPage(visitor: Visitor, app: NewApp): Html {
  return html`<p class="kicker">Your account</p>
<h1>New authenticator app</h1>
<p class="lead">Nothing changes before you have typed a code that the app shows.</p>
<div class="columns">
<section class="card">
<h2>1. Let the app read this</h2>
${qrCode(app.uri, 'QR code for your authenticator app')}
<p class="soft">Or type the key into the app:</p>
<p><code class="key">${app.secret.match(/.{1,4}/g)?.join(' ') ?? ''}</code></p>
<p class="aside">Show it to nobody. You will not see it again.</p>
</section>
<section class="card">
<h2>2. Type its code</h2>
${app.problem === null ? '' : html`<p class="notice bad" role="alert">${app.problem}</p>`}
<form method="post" action="/security/app" class="fields">${csrfField(visitor)}
<input type="hidden" name="ticket" value="${app.ticket}"><input type="hidden" name="uri" value="${app.uri}">
<label for="code">Code</label>
<input id="code" name="code" class="code" inputmode="numeric" autocomplete="one-time-code" maxlength="12" required>
<label for="label">What to call it</label>
<input id="label" name="label" value="${app.label}" maxlength="64" placeholder="My phone" autocomplete="off">
${endOthersTick()}
<button type="submit">Add the app</button>
</form>
<p class="aside"><a href="/security">Not now</a></p>
</section>
</div>`
}

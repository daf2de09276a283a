import { html } from 'hono/html'
import type { Policy } from 'latchkey'
import type { Html } from './html.ts'

/** The page of devices where sessions are kept in their cookies and nobody has a list. */
export function unlistedPage({ idleTimeoutMs }: Policy): Html {
  return html`<p class="kicker">Your account</p>
<h1>Where you are signed in</h1>
<p class="lead">Here. Where else, this Campus cannot tell.</p>
<p class="told">It keeps your session in your browser's cookie and nowhere else, so there is no list to show and nothing to end from here.
Sign out in each browser. A session that nobody uses ends by itself after ${Math.round(idleTimeoutMs / 60_000)} minutes.</p>`
}

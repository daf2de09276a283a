import { html } from 'hono/html'
import type { Html } from './html.ts'

/** What an administrator without a second factor finds where the console is. */
export function consoleClosedPage(): Html {
  return html`<p class="kicker">Console</p>
<h1>One factor is not enough here</h1>
<p class="lead">The console shows everybody's sessions and can end them, so a password alone does not open it.</p>
<p class="told">Set up an authenticator app or a passkey for your account, then come back.</p>
<p class="actions"><a class="button" href="/security">Set up a second factor</a></p>`
}

import { html } from 'hono/html'
import type { Html } from './html.ts'

/** Ten codes, this once. */
export function recoveryCodesPage(codes: readonly string[], note: string): Html {
  return html`<section class="sheet">
<p class="notice good" role="status">${note}</p>
<h1>Your recovery codes</h1>
<p>Each signs you in once in place of your second factor. Print them or write them down, and keep them where your password is not: they are never shown again.</p>
<ol class="codes">${codes.map(code => html`<li><code>${code}</code></li>`)}</ol>
<p class="actions"><a class="button" href="/security">I have kept them</a></p>
</section>`
}

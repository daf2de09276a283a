import { html } from 'hono/html'
import type { Html } from './html.ts'

/** Name and value of a header as it may be shown. */
export type HeaderRow = readonly [name: string, value: string]

/** What the browser sent and what Campus answers. */
export function inspectPage(request: readonly HeaderRow[], response: readonly HeaderRow[]): Html {
  return html`<p class="kicker">Under the hood</p>
<h1>Your headers</h1>
<p class="lead">What your browser sent for this page, and what Campus answers. Anything that could sign somebody in is
covered: a page that shows a session cookie gives it away to every script and every screenshot.</p>
${table('Request', 'request', request)}
${table('Response', 'response', response)}
<p class="soft">This page also sets a harmless cookie, <code>inspect_demo</code>. Reload, and you see it come back in the request for five
minutes. The session's own cookie is written last, after this page is made, so it does not show up in the response.</p>`
}

function table(title: string, id: string, rows: readonly HeaderRow[]): Html {
  return html`<section class="card headers"><h2 id="${id}">${title}</h2>
<table aria-labelledby="${id}"><thead class="unseen"><tr><th scope="col">Header</th><th scope="col">Value</th></tr></thead>
<tbody>${rows.map(([name, value]) => html`<tr><th scope="row">${name}</th><td><code>${value}</code></td></tr>`)}</tbody></table></section>`
}

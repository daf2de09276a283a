/**
 * For a `<script>` in a page, module or not: starts with what the page's element says in `data-latchkey`, and does nothing
 * in a page without one.
 */
import { watchSession } from './watch.ts'

function start(): void {
  const element = document.querySelector('[data-latchkey]')
  const options = element?.getAttribute('data-latchkey')
  if (!options) return
  // It holds the user's key. Out of sight of what copies the document: a saved page, a recorder, an extension.
  element?.removeAttribute('data-latchkey')
  watchSession(JSON.parse(options))
}

// Imported on a server, there is no document. Without `defer`, the rest of the page has not come yet.
if (typeof document !== 'undefined') {
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', start)
  else start()
}

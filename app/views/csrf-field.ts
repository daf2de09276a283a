import { html } from 'hono/html'
import type { Html } from './html.ts'
import type { Visitor } from './visitor.ts'

/** The hidden field that proves that a form is ours. Absent where no session could be asked for a token. */
export function csrfField(visitor: Visitor): Html | '' {
  return visitor.csrfToken === null ? '' : html`<input type="hidden" name="csrf_token" value="${visitor.csrfToken}">`
}

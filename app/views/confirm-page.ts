import { html } from 'hono/html'
import type { ProofForm } from '../prove-again.ts'
import { csrfField } from './csrf-field.ts'
import type { Html } from './html.ts'
import { proofFields } from './proof-fields.ts'
import type { Visitor } from './visitor.ts'

/** Something that its user has to confirm. */
export interface CriticalAction {
  /** What the confirmation is bound to, with `data`. */
  readonly operation: string
  /** JSON values: everything that decides what will happen. */
  readonly data: unknown
  /** Where its form is. It is confirmed at the same address with `/confirm`. */
  readonly path: string
  /** The question, as a heading. */
  readonly title: string
  /** What will happen, to the last detail that `data` has. */
  readonly what: Html
  /** What the button says. */
  readonly button: string
  /** Hidden fields that bring `data` back. */
  readonly fields: Readonly<Record<string, string>>
}

/**
 * What will happen, and the proof that it is wanted. It looks like no sign-in: somebody who is asked for their password
 * must see what for (TA-6).
 */
export function confirmPage(
  visitor: Visitor,
  { path, title, what, button, fields }: CriticalAction,
  { id, proof }: { readonly id: string; readonly proof: ProofForm },
): Html {
  return html`<section class="sheet confirm">
<p class="kicker">Confirmation</p>
<h1>${title}</h1>
<p>Nothing has changed yet. If you confirm, this will happen:</p>
<div class="will-happen">${what}</div>
<form method="post" action="${path}/confirm" class="fields">${csrfField(visitor)}<input type="hidden" name="confirmation" value="${id}">
<input type="hidden" name="username" value="${visitor.username}" autocomplete="username">
${Object.entries(fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}
${proofFields(proof)}
<button type="submit">${button}</button>
<a class="button quiet" href="${path}">Cancel</a>
</form>
<p class="aside">You are signed in already. This confirms what stands above and nothing else, once, within five minutes.</p>
</section>`
}

import { html } from 'hono/html'
import { type KeptForm, keptText } from '../kept-form.ts'
import { doingOf, typedInto } from '../kept-words.ts'
import type { ProofForm } from '../prove-again.ts'
import { csrfField } from './csrf-field.ts'
import type { Html } from './html.ts'
import { proofFields } from './proof-fields.ts'
import type { Visitor } from './visitor.ts'

/** Somebody who is asked again who they are. */
export interface Reauthentication {
  readonly userId: string
  /** Whether nobody used the session for so long that it is locked. */
  readonly isLocked: boolean
  readonly form: ProofForm
  /** What they sent, to be sent again afterwards, or `null`. */
  readonly kept: KeptForm | null
  /** Where to go afterwards; already checked to be on this site. */
  readonly returnTo: string | null
}

/** Asks again, and says why. */
export function reauthenticatePage(visitor: Visitor, page: Reauthentication): Html {
  const { userId, isLocked, form, kept } = page
  return html`<section class="sheet">
${isLocked ? html`<p class="kicker">Locked</p>` : ''}
<h1>${isLocked ? 'Welcome back' : 'Please confirm that it is you'}</h1>
<p>${
    isLocked
      ? html`Nobody used this session for a while, so it was locked. It is <b>${userId}</b>’s.`
      : html`You are signed in as <b>${userId}</b>. What comes next could do harm in the wrong hands, so Campus asks again.`
  }</p>
${kept === null ? '' : whatWasSent(kept)}
<form method="post" action="/reauthenticate" class="fields">${csrfField(visitor)}
${page.returnTo === null ? '' : html`<input type="hidden" name="returnTo" value="${page.returnTo}">`}
${kept === null ? '' : keptFields(kept)}
<input type="hidden" name="username" value="${userId}" autocomplete="username">
${proofFields(form)}
<button type="submit">${isLocked ? 'Unlock' : 'Confirm'}</button>
</form>
${kept === null ? '' : html`<p class="aside">What you just sent is kept on this page. Nothing has been changed yet.</p>`}
${
  isLocked
    ? html`<form method="post" action="/logout" class="aside">${csrfField(visitor)}Not you? <button type="submit" class="link">Sign out</button></form>`
    : ''
}
</section>`
}

/** After the proof, for somebody who had sent a form: they send it again themselves, or not. */
export function continuePage(visitor: Visitor, kept: KeptForm): Html {
  return html`<section class="sheet">
<h1>Thank you, it is you</h1>
<p>What you wanted to do is kept, and still waits for you: nothing has been changed yet.</p>
${whatWasSent(kept)}
<form method="post" action="${kept.action}" class="actions">${csrfField(visitor)}
${kept.fields.map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}
<button type="submit">Continue</button> <a class="button quiet" href="/dashboard">Not now</a>
</form>
</section>`
}

/** What will be done, before it is proved and before it is sent: somebody else may have sat here. */
function whatWasSent(kept: KeptForm): Html {
  const typed = typedInto(kept)
  return html`<div class="will-happen"><p>You were about to <b>${doingOf(kept)}</b>.</p>
${typed.length === 0 ? '' : html`<dl>${typed.map(([label, text]) => html`<div><dt>${label}</dt><dd class="prose">${text}</dd></div>`)}</dl>`}
<p class="soft">If that was not you, leave it at that.</p></div>`
}

function keptFields(kept: KeptForm): Html {
  return html`<input type="hidden" name="kept_action" value="${kept.action}"><input type="hidden" name="kept_fields" value="${keptText(kept)}">`
}

import { html } from 'hono/html'
import type { FactorInfo } from 'latchkey/mfa'
import { clockTime, relativeTime } from '../times.ts'
import { csrfField } from './csrf-field.ts'
import type { Html } from './html.ts'
import { passkeyButton } from './passkey-button.ts'
import type { Visitor } from './visitor.ts'

/** What the page shows. */
export interface Security {
  /** The user's factors, oldest first. */
  readonly list: readonly FactorInfo[]
  /** Whether factors can be set up in this Campus at all. */
  readonly offered: boolean
  readonly addApp: boolean
  readonly addPasskey: boolean
  readonly now: number
  /** What was just done, or `null`. */
  readonly note: string | null
  readonly problem: string | null
}

const kinds = { totp: 'Authenticator app', passkey: 'Passkey', recovery: 'Recovery codes' } as const

/** The user's second factors, and what can be done about them. Labels are the user's own text. */
export function securityPage(visitor: Visitor, page: Security): Html {
  const strong = page.list.filter(({ kind }) => kind !== 'recovery')
  const codes = page.list.find(({ kind }) => kind === 'recovery') ?? null
  return html`<p class="kicker">Your account</p>
<h1>How you sign in</h1>
<p class="lead">${
    strong.length === 0
      ? 'With your password alone, so far. A second factor keeps others out who learn it.'
      : 'With your password and a second factor. Whoever learns one of the two cannot sign in.'
  }</p>
${page.note === null ? '' : html`<p class="notice good" role="status">${page.note}</p>`}
${page.problem === null ? '' : html`<p class="notice bad" role="alert">${page.problem}</p>`}
${page.offered ? '' : notOffered()}
${
  page.list.length === 0
    ? ''
    : html`<ul class="factors" role="list">${[...strong, ...(codes ? [codes] : [])].map(factor => row(visitor, factor, page))}</ul>`
}
<div class="columns">
${page.addApp ? addApp() : ''}
${page.addPasskey ? addPasskey(visitor) : ''}
${page.offered && strong.length > 0 ? renewCodes(visitor, codes) : ''}
</div>`
}

function row(visitor: Visitor, factor: FactorInfo, { now, offered, list }: Security): Html {
  const { id, kind, label, createdAt, lastUsedAt, codesLeft } = factor
  return html`<li class="card factor">
<div><h2>${label || kinds[kind]}</h2>${label === '' || label === kinds[kind] ? '' : html`<p class="soft">${kinds[kind]}</p>`}</div>
<dl class="facts">
<div><dt>${kind === 'recovery' ? 'Made' : 'Added'}</dt><dd>${instant(createdAt, now)}</dd></div>
<div><dt>Last used</dt><dd>${lastUsedAt === null ? 'Never' : instant(lastUsedAt, now)}</dd></div>
${codesLeft === null ? '' : html`<div><dt>Left</dt><dd>${codesLeft} of 10</dd></div>`}
</dl>
${offered && kind !== 'recovery' ? removal(visitor, id, label, list) : ''}
</li>`
}

/** Asked again in place, so that nothing goes by one click. */
function removal(visitor: Visitor, id: string, label: string, list: readonly FactorInfo[]): Html {
  const isLast = list.filter(({ kind }) => kind !== 'recovery').length === 1
  return html`<details class="remove"><summary>Remove<span class="unseen"> ${label}</span></summary>
<form method="post" action="/security/remove" class="fields">${csrfField(visitor)}
<input type="hidden" name="id" value="${id}">
<p>${isLast ? 'Your password alone will do from then on, and your recovery codes go too. If it has fewer than 15 characters, choose a longer one.' : 'It will not sign you in any more.'}</p>
${endOthersTick()}
<button type="submit">Remove it</button>
</form></details>`
}

function addApp(): Html {
  return html`<section class="card">
<h2>Authenticator app</h2>
<p>An app on your phone shows a new code every 30 seconds. It needs no network.</p>
<p class="actions"><a class="button" href="/security/app">Add an app</a></p>
</section>`
}

function addPasskey(visitor: Visitor): Html {
  return html`<section class="card">
<h2>Passkey</h2>
<p>Your device or a security key signs in for you, even without a password. No other site can ask for it.</p>
<form method="post" action="/security/passkeys" class="fields">${csrfField(visitor)}
<label for="passkey-label">What to call it</label>
<input id="passkey-label" name="label" maxlength="64" placeholder="My laptop" autocomplete="off">
${endOthersTick()}
${passkeyButton({ use: 'registration', text: 'Add a passkey' })}
<noscript><p class="soft">Passkeys need JavaScript.</p></noscript>
</form>
</section>`
}

function renewCodes(visitor: Visitor, codes: FactorInfo | null): Html {
  return html`<section class="card">
<h2>Recovery codes</h2>
<p>For the day when your phone or key is not at hand. ${codes === null ? 'You have none.' : html`You have <b>${codes.codesLeft ?? 0}</b> left.`}</p>
<form method="post" action="/security/recovery-codes" class="fields">${csrfField(visitor)}
${endOthersTick()}
<button type="submit" class="quiet">Make ten new ones</button>
</form>
</section>`
}

/** The offer that comes with every change: whoever changes a factor may have a reason to mistrust what is open. */
export function endOthersTick(): Html {
  return html`<label class="tick"><input type="checkbox" name="end_others" value="on" checked> <span>Sign out everywhere else</span></label>`
}

function notOffered(): Html {
  return html`<p class="notice">This Campus keeps sessions in their cookies and nowhere else, so second factors cannot be set up or changed here. Those that an account has already are asked for all the same.</p>`
}

function instant(at: number, now: number): Html {
  return html`<time datetime="${new Date(at).toISOString()}">${relativeTime(at, now)}<small>${clockTime(at)}</small></time>`
}

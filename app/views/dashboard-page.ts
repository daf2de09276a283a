import { html } from 'hono/html'
import { clockTime, relativeTime } from '../times.ts'
import type { Role } from '../users.ts'
import type { Html } from './html.ts'

/** What the dashboard shows of a session. Instants in epoch milliseconds. */
export interface Dashboard {
  readonly username: string
  readonly role: Role
  readonly sid: string
  readonly now: number
  readonly createdAt: number
  readonly authenticatedAt: number
  readonly idleExpiresAt: number
  readonly absoluteExpiresAt: number
  /** Authenticator assurance level, 1 to 3 (NIST SP 800-63B). */
  readonly aal: number
  /** How the user proved who they are, as in OpenID Connect. */
  readonly amr: readonly string[]
  readonly persistent: boolean
  readonly copiesInCart: number
}

/** What somebody may have proved who they are with. That a key saw its user, or checked them, is told by the level. */
const proofs: Record<string, string> = { pwd: 'password', otp: 'code', hwk: 'passkey', swk: 'passkey' }
const sentence = new Intl.ListFormat('en')

const roles: Record<Role, string> = {
  student: 'You study here. Your books, your profile, your session.',
  instructor: 'You teach here. Your profile is what students see first.',
  admin: 'You look after this place. Handle with care.',
}

/** The signed-in user's own page: who they are, and how long this session lasts. */
export function dashboardPage(view: Dashboard): Html {
  return html`<p class="kicker">${view.role}</p>
<h1>Hello, ${view.username}</h1>
<p class="lead">${roles[view.role]}${view.role === 'admin' ? html` <a href="/console">Open the console</a>` : ''}</p>
<section class="card session" aria-labelledby="session">
<h2 id="session">This session</h2>
${timeline(view)}
<dl class="times">
${time('Started', view.createdAt, view.now, 'past')}
${time('Last sign-in', view.authenticatedAt, view.now, 'past')}
${time('Ends when unused', view.idleExpiresAt, view.now, 'idle')}
${time('Ends in any case', view.absoluteExpiresAt, view.now, 'end')}
</dl>
<dl class="facts">
<div><dt>Assurance</dt><dd>Level ${view.aal} of 3, by ${proved(view.amr)}</dd></div>
<div><dt>On this device</dt><dd>${view.persistent ? 'Kept after the browser closes' : 'Forgotten when the browser closes'}</dd></div>
<div><dt>Session id</dt><dd><code>${view.sid}</code> <small>a name, not a key</small></dd></div>
</dl>
</section>
<section class="trio" aria-label="Where to go">
<article><h2>Profile</h2><p>What others see of you, and what keeps your account yours.</p><a href="/profile">Edit your profile</a></article>
<article><h2>Books</h2><p>${view.copiesInCart === 0 ? 'Your cart is empty so far.' : `${view.copiesInCart} ${view.copiesInCart === 1 ? 'copy' : 'copies'} in your cart.`}</p><a href="/shop">To the book shop</a></article>
<article><h2>Under the hood</h2><p>The cookies and headers of this visit.</p><a href="/inspect_headers">Look at your headers</a></article>
</section>`
}

function proved(amr: readonly string[]): string {
  const words = amr.filter(method => method !== 'user' && method !== 'mfa').map(method => proofs[method] ?? method)
  return sentence.format(new Set(words)) || 'nothing'
}

function time(label: string, at: number, now: number, kind: string): Html {
  return html`<div class="${kind}"><dt>${label}</dt><dd><time datetime="${new Date(at).toISOString()}">${relativeTime(at, now)}<small>${clockTime(at)}</small></time></dd></div>`
}

/** From the start to the latest end: what is spent, what is left if nobody touches anything, what is left at most. */
function timeline({ now, createdAt, idleExpiresAt, absoluteExpiresAt }: Dashboard): Html {
  const width = 1_000
  const position = (at: number) => Math.round(((at - createdAt) / (absoluteExpiresAt - createdAt)) * width)
  const spent = Math.max(position(now), 4)
  const idle = Math.max(position(idleExpiresAt), spent + 4)
  return html`<svg class="timeline" viewBox="0 0 ${width} 10" preserveAspectRatio="none" role="img" aria-label="Time spent and left in this session">
<rect class="t-all" width="${width}" height="10"/><rect class="t-idle" width="${idle}" height="10"/><rect class="t-spent" width="${spent}" height="10"/>
</svg>`
}

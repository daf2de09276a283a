import { html } from 'hono/html'
import type { SessionInfo } from 'latchkey'
import { deviceLabel } from '../device-label.ts'
import type { Done } from '../session-data.ts'
import { clockTime, relativeTime } from '../times.ts'
import { csrfField } from './csrf-field.ts'
import type { Html } from './html.ts'
import type { Visitor } from './visitor.ts'

/** What the page shows: the user's open sessions, newest first, and which of them this browser has. */
export interface Devices {
  readonly open: readonly SessionInfo[]
  readonly here: string | null
  readonly now: number
  /** What was just done, or `null`. */
  readonly done: Done | null
}

/** Everywhere the user is signed in. What devices say of themselves is theirs: it is encoded, never trusted. */
export function devicesPage(visitor: Visitor, { open, here, now, done }: Devices): Html {
  const others = open.filter(({ sid }) => sid !== here)
  const own = open.filter(({ sid }) => sid === here)
  return html`<p class="kicker">Your account</p>
<h1>Where you are signed in</h1>
<p class="lead">${
    others.length === 0
      ? 'Only here. Whatever else you sign in to will be listed on this page.'
      : `Here, and in ${others.length === 1 ? 'one other place' : `${others.length} other places`}. End what you do not recognise.`
  }</p>
${done === null ? '' : html`<p class="notice good" role="status">${done.what === 'others-ended' ? 'Signed out everywhere else.' : 'That device is signed out.'}</p>`}
<ul class="devices" role="list">
${[...own, ...others].map(session => device(visitor, session, session.sid === here, now))}
</ul>
${
  others.length === 0
    ? ''
    : html`<form method="post" action="/devices/end-others" class="devices-all">${csrfField(visitor)}
<button type="submit" class="quiet">Sign out everywhere else</button></form>`
}`
}

function device(visitor: Visitor, session: SessionInfo, isHere: boolean, now: number): Html {
  const { sid, carrier, clientId, userAgent, address, createdAt, lastSeenAt, aal, locked, persistent } = session
  const label = deviceLabel(userAgent)
  return html`<li class="card device${isHere ? ' here' : ''}">
<div>
<h2>${label}</h2>
<p class="soft">${carrier === 'bearer' ? html`A program${clientId === null ? '' : html`, <code>${clientId}</code>`}` : 'A browser'}${address === null ? '' : html`, from <code>${address}</code>`}</p>
${locked ? html`<p class="soft">Locked: nobody used it for a while.</p>` : ''}
</div>
<dl class="facts">
<div><dt>Signed in</dt><dd><time datetime="${new Date(createdAt).toISOString()}" title="${clockTime(createdAt)}">${relativeTime(createdAt, now)}</time></dd></div>
<div><dt>Last used</dt><dd><time datetime="${new Date(lastSeenAt).toISOString()}" title="${clockTime(lastSeenAt)}">${relativeTime(lastSeenAt, now)}</time></dd></div>
<div><dt>Assurance</dt><dd>Level ${aal} of 3${persistent ? html`<small>kept signed in</small>` : ''}</dd></div>
</dl>
${
  isHere
    ? html`<p class="badge">This one</p>`
    : html`<form method="post" action="/devices/end">${csrfField(visitor)}<input type="hidden" name="sid" value="${sid}"><button type="submit" class="quiet small" aria-label="End ${label}">End</button></form>`
}
</li>`
}

import { html } from 'hono/html'
import type { WrittenMessage } from '../outbox.ts'
import { clockTime, relativeTime } from '../times.ts'
import type { Html } from './html.ts'

const states = { waiting: 'on its way to', sent: 'sent to', 'given-up': 'could not be delivered to' }

/** The user's messages, newest first. */
export function messagesPage(messages: readonly WrittenMessage[], now: number): Html {
  return html`<p class="kicker">Your account</p>
<h1>Messages</h1>
<p class="lead">${
    messages.length === 0
      ? 'There are none. Whatever matters about your account will be told here.'
      : 'What Campus told you about your account, and where that went.'
  }</p>
<ul class="messages" role="list">
${messages.map(message => entry(message, now))}
</ul>`
}

function entry({ subject, text, writtenAt, mails }: WrittenMessage, now: number): Html {
  return html`<li class="card message">
<h2>${subject}</h2>
<p class="soft"><time datetime="${new Date(writtenAt).toISOString()}" title="${clockTime(writtenAt)}">${relativeTime(writtenAt, now)}</time>${
    mails.length === 0
      ? ' · here only'
      : mails.map(({ address, state }) => html` · ${states[state]} <span class="address">${address}</span>`)
  }</p>
<p class="prose">${text.trim()}</p>
</li>`
}

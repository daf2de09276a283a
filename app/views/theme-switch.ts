import { html } from 'hono/html'
import { csrfField } from './csrf-field.ts'
import type { Html } from './html.ts'
import { type Theme, themes, type Visitor } from './visitor.ts'

const labels: Record<Theme, string> = { light: 'Light', dark: 'Dark', system: 'Like my device' }

/** Three buttons that change the colours and come back to `path`. */
export function themeSwitch(visitor: Visitor, path: string): Html | '' {
  if (visitor.csrfToken === null) return ''
  return html`<form class="themes" method="post" action="/preferences" aria-label="Colours">
${csrfField(visitor)}<input type="hidden" name="returnTo" value="${path}">
${themes.map(theme => html`<button type="submit" name="theme" value="${theme}" aria-pressed="${theme === visitor.theme ? 'true' : 'false'}">${labels[theme]}</button>`)}
</form>`
}

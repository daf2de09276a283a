import { html } from 'hono/html'
import { csrfField } from './csrf-field.ts'
import type { Html } from './html.ts'
import { themeSwitch } from './theme-switch.ts'
import type { PageWatch, Visitor } from './visitor.ts'

/** In the order in which they build on each other. */
const styleSheets = ['base', 'frame', 'controls', 'pages', 'shop', 'account', 'security']

/** What a page adds to the frame around it. */
export interface Page {
  /** Title of the browser's tab, without the site's name. */
  readonly title: string
  /** Where the visitor is, to come back here after changing the theme. */
  readonly path: string
  readonly body: Html
}

/** The frame of every page: identity, ways to go, and, when signed in, always a way out (ASVS 7.4.4). */
export function layout(visitor: Visitor, page: Page): Html {
  return html`<!doctype html>
<html lang="en" data-theme="${visitor.theme}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${page.title} · Campus</title>
<link rel="icon" href="/assets/mark.svg" type="image/svg+xml">
${styleSheets.map(name => html`<link rel="stylesheet" href="/assets/${name}.css">`)}
<script src="/assets/submit-once.js"></script>
${visitor.watch === null ? '' : watch(visitor.watch)}
</head>
<body>
<a class="skip" href="#content">Skip to content</a>
<header class="top">
<div class="wrap">
${visitor.isLocked ? html`<span class="brand">${mark()}<span>Campus</span></span>` : waysToGo(visitor, page)}
<div class="account">${account(visitor, page)}</div>
</div>
</header>
<main id="content" class="wrap">
${page.body}
</main>
<footer class="bottom">
<div class="wrap">
<p>Campus shows what <b>Latchkey</b> does for a session.${visitor.isLocked ? '' : html` <a href="/inspect_headers">Look at your headers</a>`}</p>
${visitor.isLocked ? '' : themeSwitch(visitor, page.path)}
</div>
</footer>
</body>
</html>
`
}

/** Absent where the session is locked: each of them would lead back to where it is unlocked. */
function waysToGo(visitor: Visitor, page: Page): Html {
  const forUsers = (path: string, name: string) =>
    visitor.username === null ? '' : html`<a href="${path}"${current(page, path)}>${name}</a>`
  return html`<a class="brand" href="/">${mark()}<span>Campus</span></a>
<nav aria-label="Main">
${forUsers('/dashboard', 'Dashboard')}
<a href="/shop"${current(page, '/shop')}>Books${cartBadge(visitor.copiesInCart)}</a>
${forUsers('/grades', 'Grades')}
${forUsers('/profile', 'Profile')}
${forUsers('/devices', 'Devices')}
</nav>`
}

/**
 * The script that warns before the session ends. Guests' pages have it, too: a page that was opened before the sign-in, or
 * after the sign-out, tells the others.
 */
function watch({ src, options }: PageWatch): Html {
  return html`<script type="module" src="${src}" data-latchkey="${JSON.stringify(options)}"></script>`
}

function account(visitor: Visitor, page: Page): Html | '' {
  if (visitor.username !== null) {
    return html`<span class="who" title="Signed in as ${visitor.username}">${visitor.username}</span>
<form method="post" action="/logout">${csrfField(visitor)}<button class="quiet" type="submit">Sign out</button></form>`
  }
  if (visitor.isLocked) {
    return html`<span class="who locked">Locked</span>
<form method="post" action="/logout">${csrfField(visitor)}<button class="quiet" type="submit">Sign out</button></form>`
  }
  // Where nobody can say who this is, the way out is shown all the same: the page behind it asks again.
  if (visitor.csrfToken === null) return html`<a class="button quiet small" href="/logout">Sign out</a>`
  return page.path.startsWith('/login') ? '' : html`<a class="button small" href="/login">Sign in</a>`
}

function current(page: Page, path: string): Html | '' {
  return page.path === path ? html` aria-current="page"` : ''
}

function cartBadge(copies: number): Html | '' {
  return copies === 0 ? '' : html` <span class="badge"><span class="unseen">, in your cart: </span>${copies}</span>`
}

/** An arched door with a keyhole. */
function mark(): Html {
  return html`<svg class="mark" viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="9" class="m-ground"/><path d="M8 25V15a8 8 0 0 1 16 0v10z" class="m-door"/><path d="M5.5 25h21" class="m-sill"/><path d="M16 12.2a2.6 2.6 0 0 1 1.3 4.85L18.2 21h-4.4l.9-3.95A2.6 2.6 0 0 1 16 12.2z" class="m-key"/></svg>`
}

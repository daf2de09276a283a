import { html } from 'hono/html'
import type { Html } from './html.ts'

/** The front door. The two headings are a contract with other programs. */
export function homePage(username: string | null): Html {
  return username === null ? guestHome() : userHome(username)
}

function guestHome(): Html {
  return html`<section class="hero">
<div>
<p class="kicker">A small place to learn</p>
<h1>Hello! Please login</h1>
<p class="lead">Campus is a learning portal with one real subject: how a website knows that you are still you. Look around
as a guest, fill a cart, then sign in and watch what happens to your session.</p>
<p class="actions"><a class="button" href="/login">Sign in</a> <a class="button quiet" href="/shop">Browse the books</a></p>
</div>
${facade()}
</section>
<section class="trio" aria-label="What to try">
<article><h2>Fill a cart first</h2><p>Guests have a session too, but only once there is something to keep. Your cart follows you through sign-in.</p><a href="/shop">To the book shop</a></article>
<article><h2>See your headers</h2><p>Every cookie, every security header of this very answer, with the secret parts covered.</p><a href="/inspect_headers">Look at your headers</a></article>
<article><h2>Sign in, sign out</h2><p>A new key at sign-in, a dead one at sign-out. The back button brings nothing back.</p><a href="/login">To the sign-in</a></article>
</section>`
}

function userHome(username: string): Html {
  return html`<section class="hero">
<div>
<p class="kicker">You are signed in</p>
<h1>Welcome back, ${username}! (Session Active)</h1>
<p class="lead">Your session is open. It closes by itself when you stop using it, and in any case after some time: your
dashboard shows when.</p>
<p class="actions"><a class="button" href="/dashboard">To your dashboard</a> <a class="button quiet" href="/shop">Browse the books</a></p>
</div>
${facade()}
</section>`
}

/** The house: pediment, columns, an open door. */
function facade(): Html {
  return html`<svg class="facade" viewBox="0 0 420 300" aria-hidden="true">
<circle cx="318" cy="84" r="46" class="f-sun"/>
<path d="M6 284c14-62 84-92 158-74s128-14 190-50c48 24 62 84 60 124z" class="f-hill"/>
<path d="M210 58 352 123H68z" class="f-roof"/>
<circle cx="210" cy="98" r="11" class="f-paper"/>
<path d="M80 122h260v18H80z" class="f-beam"/>
<path d="M96 140h24v112H96zm52 0h24v112h-24zm100 0h24v112h-24zm52 0h24v112h-24z" class="f-column"/>
<path d="M120 140h28v112h-28zm152 0h28v112h-28zM172 140h76v112h-76z" class="f-wall"/>
<path d="M184 252v-52a26 26 0 0 1 52 0v52z" class="f-door"/>
<path d="M210 189a6.5 6.5 0 0 1 3.2 12.2l3 17.8h-12.4l3-17.8A6.5 6.5 0 0 1 210 189z" class="f-key"/>
<path d="M72 252h276v12H72zM56 264h308v14H56z" class="f-beam"/>
<path d="M36 278h348v6H36z" class="f-ground"/>
<path d="M34 278c-16-22-12-60 4-78 16 18 20 56 4 78zm352 0c-16-22-12-60 4-78 16 18 20 56 4 78z" class="f-tree"/>
</svg>`
}

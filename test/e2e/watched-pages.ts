/**
 * A small site whose pages load `latchkey/browser`, with a session that a test controls: its clock, its user, whether it
 * answers. It is strict where a server is: a wrong CSRF token is refused, and asking is no activity.
 */
import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { after } from 'node:test'
import { bundleForBrowsers } from '../../tools/build-browser.ts'
import { listening } from '../actors/listening.ts'

const minute = 60_000

/** The server's side, as a test sets it. Instants are of the server's own clock, which the test moves. */
export interface WatchedSite {
  readonly origin: string
  /** Requests other than for pages and scripts: `GET /api/session`, `POST /api/session/extend token-1`. */
  readonly requests: string[]
  /** Watched pages that were asked for. */
  readonly visits: string[]
  /** What the pages' browsers complained of to `/csp`. */
  readonly violations: string[]
  now: number
  user: string | null
  locked: boolean
  idleAt: number
  endAt: number
  /** Of the sign-in: another one after each. */
  csrfToken: string
  /** Whether the addresses for the script answer 503. */
  down: boolean
  /** Whether a page brings its first status with it. */
  withStatus: boolean
  /** Signs a user in, for 15 minutes without activity and 8 hours in all. */
  signIn(user: string | null): void
}

const content = `<h1>Essay</h1>
<p id="greeting"></p>
<form method="post" action="/essays" id="essay">
  <input type="hidden" name="csrf_token" value="{token}">
  <label>Title <input name="title" value="Untitled"></label>
  <label>Text <textarea name="text"></textarea></label>
  <label>Kind <select name="kind"><option>letter</option><option selected>essay</option><option>poem</option></select></label>
  <label>Tags <select name="tags" multiple><option>a</option><option>b</option><option>c</option></select></label>
  <label>Draft <input type="checkbox" name="draft" checked></label>
  <label>Mine <input type="radio" name="by" value="me" checked></label>
  <label>Ours <input type="radio" name="by" value="us"></label>
  <label>Password <input type="password" name="password" autocomplete="off"></label>
  <label>Shown password <input type="text" name="shown" autocomplete="current-password"></label>
  <label>Code <input name="code" autocomplete="one-time-code"></label>
  <label>Secret <input name="unkept" data-latchkey-skip></label>
  <button>Hand in</button>
</form>
<form method="post" action="/comments">
  <label>Comment <input name="text"></label>
  <label>Second comment <input name="text"></label>
  <input name="id" type="hidden" value="7">
</form>
<form method="post" action="/logout" id="out"><input type="hidden" name="csrf_token" value="{token}"><button>Sign out</button></form>
<p><a href="/elsewhere">Elsewhere</a></p>`

/** Opens the site until the tests of the file are over. */
export async function openWatchedSite(): Promise<WatchedSite> {
  const scripts = await loadScripts()
  let signIns = 0
  const answer: RequestListener = async (request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://site.test')
    const script = scripts.get(pathname)
    const body = await readText(request)
    const send = (status: number, type: string, text: string, headers = {}) =>
      response
        .writeHead(status, {
          'content-type': type,
          'cache-control': 'no-store',
          'content-security-policy': "default-src 'self'; form-action 'self'; report-uri /csp",
          ...headers,
        })
        .end(text)
    const over = site.now >= Math.min(site.idleAt, site.endAt)
    if (over) site.user = null

    if (script !== undefined) {
      const type = pathname.endsWith('.css') ? 'text/css' : 'text/javascript'
      return send(200, type, script, { 'cache-control': 'max-age=300' })
    }
    if (pathname === '/csp') {
      site.violations.push(body)
      return send(204, 'text/plain', '')
    }
    const isPage = /^\/(module|plain|quiet)\//.test(pathname)
    if (isPage) site.visits.push(pathname)
    else {
      const token = request.headers['x-csrf-token'] ?? new URLSearchParams(body).get('csrf_token')
      site.requests.push([request.method, pathname, token].filter(Boolean).join(' '))
      if (request.method === 'POST' && token !== site.csrfToken) return send(403, 'text/plain', 'wrong token')
    }
    if (site.down && /^\/(api|logout)/.test(pathname)) {
      return send(503, 'application/problem+json', JSON.stringify({ status: 503, title: 'down' }))
    }
    if (pathname === '/api/session') return send(200, 'application/json', JSON.stringify(status()))
    if (pathname === '/api/session/extend') {
      if (site.user === null || site.locked) return send(401, 'text/plain', 'nobody')
      site.idleAt = Math.min(site.now + 15 * minute, site.endAt)
      return send(200, 'application/json', JSON.stringify(status()))
    }
    if (pathname === '/logout') {
      site.signIn(null)
      return send(303, 'text/plain', '', { location: '/login' })
    }
    if (isPage && !pathname.startsWith('/quiet/')) {
      if (site.user !== null) site.idleAt = Math.min(site.now + 15 * minute, site.endAt)
      const src = pathname.startsWith('/plain/')
        ? 'src="/latchkey.js" defer'
        : 'src="/latchkey/script.ts" type="module"'
      const options = {
        ...(site.withStatus && { status: status() }),
        statusUrl: '/api/session',
        extendUrl: '/api/session/extend',
        signOutUrl: '/logout',
        signInUrl: '/login',
      }
      const data = JSON.stringify(options).replaceAll('&', '&amp;').replaceAll("'", '&#39;')
      const text = content.replaceAll('{token}', site.csrfToken)
      return send(200, 'text/html', page(`<main>${text}</main>`, `<script ${src} data-latchkey='${data}'></script>`))
    }
    return send(200, 'text/html', page(`<main><h1>${pathname}</h1></main>`, ''))
  }

  function status() {
    const { user, locked, csrfToken } = site
    const subject = user === null ? null : `subject-of-${user}`
    const formKeys = user === null ? [] : [createHash('sha256').update(`form key of ${user}`).digest('base64url')]
    const left = (at: number) => (user === null ? null : at - site.now)
    const signedIn = user !== null && !locked
    return { signedIn, locked, idleIn: left(site.idleAt), endsIn: left(site.endAt), subject, formKeys, csrfToken }
  }

  const server = await listening(answer)
  after(server.close)
  const site: WatchedSite = {
    origin: server.origin,
    requests: [],
    visits: [],
    violations: [],
    now: Date.UTC(2030, 0, 1),
    user: null,
    locked: false,
    idleAt: 0,
    endAt: 0,
    csrfToken: '',
    down: false,
    withStatus: true,
    signIn(user) {
      signIns += 1
      site.user = user
      site.locked = false
      site.idleAt = site.now + 15 * minute
      site.endAt = site.now + 8 * 60 * minute
      site.csrfToken = `token-${signIns}`
    },
  }
  return site
}

/** The sources one by one, as Campus serves them, and the bundle. */
async function loadScripts(): Promise<Map<string, string>> {
  const directory = join(import.meta.dirname, '../../src/browser')
  const sources = globSync('*.ts', { cwd: directory }).map(
    name => [`/latchkey/${name}`, stripTypeScriptTypes(readFileSync(join(directory, name), 'utf8'))] as const,
  )
  // A browser asks for the icon by itself.
  const style = 'html { color: CanvasText; background: Canvas } a { color: LinkText }'
  return new Map([...sources, ['/latchkey.js', await bundleForBrowsers()], ['/style.css', style], ['/favicon.ico', '']])
}

function page(main: string, script: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Watched</title>
<link rel="stylesheet" href="/style.css"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">${script}</head><body>${main}</body></html>`
}

async function readText(request: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

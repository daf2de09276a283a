/**
 * Next.js (App Router): the route handlers of a whole sign-in in one file. Save it as `app/account/[action]/route.ts`; it
 * needs nothing of Next.js itself, so any framework with Web-standard handlers can use it alike.
 * The environment: SESSION_SECRET (npx latchkey keygen), DEMO_PASSWORD.
 */
import { createSessions } from 'latchkey'
import { sessions, type WebHandler } from 'latchkey/adapters/web'
import { sqliteStore } from 'latchkey/stores/sqlite'

// DEVELOPMENT ONLY: plain HTTP with a weaker cookie. NODE_ENV=production turns it off and expects a proxy with HTTPS.
const insecureHttp = process.env.NODE_ENV !== 'production'

const manager = createSessions<{ visits: number }>({
  secrets: [process.env.SESSION_SECRET],
  store: sqliteStore(process.env.SESSION_DATABASE ?? 'sessions.db'),
  trustProxy: insecureHttp ? false : 1, // route handlers do not learn the address of the socket: count your proxies
  insecureHttp,
  onEvent: event => console.log(JSON.stringify(event)),
})

type Route = { params: Promise<{ action: string }> }
type Handler = WebHandler<{ visits: number }, [Route]>

const html = (page: string) => new Response(page, { headers: { 'content-type': 'text/html; charset=utf-8' } })
// Not redirect() of next/navigation: it throws, and what is thrown carries no cookie.
const seeOther = (location: string) => new Response(null, { status: 303, headers: { location } })
const form = (to: string, fields: string) => `<form method="post" action="${to}">${fields}<button>Go</button></form>`

const pages: Record<string, Handler> = {
  login: () => html(form('/account/login', '<input name="name"><input name="password" type="password">')),
  me: async (_request, { session, requireUser, csrfToken }) => {
    const { userId } = await requireUser()
    const visits = await session.update(data => (data.visits = (data.visits ?? 0) + 1))
    const field = `<input type="hidden" name="csrf_token" value="${csrfToken()}">`
    return html(`<p>Hello ${userId}, visit ${visits}.</p>${form('/account/logout', field)}`)
  },
}
const actions: Record<string, Handler> = {
  login: async (request, { session }) => {
    const { name, password } = Object.fromEntries(await request.formData())
    const known = name === 'alice' && password && password === process.env.DEMO_PASSWORD // yours verifies argon2id
    if (!known) return new Response('Invalid credentials', { status: 401 })
    await session.signIn(name, { amr: ['pwd'] })
    return seeOther('/account/me')
  },
  logout: async (_request, { session }) => {
    await session.end()
    return seeOther('/account/login')
  },
}

const oneOf = (handlers: Record<string, Handler>) =>
  sessions(manager, async (request, context, route: Route) => {
    const handler = new Map(Object.entries(handlers)).get((await route.params).action)
    return handler ? handler(request, context, route) : new Response('Not found', { status: 404 })
  })

export const GET = oneOf(pages)
export const POST = oneOf(actions)

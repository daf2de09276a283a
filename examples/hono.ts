/**
 * Hono 4 on Node: sign in, see who you are, sign out.
 *
 *     SESSION_SECRET=$(npx latchkey keygen) DEMO_PASSWORD=correct-horse PORT=3000 node hono.ts
 */
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { createSessions } from 'latchkey'
import { sessions as honoSessions, requireUser, type SessionVariables } from 'latchkey/adapters/hono'
import { sqliteStore } from 'latchkey/stores/sqlite'

type Data = { visits: number }

// DEVELOPMENT ONLY: plain HTTP with a weaker cookie. NODE_ENV=production turns it off and expects a proxy on this
// machine that adds HTTPS (docs/deploy.md).
const insecureHttp = process.env.NODE_ENV !== 'production'

const manager = createSessions<Data>({
  secrets: [process.env.SESSION_SECRET],
  store: sqliteStore(process.env.SESSION_DATABASE ?? 'sessions.db'),
  trustProxy: insecureHttp ? false : ['127.0.0.1', '::1'],
  insecureHttp,
  onEvent: event => console.log(JSON.stringify(event)),
})

const app = new Hono<{ Variables: SessionVariables<Data> }>()
app.use(honoSessions(manager))

const form = (to: string, fields: string) => `<form method="post" action="${to}">${fields}<button>Go</button></form>`

app.get('/', c => c.html(form('/login', '<input name="name"><input name="password" type="password">')))

app.post('/login', async c => {
  const { name, password } = await c.req.parseBody()
  const known = name === 'alice' && password && password === process.env.DEMO_PASSWORD // yours verifies argon2id
  if (!known) return c.text('Invalid credentials', 401)
  await c.var.session.signIn(name, { amr: ['pwd'] })
  return c.redirect('/me', 303)
})

app.get('/me', requireUser({ redirectTo: '/' }), async c => {
  const { session, csrfToken } = c.var
  const visits = await session.update(data => (data.visits = (data.visits ?? 0) + 1))
  const field = `<input type="hidden" name="csrf_token" value="${csrfToken()}">`
  return c.html(`<p>Hello ${session.userId}, visit ${visits}.</p>${form('/logout', field)}`)
})

app.post('/logout', async c => {
  await c.var.session.end()
  return c.redirect('/', 303)
})

const server = serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000), hostname: '127.0.0.1' }, info =>
  console.log('listening', info),
)
process.once('SIGTERM', () => server.close(() => manager.close()))

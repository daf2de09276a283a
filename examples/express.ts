/**
 * Express 5: sign in, see who you are, sign out.
 *
 *     SESSION_SECRET=$(npx latchkey keygen) DEMO_PASSWORD=correct-horse PORT=3000 node express.ts
 */
import express from 'express'
import { createSessions } from 'latchkey'
import { sessions as expressSessions, requireUser } from 'latchkey/adapters/express'
import { sqliteStore } from 'latchkey/stores/sqlite'

// DEVELOPMENT ONLY: plain HTTP with a weaker cookie. NODE_ENV=production turns it off and expects a proxy on this
// machine that adds HTTPS (docs/deploy.md).
const insecureHttp = process.env.NODE_ENV !== 'production'

const manager = createSessions<{ visits: number }>({
  secrets: [process.env.SESSION_SECRET],
  store: sqliteStore(process.env.SESSION_DATABASE ?? 'sessions.db'),
  trustProxy: insecureHttp ? false : ['127.0.0.1', '::1'],
  insecureHttp,
  onEvent: event => console.log(JSON.stringify(event)),
})
const web = expressSessions(manager)

// Yours looks the user up and verifies an argon2id hash.
const checkPassword = (name: unknown, password: unknown) =>
  name === 'alice' && process.env.DEMO_PASSWORD && password === process.env.DEMO_PASSWORD ? { id: 'alice' } : null

const app = express().disable('x-powered-by')
app.use(web, express.urlencoded({ extended: false })) // in this order: forged requests are refused before they are parsed

app.get('/', (_req, res) => {
  res.send(
    '<form method="post" action="/login"><input name="name"><input name="password" type="password"><button>Sign in</button></form>',
  )
})

app.post('/login', async (req, res) => {
  const user = checkPassword(req.body?.name, req.body?.password)
  if (!user) return res.status(401).send('Invalid credentials')
  await req.session.signIn(user.id, { amr: ['pwd'] })
  res.redirect(303, '/me')
})

app.get('/me', requireUser({ redirectTo: '/' }), async (req, res) => {
  const visits = await web.of(req).update(data => (data.visits = (data.visits ?? 0) + 1))
  res.send(`<p>Hello ${req.session.userId}, visit ${visits}.</p>
    <form method="post" action="/logout"><input type="hidden" name="csrf_token" value="${req.csrfToken()}"><button>Sign out</button></form>`)
})

app.post('/logout', async (req, res) => {
  await req.session.end()
  res.redirect(303, '/')
})

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () =>
  console.log('listening', server.address()),
)
process.once('SIGTERM', () => server.close(() => manager.close()))

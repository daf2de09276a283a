/**
 * Fastify 5: sign in, see who you are, sign out.
 *
 *     SESSION_SECRET=$(npx latchkey keygen) DEMO_PASSWORD=correct-horse PORT=3000 node fastify.ts
 */
import fastify from 'fastify'
import { createSessions } from 'latchkey'
import { answerError, sessions as fastifySessions, requireUser } from 'latchkey/adapters/fastify'
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
const web = fastifySessions(manager)

const app = fastify()
app.setErrorHandler(answerError)
app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => {
  done(null, Object.fromEntries(new URLSearchParams(String(body)))) // or @fastify/formbody
})
await app.register(web) // before the routes

const form = (to: string, fields: string) => `<form method="post" action="${to}">${fields}<button>Go</button></form>`

app.get('/', (_request, reply) => {
  reply.type('text/html').send(form('/login', '<input name="name"><input name="password" type="password">'))
})

app.post<{ Body: Record<string, string> }>('/login', async (request, reply) => {
  const { name = '', password } = request.body
  const known = name === 'alice' && password && password === process.env.DEMO_PASSWORD // yours verifies argon2id
  if (!known) return reply.code(401).send('Invalid credentials')
  await request.session.signIn(name, { amr: ['pwd'] })
  return reply.redirect('/me', 303)
})

app.get('/me', { preHandler: requireUser({ redirectTo: '/' }) }, async (request, reply) => {
  const visits = await web.of(request).update(data => (data.visits = (data.visits ?? 0) + 1))
  const field = `<input type="hidden" name="csrf_token" value="${request.csrfToken()}">`
  const page = `<p>Hello ${request.session.userId}, visit ${visits}.</p>${form('/logout', field)}`
  return reply.type('text/html').send(page)
})

app.post('/logout', async (request, reply) => {
  await request.session.end()
  return reply.redirect('/', 303)
})

process.once('SIGTERM', () => app.close().then(() => manager.close()))
await app.listen({ port: Number(process.env.PORT ?? 3000), host: '127.0.0.1' })
console.log('listening', app.server.address())

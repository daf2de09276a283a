import cookie from '@fastify/cookie'
import session from '@fastify/session'
import { RedisStore } from 'connect-redis'
import Fastify from 'fastify'
import { createClient } from 'redis'
import { serve } from '../serve.ts'

// As its README: cookie and session registered for the whole app. Behind a TLS proxy the README asks for trustProxy,
// and Fastify does not believe X-Forwarded-Proto on a bare hop count.
// `rolling` stays at its default (true). `saveUninitialized: false` is the README's advice for not storing visitors.
const [storeName] = process.argv.slice(2)
const store =
  storeName === 'redis'
    ? new RedisStore({ client: await createClient({ url: process.env.BENCH_REDIS }).connect(), prefix: 'fs:' })
    : undefined

const app = Fastify({ trustProxy: '127.0.0.1' })
app.register(cookie)
app.register(session, {
  secret: process.env.BENCH_SECRET,
  ...(store ? { store } : {}),
  saveUninitialized: false,
  cookie: { secure: true, sameSite: 'lax', maxAge: 15 * 60_000 },
})

app.get('/me', async (request, reply) => {
  const { user, count } = request.session
  if (!user) return reply.code(401).send({ error: 'not signed in' })
  return { user, count }
})
app.post('/count', async (request, reply) => {
  if (!request.session.user) return reply.code(401).send({ error: 'not signed in' })
  request.session.count += 1
  return { count: request.session.count }
})
app.get('/public', async () => ({ ok: true }))
app.post('/signin', async request => {
  await request.session.regenerate()
  request.session.user = request.query.user
  request.session.count = 0
  return { user: request.session.user }
})

await app.ready()
serve(app.server)

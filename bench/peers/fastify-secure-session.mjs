import secureSession from '@fastify/secure-session'
import Fastify from 'fastify'
import { serve } from '../serve.ts'

// As its README: a 32-byte key, the whole session in an encrypted cookie. The counter of the write job counts only for a
// client that keeps the new cookie (the harness checks that with one). `expiry` is what stands for a time-out.
const app = Fastify({ trustProxy: '127.0.0.1' })
app.register(secureSession, {
  key: Buffer.from(process.env.BENCH_SECRET, 'base64url').subarray(0, 32),
  expiry: 8 * 60 * 60,
  cookie: { path: '/', httpOnly: true, secure: true, sameSite: 'lax' },
})

app.get('/me', async (request, reply) => {
  const user = request.session.get('user')
  if (!user) return reply.code(401).send({ error: 'not signed in' })
  return { user, count: request.session.get('count') }
})
app.post('/count', async (request, reply) => {
  if (!request.session.get('user')) return reply.code(401).send({ error: 'not signed in' })
  request.session.set('count', request.session.get('count') + 1)
  return { count: request.session.get('count') }
})
app.get('/public', async () => ({ ok: true }))
app.post('/signin', async request => {
  request.session.regenerate()
  request.session.set('user', request.query.user)
  request.session.set('count', 0)
  return { user: request.query.user }
})

await app.ready()
serve(app.server)

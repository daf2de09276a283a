import Fastify from 'fastify'
import { sessions as fastifySessions, loadSession, requireUser } from 'latchkey/adapters/fastify'
import { serve } from '../serve.ts'
import { sessions, storeCalls } from './ours.ts'

const app = Fastify({ trustProxy: '127.0.0.1' })
const web = fastifySessions(sessions)
await app.register(web)
app.get('/me', { preHandler: requireUser() }, async request => {
  const { userId, data } = web.of(request)
  return { user: userId, count: data.count }
})
app.post('/count', { preHandler: requireUser() }, async request => {
  const session = web.of(request)
  await session.update(data => {
    data.count = (data.count ?? 0) + 1
  })
  return { count: session.data.count }
})
app.get('/public', async () => ({ ok: true }))
app.post<{ Querystring: { user: string } }>('/signin', { preHandler: loadSession() }, async request => {
  const { user } = request.query
  await request.session.signIn(user, { amr: ['pwd'] })
  request.session.data.count = 0
  return { user, csrf: request.csrfToken() }
})

await app.ready()
serve(app.server, storeCalls)

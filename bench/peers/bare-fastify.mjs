import Fastify from 'fastify'
import { serve } from '../serve.ts'

// The same routes and answers with nothing behind them: what everything on Fastify is compared with.
const app = Fastify({ trustProxy: '127.0.0.1' })
app.get('/me', async () => ({ user: 'user-000', count: 0 }))
app.post('/count', async () => ({ count: 1 }))
app.get('/public', async () => ({ ok: true }))
app.post('/signin', async () => ({ user: 'user-000' }))

await app.ready()
serve(app.server)

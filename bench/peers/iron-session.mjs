import { createServer } from 'node:http'
import { getIronSession } from 'iron-session'
import { json } from '../json.ts'
import { serve } from '../serve.ts'

// As its README: one call where the session is needed, `save()` after a change. The session is in the cookie, so the
// counter of the write job counts only for a client that keeps the new cookie (the harness checks that with one).
const options = { password: process.env.BENCH_SECRET, cookieName: 'session', cookieOptions: { secure: true } }

const server = createServer(async (req, res) => {
  const { method, url } = req
  if (method === 'GET' && url === '/me') {
    const session = await getIronSession(req, res, options)
    if (!session.user) return json(res, 401, { error: 'not signed in' })
    return json(res, 200, { user: session.user, count: session.count })
  }
  if (method === 'POST' && url === '/count') {
    const session = await getIronSession(req, res, options)
    if (!session.user) return json(res, 401, { error: 'not signed in' })
    session.count += 1
    await session.save()
    return json(res, 200, { count: session.count })
  }
  if (method === 'GET' && url === '/public') return json(res, 200, { ok: true })
  if (method === 'POST' && url.startsWith('/signin')) {
    const session = await getIronSession(req, res, options)
    session.user = new URLSearchParams(url.slice(url.indexOf('?'))).get('user')
    session.count = 0
    await session.save()
    return json(res, 200, { user: session.user })
  }
  json(res, 404, { error: 'not found' })
})

serve(server)

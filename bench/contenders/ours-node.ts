import { createServer } from 'node:http'
import { sessions as nodeSessions } from 'latchkey/adapters/node'
import { json } from '../json.ts'
import { serve } from '../serve.ts'
import { sessions, storeCalls } from './ours.ts'

const listener = nodeSessions(sessions, async (req, res, { session, csrfToken, requireUser }) => {
  const { method, url = '/' } = req
  if (method === 'GET' && url === '/me') {
    const { userId, data } = await requireUser()
    return json(res, 200, { user: userId, count: data.count })
  }
  if (method === 'POST' && url === '/count') {
    await requireUser()
    await session.update(data => {
      data.count = (data.count ?? 0) + 1
    })
    return json(res, 200, { count: session.data.count })
  }
  if (method === 'GET' && url === '/public') return json(res, 200, { ok: true })
  if (method === 'POST' && url.startsWith('/signin')) {
    const user = new URLSearchParams(url.slice(url.indexOf('?'))).get('user') ?? ''
    await session.signIn(user, { amr: ['pwd'] })
    session.data.count = 0
    return json(res, 200, { user, csrf: csrfToken() })
  }
  json(res, 404, { error: 'not found' })
})

serve(createServer(listener), storeCalls)

import { createServer } from 'node:http'
import { json } from '../json.ts'
import { serve } from '../serve.ts'

/** The same routes and answers with nothing behind them: what everything on `node:http` is compared with. */
const server = createServer((req, res) => {
  const { method, url } = req
  if (method === 'GET' && url === '/me') return json(res, 200, { user: 'user-000', count: 0 })
  if (method === 'POST' && url === '/count') return json(res, 200, { count: 1 })
  if (method === 'GET' && url === '/public') return json(res, 200, { ok: true })
  if (method === 'POST' && url?.startsWith('/signin')) return json(res, 200, { user: 'user-000' })
  json(res, 404, { error: 'not found' })
})

serve(server)

import type { RequestListener } from 'node:http'
import { json } from '../json.ts'

/** The same routes and answers as every contender, with nothing behind them. */
export const bareListener: RequestListener = (req, res) => {
  const { method, url } = req
  if (method === 'GET' && url === '/me') return json(res, 200, { user: 'user-000', count: 0 })
  if (method === 'POST' && url === '/count') return json(res, 200, { count: 1 })
  if (method === 'GET' && url === '/public') return json(res, 200, { ok: true })
  if (method === 'POST' && url?.startsWith('/signin')) return json(res, 200, { user: 'user-000' })
  json(res, 404, { error: 'not found' })
}

import { Router } from 'express'

/** Says whether Campus can serve, without touching a session, so that a load balancer may ask as often as it likes. */
export function healthRoutes(check: () => Promise<void>): Router {
  return Router().get('/healthz', async (_request, response) => {
    response.set('cache-control', 'no-store')
    try {
      await check()
      response.json({ status: 'ok' })
    } catch {
      response.status(503).set('retry-after', '1').json({ status: 'unavailable' })
    }
  })
}

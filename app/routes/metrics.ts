import { createHash, timingSafeEqual } from 'node:crypto'
import { Router } from 'express'
import type { Metrics } from '../open-metrics.ts'

/** Numbers for whoever has the token. They name nobody, but tell an attacker how well it goes. Touches no session. */
export function metricsRoutes({ token, contentType, read }: Metrics): Router {
  const isRight = bearerCheck(token)
  return Router().get('/metrics', async (request, response) => {
    response.set('cache-control', 'no-store')
    if (!isRight(request.headers.authorization)) {
      response.status(401).set('www-authenticate', 'Bearer realm="metrics"').type('text').send('Who is asking?\n')
      return
    }
    response.set('content-type', contentType).send(await read())
  })
}

/** Compares hashes, which are equally long whatever was sent, so that the time it takes says nothing of the token. */
function bearerCheck(token: string): (authorization: string | undefined) => boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest()
  const right = hash(token)
  return authorization => {
    // RFC 9110 11.1: the scheme in any case.
    const [, presented] = /^Bearer +(\S+)$/i.exec(authorization ?? '') ?? []
    return presented !== undefined && timingSafeEqual(hash(presented), right)
  }
}

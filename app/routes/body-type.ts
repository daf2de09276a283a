import type { RequestHandler } from 'express'
import { Problem } from '../problem.ts'
import { isForPrograms } from './for-programs.ts'

/**
 * Refuses bodies in another format than the one a route reads. Without this, a form with `enctype="text/plain"` could
 * smuggle JSON past the browser's cross-origin rules (ASVS 3.5.2), and everybody else would get a puzzling answer.
 */
export const checkBodyType: RequestHandler = (request, _response, next) => {
  const { 'transfer-encoding': encoding, 'content-length': length } = request.headers
  const hasBody = encoding !== undefined || Number(length ?? 0) > 0
  const type = isForPrograms(request) ? 'application/json' : 'application/x-www-form-urlencoded'
  if (!hasBody || request.is(type)) return next()
  next(new Problem(415, 'That is in the wrong format', `Send it as ${type}.`))
}

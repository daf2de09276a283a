import type { ErrorRequestHandler, RequestHandler } from 'express'
import type { Log } from '../event-log.ts'
import type { Pages } from '../pages.ts'
import { Problem, problemOf } from '../problem.ts'
import { errorPage } from '../views/error-page.ts'
import { isForPrograms } from './for-programs.ts'

/** Answers what no route answered. */
export const notFound: RequestHandler = (_request, _response, next) => {
  next(
    new Problem(
      404,
      'There is no such page',
      'The address may be mistyped, or the page has moved. Everything starts at the front door.',
    ),
  )
}

/** Turns whatever was thrown into an answer: JSON for programs, a page for people. */
export function answerErrors(parts: { pages: Pages; log: Log }): ErrorRequestHandler {
  const { pages, log } = parts
  return async (error, request, response, next) => {
    const problem = problemOf(error)
    if (problem.status >= 500) log.failure(`${request.method} ${request.path}`, error)
    if (response.headersSent) return next(error)
    response
      .status(problem.status)
      .set('cache-control', 'no-store')
      .set({ ...problem.headers })
    if (isForPrograms(request)) return response.json({ message: problem.message })
    await pages.sendAnyway(request, response, {
      title: problem.title,
      status: problem.status,
      path: '/',
      body: () => errorPage(problem),
    })
  }
}

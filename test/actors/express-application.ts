import { pipeline } from 'node:stream/promises'
import express, { type ErrorRequestHandler, type RequestHandler, type Response } from 'express'
import {
  sessions as expressSessions,
  loadSession,
  requireFresh,
  requireLevel,
  requireUser,
} from 'latchkey/adapters/express'
import type { ContractAnswer, ContractApplication, ContractNeeds, ContractServer } from 'latchkey/testing'
import { listening } from './listening.ts'

const guards: Readonly<Record<ContractNeeds, readonly RequestHandler[]>> = {
  nothing: [],
  user: [loadSession(), requireUser()],
  'level 2': [requireLevel(2)],
  fresh: [requireFresh('5m')],
  'fresh level 2': [requireFresh('5m', { level: 2 })],
}

/** The contract's application on Express. `handleError` stands in for Express's own error page. */
export function startExpress(
  { routes, sessions, second }: ContractApplication,
  handleError?: ErrorRequestHandler,
): Promise<ContractServer> {
  const app = express()
  // Otherwise Express prints every error of these tests.
  app.set('env', 'test')
  const first = expressSessions(sessions)
  const other = expressSessions(second)
  app.use(express.urlencoded({ extended: false }), express.json(), express.text(), first, other)
  for (const { method, path, needs, answer } of routes) {
    const handler: RequestHandler = async (request, response) => {
      const query = new URL(request.originalUrl, 'http://express.test').searchParams
      const csrfToken = () => request.csrfToken()
      const sessionStatus = () => request.sessionStatus()
      const both = { session: first.of(request), second: other.of(request) }
      await give(response, await answer({ ...both, csrfToken, sessionStatus, query }))
    }
    app[method === 'GET' ? 'get' : 'post'](path, ...guards[needs], handler)
  }
  if (handleError) app.use(handleError)
  return listening(app)
}

async function give(response: Response, { status, headers = {}, body }: ContractAnswer): Promise<void> {
  response.status(status)
  for (const [name, value] of Object.entries(headers)) response.set(name, value as string | string[])
  if (typeof body === 'object') await pipeline(body, response)
  else if (body === undefined) response.end()
  else response.send(body)
}

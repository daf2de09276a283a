import type { Request, Response } from 'express'
import type { SessionStatus } from 'latchkey'
import { accountOf } from './accounts.ts'
import { countCopies } from './cart.ts'
import type { SessionOf } from './session-data.ts'
import type { Users } from './users.ts'
import type { Html } from './views/html.ts'
import { layout } from './views/layout.ts'
import { type PageWatch, stranger, type Visitor } from './views/visitor.ts'

/** A page, still without the frame around it. */
export interface PageOf {
  readonly title: string
  readonly status?: number
  /** Where to come back to after a change of theme; default: the address of a GET request, else the front door. */
  readonly path?: string
  readonly body: (visitor: Visitor) => Html
}

/** Answers requests with pages. */
export interface Pages {
  /** Answers with a page for whoever is visiting. */
  send(request: Request, response: Response, page: PageOf): Promise<void>
  /** The same where the session may be out of reach: then the page is for nobody in particular. */
  sendAnyway(request: Request, response: Response, page: PageOf): Promise<void>
}

/**
 * Puts pages into the frame that shows who is signed in. A page for nobody, asked for by a browser that has cookies, may
 * be the first that shows that a session is over: `forgetPages` then keeps its pages from coming back.
 */
export function createPages(parts: {
  readonly sessionOf: SessionOf
  readonly users: Users
  readonly forgetPages: (response: Response) => void
  /** The script in every page, for a session with this status. */
  readonly watch: (status: SessionStatus) => PageWatch
}): Pages {
  const { sessionOf, users, forgetPages, watch } = parts
  const visitorOf = async (request: Request): Promise<Visitor> => {
    const session = await sessionOf(request).load()
    const user = await accountOf(session, users)
    const { theme = 'system', cart = [] } = session.data
    const status = request.sessionStatus()
    return {
      username: user?.username ?? null,
      isLocked: status.locked,
      theme,
      copiesInCart: countCopies(cart),
      csrfToken: status.csrfToken,
      watch: watch(status),
    }
  }
  const sendTo = async (visitor: Visitor, request: Request, response: Response, page: PageOf): Promise<void> => {
    if (visitor.username === null && request.headers.cookie !== undefined) forgetPages(response)
    const path = page.path ?? (request.method === 'GET' ? request.originalUrl : '/')
    const text = await layout(visitor, { title: page.title, path, body: page.body(visitor) })
    response
      .status(page.status ?? 200)
      .type('html')
      .send(String(text))
  }
  return {
    send: async (request, response, page) => sendTo(await visitorOf(request), request, response, page),
    sendAnyway: async (request, response, page) =>
      sendTo(await visitorOf(request).catch(() => stranger), request, response, page),
  }
}

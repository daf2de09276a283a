import { Router } from 'express'
import { requireUser } from 'latchkey/adapters/express'
import { accountOf } from '../accounts.ts'
import type { Outbox } from '../outbox.ts'
import type { Pages } from '../pages.ts'
import type { SessionOf } from '../session-data.ts'
import type { Users } from '../users.ts'
import { messagesPage } from '../views/messages-page.ts'

/** What the user was told about their account, by mail or only here. */
export function messagesRoutes(parts: {
  pages: Pages
  sessionOf: SessionOf
  users: Users
  outbox: Pick<Outbox, 'of'>
  clock: () => number
}): Router {
  const { pages, sessionOf, users, outbox, clock } = parts
  return Router().get('/messages', requireUser({ redirectTo: '/login' }), async (request, response) => {
    const user = await accountOf(sessionOf(request), users)
    if (user === null) return response.redirect(303, '/login?returnTo=%2Fmessages')
    const messages = await outbox.of(user.username)
    await pages.send(request, response, { title: 'Messages', body: () => messagesPage(messages, clock()) })
  })
}

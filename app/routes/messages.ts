import { Router } from 'express'
import { requireUser } from 'latchkey/adapters/express'
import type { ForUser } from '../for-user.ts'
import type { Outbox } from '../outbox.ts'
import type { Pages } from '../pages.ts'
import { messagesPage } from '../views/messages-page.ts'

/** What the user was told about their account, by mail or only here. */
export function messagesRoutes(parts: {
  pages: Pages
  forUser: ForUser
  outbox: Pick<Outbox, 'of'>
  clock: () => number
}): Router {
  const { pages, forUser, outbox, clock } = parts
  return Router().get(
    '/messages',
    requireUser({ redirectTo: '/login' }),
    forUser(async (request, response, user) => {
      const messages = await outbox.of(user.username)
      await pages.send(request, response, { title: 'Messages', body: () => messagesPage(messages, clock()) })
    }),
  )
}

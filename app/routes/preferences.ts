import { Router } from 'express'
import { safeReturnTo } from 'latchkey'
import { textField } from '../fields.ts'
import { Problem } from '../problem.ts'
import type { SessionOf } from '../session-data.ts'
import { themes } from '../views/visitor.ts'

/** The colours of the pages, for guests and users. */
export function preferencesRoutes(sessionOf: SessionOf): Router {
  return Router().post('/preferences', async (request, response) => {
    const session = await sessionOf(request).load()
    const wanted = textField(request.body, 'theme')
    const theme = themes.find(name => name === wanted)
    if (!theme) throw new Problem(400, 'Which colours?', `Choose one of ${themes.join(', ')}.`)
    session.data.theme = theme
    response.redirect(303, safeReturnTo(textField(request.body, 'returnTo'), '/'))
  })
}

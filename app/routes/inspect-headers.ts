import { Router } from 'express'
import { maskedHeaders } from '../masked-headers.ts'
import type { Pages } from '../pages.ts'
import { inspectPage } from '../views/inspect-page.ts'

/** Shows a visitor what their browser sends and what Campus answers. */
export function inspectHeadersRoutes(pages: Pages): Router {
  return Router().get('/inspect_headers', (request, response) => {
    response.cookie('inspect_demo', '1', { maxAge: 300_000, httpOnly: true, sameSite: 'lax', secure: true })
    response.type('html')
    return pages.send(request, response, {
      title: 'Your headers',
      body: () => inspectPage(maskedHeaders(request.headers), maskedHeaders(response.getHeaders())),
    })
  })
}

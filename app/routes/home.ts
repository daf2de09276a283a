import { Router } from 'express'
import type { Pages } from '../pages.ts'
import { homePage } from '../views/home-page.ts'

/** The front door. */
export function homeRoutes(pages: Pages): Router {
  return Router().get('/', (request, response) =>
    pages.send(request, response, { title: 'Welcome', body: visitor => homePage(visitor.username) }),
  )
}

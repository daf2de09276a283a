import { Router } from 'express'
import { requireUser } from 'latchkey/adapters/express'
import type { ConfirmedActions } from '../confirmed-actions.ts'
import { takeDone } from '../done.ts'
import { textField } from '../fields.ts'
import type { ForUser } from '../for-user.ts'
import { course, type Edition, type GradeList, type Grades, gradesIn } from '../grades.ts'
import type { Pages } from '../pages.ts'
import { Problem } from '../problem.ts'
import type { SessionOf } from '../session-data.ts'
import type { User } from '../users.ts'
import type { CriticalAction } from '../views/confirm-page.ts'
import { gradeChanges, gradeFormPage, ownGradePage } from '../views/grades-page.ts'

const path = '/grades'

/** Grades: the instructor publishes them, as a confirmed action, and students see their own. */
export function gradesRoutes(parts: {
  pages: Pages
  sessionOf: SessionOf
  forUser: ForUser
  grades: Grades
  confirmedActions: ConfirmedActions
}): Router {
  const { pages, sessionOf, forUser, grades, confirmedActions } = parts
  return Router()
    .use(path, requireUser({ redirectTo: '/login' }))

    .get(
      path,
      forUser(async (request, response, user) => {
        const session = sessionOf(request)
        const latest = await grades.latest()
        const published = takeDone(session, 'grades') !== null
        if (user.role === 'admin') throw notYours()
        await pages.send(request, response, {
          title: 'Grades',
          path,
          body: visitor =>
            user.role === 'instructor'
              ? gradeFormPage(visitor, latest, { published, problem: null })
              : ownGradePage(user.username, latest),
        })
      }),
    )

    .post(
      path,
      forUser(async (request, response, user) => {
        assertInstructor(user)
        const latest = await grades.latest()
        const list = gradesIn(name => textField(request.body, name))
        if (list === null || Object.keys(list).length === 0) {
          const problem = list === null ? 'One of these is no grade.' : 'There is no grade to publish yet.'
          return pages.send(request, response, {
            title: 'Grades',
            status: 400,
            path,
            body: visitor => gradeFormPage(visitor, latest, { published: false, problem }),
          })
        }
        await confirmedActions.ask(request, response, publicationOf(latest, list))
      }),
    )

    .get(`${path}/confirm`, (_request, response) => response.redirect(303, path))

    .post(
      `${path}/confirm`,
      forUser(async (request, response, user) => {
        const session = sessionOf(request)
        // Once more, because a role may be lost between two pages: what counts is the moment of doing it (TA-5).
        assertInstructor(user)
        const latest = await grades.latest()
        const list = gradesIn(name => textField(request.body, name)) ?? {}
        if (!(await confirmedActions.confirmed(request, response, publicationOf(latest, list)))) return
        if (!(await grades.publish(latest?.edition ?? 0, list, user.username))) {
          throw new Problem(
            409,
            'Somebody else was faster',
            'Other grades were published meanwhile. Yours were not: look at them again.',
          )
        }
        session.data.done = { what: 'grades' }
        response.redirect(303, path)
      }),
    )
}

/** Bound to the edition that it replaces, too: the instructor saw what changes, and nothing else may change. */
function publicationOf(latest: Edition | null, list: GradeList): CriticalAction {
  return {
    operation: 'publish grades',
    data: { course: course.id, after: latest?.edition ?? 0, grades: list },
    path,
    title: `Publish the grades of ${course.title}?`,
    what: gradeChanges(latest?.grades ?? {}, list),
    button: 'Confirm and publish',
    fields: Object.fromEntries(Object.entries(list).map(([name, mark]) => [`grade_${name}`, mark])),
  }
}

function assertInstructor(user: User): void {
  if (user.role !== 'instructor') throw notYours()
}

function notYours(): Problem {
  return new Problem(
    403,
    'These are not your grades',
    'Grades are between the instructor of a course and its students.',
  )
}

import { LatchkeyError, safeReturnTo } from '../index.ts'
import { type Administrator, admit } from './admission.ts'
import { acknowledge, close } from './alert-moves.ts'
import type { ConsoleAnswer, ConsoleRequest } from './contract.ts'
import type { Desk } from './desk.ts'
import { endSession, endUser } from './ends.ts'
import { confirmEverybody, endEverybody } from './everybody.ts'
import { positionOf } from './feed-text.ts'
import { alerts, entries, session, sessionsPage, user } from './lists.ts'
import { overview } from './overview.ts'
import { asset, page } from './page.ts'
import { Declined, isMendedBySignIn, json, notFound, problemAnswer } from './problem.ts'
import { series } from './series.ts'
import { withStrictHeaders } from './strict-headers.ts'

/** Answers one request of an administrator with what becomes JSON. What it throws is the answer, too. */
type Handler = (desk: Desk, request: ConsoleRequest, who: Administrator) => Promise<object>

/** Everything that can be asked below `<mount>/api/`, but the feed. */
export const apiRoutes: Readonly<Record<`${'GET' | 'POST'} /api/${string}`, Handler>> = {
  'GET /api/overview': overview,
  'GET /api/series': series,
  'GET /api/sessions': sessionsPage,
  'GET /api/session': session,
  'GET /api/user': user,
  'GET /api/entries': entries,
  'GET /api/alerts': alerts,
  'POST /api/alert/acknowledge': acknowledge,
  'POST /api/alert/close': close,
  'POST /api/session/end': endSession,
  'POST /api/user/end': endUser,
  'POST /api/everybody/confirm': confirmEverybody,
  'POST /api/everybody/end': endEverybody,
}

const feedPath = '/api/feed'
const handlers = new Map<string, Handler>(Object.entries(apiRoutes))
const apiPaths = new Set([...handlers.keys()].map(route => route.slice(route.indexOf(' ') + 1)).concat(feedPath))

/** Answers a request to the console; see `Console.answer`. */
export async function answerRequest(desk: Desk, request: ConsoleRequest): Promise<ConsoleAnswer | null> {
  const { method, path, mount } = request
  const home = safeReturnTo(`${mount}/`, '')
  if (home === '') return null
  const answer = path.startsWith('/api/')
    ? await answerApi(desk, request, home)
    : method === 'GET' || method === 'HEAD'
      ? await answerPage(desk, request, home)
      : null
  return answer && withStrictHeaders(answer)
}

async function answerApi(desk: Desk, request: ConsoleRequest, home: string): Promise<ConsoleAnswer> {
  const { method, path, query } = request
  const handler = handlers.get(`${method === 'HEAD' ? 'GET' : method} ${path}`)
  try {
    if (path === feedPath && method === 'GET') return await openFeed(desk, request)
    // Whoever may not look is not told either which addresses there are.
    const who = await admit(desk, request, isActivity(request))
    if (!handler) throw apiPaths.has(path) ? wrongMethod() : notFound()
    if (method === 'POST' && !isJson(request)) {
      // What browsers send across sites without asking, such as `text/plain`, is read as JSON by nobody (ASVS 3.5.2).
      throw new Declined(415, 'not-json', 'Send it as application/json.')
    }
    return json(await handler(desk, request, who))
  } catch (error) {
    const answer = problemAnswer(cursorFault(error, query), signInPath(desk, home))
    if (answer) return answer
    throw error
  }
}

async function openFeed(desk: Desk, request: ConsoleRequest): Promise<ConsoleAnswer> {
  const who = await admit(desk, request, false)
  const after = request.header('last-event-id') ?? request.query.get('after') ?? ''
  const position = after === '' ? null : positionOf(after)
  if (after !== '' && position === null) throw new Declined(400, 'bad-request', 'after must be the id of an event.')
  const headers = {
    'content-type': 'text/event-stream; charset=utf-8',
    // Nobody on the way may collect it, to compress it for example.
    'cache-control': 'no-store, no-transform',
    'x-accel-buffering': 'no',
  }
  return { status: 200, headers, body: desk.feed.open(who, position) }
}

async function answerPage(desk: Desk, request: ConsoleRequest, home: string): Promise<ConsoleAnswer | null> {
  const { path } = request
  // The page's own addresses are relative, and would be looked for beside the mount.
  if (path === '') return { status: 308, headers: { location: home }, body: null }
  if (path !== '/') return asset(path.slice(1))
  try {
    await admit(desk, request, true)
    return page()
  } catch (error) {
    if (error instanceof Declined && error.status === 404) return null
    if (!isMendedBySignIn(error)) throw error
    return { status: 303, headers: { location: signInPath(desk, home) }, body: null }
  }
}

/**
 * Whether somebody did something. The page asks for much by itself, again and again, and says so by not saying that there was a
 * click; only what is sent is always somebody's doing.
 */
function isActivity(request: ConsoleRequest): boolean {
  return request.method === 'POST' || request.header('x-console-click') === '1'
}

function isJson(request: ConsoleRequest): boolean {
  return /^application\/json\s*(;|$)/i.test(request.header('content-type') ?? '')
}

function wrongMethod(): Declined {
  return new Declined(405, 'wrong-method', 'That cannot be asked for in this way.')
}

/** The page where one proves more, with the way back. */
function signInPath({ signInAt }: Desk, home: string): string {
  return `${signInAt}${signInAt.includes('?') ? '&' : '?'}returnTo=${encodeURIComponent(home)}`
}

/** Cursors are opaque, so only who made them can say that one is none: that is then the client's mistake and not ours. */
function cursorFault(error: unknown, query: URLSearchParams): unknown {
  if (!(error instanceof LatchkeyError && error.code === 'usage' && query.has('cursor'))) return error
  return new Declined(400, 'bad-request', 'cursor must be one that came with the page before.')
}

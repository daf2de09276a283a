/**
 * The application that `npm run soak` loads: sessions on a store, as small as it gets, in a process of its own. It reads
 * Campus's options from the environment, tells its port, and answers its parent's questions with what it measured.
 */
import type { AddressInfo } from 'node:net'
import express, { type ErrorRequestHandler } from 'express'
import { createSessions, LatchkeyError } from 'latchkey'
import { requireUser, sessions as sessionsFor } from 'latchkey/adapters/express'
import { openStore } from '../../app/open-store.ts'
import { readOptions } from '../../app/options.ts'
import { RecentMap } from '../../src/session/recent-map.ts'

/** What an application process knows of itself. */
export interface Measurement {
  /** Bytes of live objects, right after a garbage collection. */
  readonly heap: number
  /** Bytes of the whole process. */
  readonly rss: number
  /** Open sockets, servers and timers. */
  readonly handles: number
  /** Unhandled rejections and warnings so far, the latest ones in words. */
  readonly complaints: { readonly count: number; readonly latest: readonly string[] }
}

/** Rules that `--break` breaks, to see that the soak notices. */
export type Breakage = 'leak' | 'answer' | 'revocation' | 'rejection'

const complaints: string[] = []
process.on('unhandledRejection', reason => complaints.push(`unhandled rejection: ${String(reason)}`))
process.on('warning', warning => complaints.push(`warning: ${warning.name}: ${warning.message}`))

const broken = process.env.SOAK_BREAK as Breakage | undefined
const options = readOptions([], process.env)
if (options === 'help') throw new Error('nobody needs help here')
keepRecentMapsSmall(200)
const { store } = await openStore(options.store, options.nearCache)
const manager = createSessions<{ n: number }>({
  secrets: options.secrets,
  store,
  policy: options.policy,
  insecureHttp: true,
})
const middleware = sessionsFor(manager)
const leaked: unknown[] = []
let requests = 0
let somebodyElse = ''

const app = express()
app.disable('x-powered-by')
app.disable('etag')
app.use(middleware, express.json())
app.use((_request, _response, next) => {
  requests += 1
  if (broken === 'leak') leaked.push(Array.from({ length: 5_000 }, Math.random))
  if (broken === 'rejection' && requests % 100 === 0) void Promise.reject(new Error('nobody looks at me'))
  next()
})

app.post('/sign-in', async (request, response) => {
  const { user } = request.body as { user: string }
  await middleware.of(request).signIn(user, { amr: ['pwd'] })
  response.json({ ...who(request), n: 0 })
})
app.get('/me', requireUser(), (request, response) => {
  const { userId, data } = middleware.of(request)
  const wrong = broken === 'answer' && requests % 100 === 0 ? { user: somebodyElse } : {}
  somebodyElse = userId ?? ''
  response.json({ ...who(request), n: data.n ?? 0, ...wrong })
})
app.post('/count', requireUser(), async (request, response) => {
  const session = middleware.of(request)
  let n = 0
  await session.update(data => {
    n = (data.n ?? 0) + 1
    data.n = n
  })
  response.json({ ...who(request), n })
})
app.post('/rotate', requireUser(), async (request, response) => {
  const session = middleware.of(request)
  await session.rotate()
  response.json({ ...who(request), n: session.data.n ?? 0 })
})
app.post('/sign-out', async (request, response) => {
  if (broken !== 'revocation') await middleware.of(request).end()
  response.json({})
})
app.post('/end-all', requireUser(), async (request, response) => {
  await manager.endUser(middleware.of(request).userId ?? '')
  response.json({})
})
const refuse: ErrorRequestHandler = (error, _request, response, _next) => {
  const { status = 500, headers = {}, code = '' } = error instanceof LatchkeyError ? error : {}
  response
    .status(status)
    .set({ ...headers })
    .json({ refused: code || String(error) })
}
app.use(refuse)

/** Who is asking, and the token for the next change. */
function who(request: express.Request) {
  const { userId, id } = middleware.of(request)
  return { user: userId, sid: id, csrf: request.csrfToken() }
}

/**
 * Known tokens and near copies are kept by the ten thousand, which takes longer to fill than a soak takes, and would look
 * like a leak until then. So every such map is emptied now and then; whatever else grows is a leak.
 */
function keepRecentMapsSmall(most: number): void {
  const { set } = RecentMap.prototype
  const added = new WeakMap<object, number>()
  RecentMap.prototype.set = function (key, value) {
    const count = (added.get(this) ?? 0) + 1
    if (count % most === 0) this.clear()
    added.set(this, count)
    set.call(this, key, value)
  }
}

process.on('message', () => {
  globalThis.gc?.()
  const { heapUsed, rss } = process.memoryUsage()
  process.send?.({
    heap: heapUsed,
    rss,
    handles: process.getActiveResourcesInfo().length,
    complaints: { count: complaints.length, latest: complaints.slice(-3) },
  } satisfies Measurement)
})
// Whoever started it is gone.
process.on('disconnect', () => process.exit())

const server = app.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
// Closing an idle connection races with the next request on it, which would look like a wrong answer.
server.keepAliveTimeout = 120_000

/**
 * Stands in for the console's server in front of the page's own tests: the built page under the real headers, and an API that
 * answers with made-up data, as hostile or as much as a test wants. It keeps no session; who asks is the administrator.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { SessionInfo } from 'latchkey'
import type { Alert, AuditEntry } from 'latchkey/watch'
import type { FeedEvent, Overview, SeriesAnswer } from '../../src/console/api.ts'
import { filesIn } from '../../src/console/page-files.ts'
import { withStrictHeaders } from '../../src/console/strict-headers.ts'
import { listening } from './listening.ts'

/** What the server knows; a test may change it at any time. */
export interface MadeUp {
  overview: Omit<Overview, 'now' | 'alerts' | 'census'> & Partial<Pick<Overview, 'census'>>
  sessions: SessionInfo[]
  entries: AuditEntry[]
  alerts: Alert[]
  /** Answers that come instead of the real one, by path: each once. */
  refusals: Map<string, { status: number; body: object; headers?: Record<string, string> }>
  /** Whether the session is over. */
  over: boolean
}

/** A running one. */
export interface ConsoleServer {
  readonly origin: string
  readonly world: MadeUp
  /** Requests that came, as `POST /api/…` with the body. */
  readonly asked: { readonly line: string; readonly body: unknown; readonly headers: IncomingMessage['headers'] }[]
  /** Sends an event to everybody who listens. */
  send(event: FeedEvent): void
  /** Cuts all feeds. */
  cut(): void
  close(): Promise<void>
}

/** Starts one; `mount` is where the console is. */
export async function openConsoleServer(
  world: MadeUp,
  pageDirectory: URL,
  mount = '/admin/console',
): Promise<ConsoleServer> {
  const files = filesIn(pageDirectory)
  const feeds = new Set<ServerResponse>()
  const asked: ConsoleServer['asked'] = []
  const idOf = ({ at, chain, seq }: AuditEntry) => `${at}:${chain}:${seq}`
  const textOf = (event: FeedEvent) =>
    `${event.event === 'entry' ? `id: ${idOf(event.data)}\n` : ''}event: ${event.event}\ndata: ${JSON.stringify(event.data)}\n\n`

  const server = await listening(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://console')
    const path = pathname.slice(mount.length)
    const give = (status: number, body: string | Uint8Array, type: string, more: Record<string, string> = {}) => {
      const { headers } = withStrictHeaders({ status, headers: { 'content-type': type, ...more }, body: null })
      response.writeHead(status, headers).end(body)
    }
    const json = (body: object, status = 200, headers = {}) =>
      give(status, JSON.stringify(body), 'application/json; charset=utf-8', headers)
    const file = files.get(path === '/' ? 'index.html' : path.slice(1))
    if (!pathname.startsWith(`${mount}/`)) return give(404, 'nothing here', 'text/plain')
    if (file !== undefined) return give(200, file.body, file.type)
    let text = ''
    for await (const piece of request) text += piece
    const body: unknown = text === '' ? null : JSON.parse(text)
    asked.push({ line: `${request.method} ${path}`, body, headers: request.headers })
    const refusal = world.refusals.get(path)
    world.refusals.delete(path)
    if (refusal !== undefined) return json(refusal.body, refusal.status, refusal.headers)
    if (world.over) {
      const message = 'Please sign in.'
      return json({ code: 'not-signed-in', message, signInAt: '/login?returnTo=%2Fadmin%2Fconsole%2F' }, 401)
    }
    if (path === '/api/feed') {
      const { headers } = withStrictHeaders({
        status: 200,
        headers: { 'content-type': 'text/event-stream' },
        body: null,
      })
      response.writeHead(200, headers).write(': here we go\n\n')
      const after = Number(String(request.headers['last-event-id'] ?? '').split(':')[0])
      for (const data of world.entries.filter(({ at }) => at > after).reverse())
        response.write(textOf({ event: 'entry', data }))
      feeds.add(response)
      response.on('close', () => feeds.delete(response))
      return
    }
    const answer = answerOf(world, path, searchParams, body)
    return answer === null ? json({ code: 'not-found', message: 'Nothing here.', signInAt: null }, 404) : json(answer)
  })

  return {
    origin: `${server.origin}${mount}/`,
    world,
    asked,
    send: event => {
      if (event.event === 'entry') world.entries.unshift(event.data)
      for (const feed of feeds) feed.write(textOf(event))
    },
    cut: () => {
      for (const feed of feeds) feed.destroy()
    },
    close: server.close,
  }
}

function answerOf(world: MadeUp, path: string, query: URLSearchParams, body: unknown): object | null {
  const { sessions, alerts } = world
  const asked = (name: string) => query.get(name) ?? ''
  const sent = (body ?? {}) as Readonly<Record<string, string>>
  const pageOf = <Item>(items: readonly Item[]) => {
    const from = Number(asked('cursor') || 0)
    const to = from + Number(asked('limit') || 50)
    return {
      items: items.slice(from, to),
      next: to < items.length ? String(to) : null,
      examined: Math.min(to, items.length) - from,
    }
  }
  const story = (items: readonly AuditEntry[]) => {
    const { items: entries, next } = pageOf(items)
    return { entries, next }
  }
  const move = (state: Alert['state']) => {
    const index = alerts.findIndex(({ id }) => id === sent.id)
    const before = alerts[index]
    if (before === undefined) return null
    const alert: Alert = { ...before, state, moved: { by: world.overview.me.userId, at: Date.now() } }
    alerts[index] = alert
    return { alert }
  }
  const end = (which: (session: SessionInfo) => boolean) => {
    const left = sessions.filter(session => !which(session))
    const ended = sessions.length - left.length
    world.sessions = left
    return { ended }
  }
  switch (path) {
    case '/api/overview': {
      const inState = (state: Alert['state']) => alerts.filter(alert => alert.state === state).length
      const counted = { open: inState('open'), acknowledged: inState('acknowledged') }
      return { census: censusOf(sessions), ...world.overview, now: Date.now(), alerts: counted } satisfies Overview
    }
    case '/api/series':
      return seriesOf(Number(asked('from')), Number(asked('to')), Number(asked('step')))
    case '/api/sessions': {
      // As the real one: it looks at so many, and finds what it finds.
      const { items, next, examined } = pageOf(sessions)
      return { sessions: items.filter(session => matches(session, asked)), next, examined }
    }
    case '/api/session': {
      const own = (one: { sid: string | null }) => one.sid === asked('sid')
      const session = sessions.find(own) ?? null
      return {
        session,
        current: sessions[0] === session,
        story: story(world.entries.filter(own)),
        alerts: alerts.filter(own),
      }
    }
    case '/api/user': {
      const own = (one: { userId: string | null }) => one.userId === asked('id')
      const live = sessions.filter(own)
      return {
        userId: asked('id'),
        sessions: live,
        story: story(world.entries.filter(own)),
        alerts: alerts.filter(own),
      }
    }
    case '/api/entries':
      return story(
        world.entries.filter(
          entry => (!asked('sid') || entry.sid === asked('sid')) && (!asked('user') || entry.userId === asked('user')),
        ),
      )
    case '/api/alerts': {
      const { items, next } = pageOf(
        alerts.filter(
          alert =>
            (!asked('state') || alert.state === asked('state')) &&
            (!asked('detector') || alert.detector === asked('detector')),
        ),
      )
      return { alerts: items, next }
    }
    case '/api/alert/acknowledge':
      return move('acknowledged')
    case '/api/alert/close':
      return move('closed')
    case '/api/session/end':
      return end(({ sid }) => sid === sent.sid)
    case '/api/user/end':
      return end(({ userId }) => userId === sent.userId)
    case '/api/everybody/confirm':
      return { confirmation: 'c'.repeat(22), expiresAt: Date.now() + 300_000, passkey: null }
    case '/api/everybody/end':
      world.over = true
      return end(() => true)
    default:
      return null
  }
}

function matches(session: SessionInfo, asked: (name: string) => string): boolean {
  const text = asked('text').toLowerCase()
  const said = [session.userId, session.address, session.userAgent].join('\n').toLowerCase()
  return (
    (!asked('user') || session.userId === asked('user')) &&
    (!asked('level') || String(session.aal) === asked('level')) &&
    (!asked('carrier') || session.carrier === asked('carrier')) &&
    (!asked('locked') || String(session.locked) === asked('locked')) &&
    said.includes(text)
  )
}

function censusOf(sessions: readonly SessionInfo[]) {
  const shares = (of: (session: SessionInfo) => string) => {
    const counted: Record<string, number> = {}
    for (const session of sessions) counted[of(session)] = (counted[of(session)] ?? 0) + 1
    return counted
  }
  const byLevel = { 0: 0, 1: 0, 2: 0, 3: 0, ...shares(({ aal }) => String(aal)) }
  const byCarrier = { cookie: 0, bearer: 0, ...shares(({ carrier }) => carrier) }
  return { total: sessions.length, exact: true, byLevel, byCarrier }
}

/** Days with mornings and evenings, the same every time. */
function seriesOf(from: number, to: number, step: number): SeriesAnswer {
  const instants = Array.from({ length: Math.ceil((to - from) / step) }, (_, index) => from + index * step)
  const day = (minute: number) => 0.5 - 0.45 * Math.cos(((minute % 1_440) / 1_440) * 2 * Math.PI)
  const wobble = (minute: number, seed: number) => ((minute * 7_919 * seed) % 97) / 97
  const counted = (scale: number, seed: number) =>
    instants.map(minute => Math.floor(scale * step * day(minute) * (0.6 + 0.8 * wobble(minute, seed))))
  return {
    from,
    step,
    series: {
      'sessions.active': instants.map(minute => Math.round(900 * day(minute) + 60 * wobble(minute, 1))),
      'sign-ins': counted(3, 2),
      'sign-ins.failed': counted(0.5, 3),
      'sessions.ended': counted(2.5, 4),
      'requests.refused': counted(0.4, 5),
      'tokens.refused': counted(0.2, 6),
      alerts: instants.map((minute, index) => (index % 37 === 0 ? Math.ceil(3 * wobble(minute, 7)) : 0)),
    },
  }
}

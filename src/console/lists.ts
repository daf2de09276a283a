import type { AssuranceLevel, SessionSearchPage } from '../index.ts'
import {
  type Alert,
  type AuditType,
  auditCatalogue,
  detectorNames,
  severities,
  type TrailPage,
} from '../watch/index.ts'
import type { Administrator } from './admission.ts'
import type { AlertsAnswer, SessionAnswer, UserAnswer } from './api.ts'
import type { ConsoleRequest } from './contract.ts'
import type { Desk } from './desk.ts'
import { needed, oneOf, plain, sid, someOf, text, whole } from './input.ts'

const auditTypes = Object.keys(auditCatalogue) as AuditType[]
const states = ['open', 'acknowledged', 'closed'] as const

const longestCursor = 500
const longestUserId = 1_000
/** How much of a story, and how many alerts, come with a session or a user; the rest is asked for page by page. */
const storyLimit = 100
const alertLimit = 100
/** The largest instant of JavaScript. */
const latest = 8.64e15

/** `GET api/sessions`: one page of the live sessions that match. */
export async function sessionsPage({ sessions }: Desk, { query }: ConsoleRequest): Promise<SessionSearchPage> {
  const userId = text(query, 'user', longestUserId)
  const level = oneOf(query, 'level', ['0', '1', '2', '3'])
  const locked = oneOf(query, 'locked', ['true', 'false'])
  const asked = {
    cursor: plain(query, 'cursor', longestCursor),
    limit: whole(query, 'limit', 1, 200) ?? 50,
    userId,
    text: text(query, 'text', 256),
    aal: level === undefined ? undefined : (Number(level) as AssuranceLevel),
    carrier: oneOf(query, 'carrier', ['cookie', 'bearer']),
    locked: locked === undefined ? undefined : locked === 'true',
  }
  // A store that cannot list everybody's still knows a user's own; one that keeps none at all knows nothing.
  const possible = sessions.revocable && (sessions.listable || userId !== undefined)
  return possible ? sessions.search(given(asked)) : { sessions: [], next: null, examined: 0 }
}

/** `GET api/session`: a session with its story, also when it is over. */
export async function session(desk: Desk, { query }: ConsoleRequest, who: Administrator): Promise<SessionAnswer> {
  const id = needed(sid(query, 'sid'), 'sid')
  const { sessions, watch } = desk
  const [found, story, { alerts }] = await Promise.all([
    sessions.revocable ? sessions.find(id) : null,
    watch.entries({ sid: id, limit: storyLimit }),
    watch.alerts({ sid: id, limit: alertLimit }),
  ])
  return { session: found, current: id === who.sid, story, alerts }
}

/** `GET api/user`: a user with their sessions and their story. */
export async function user({ sessions, watch }: Desk, { query }: ConsoleRequest): Promise<UserAnswer> {
  const userId = needed(text(query, 'id', longestUserId), 'id')
  const [list, story, { alerts }] = await Promise.all([
    sessions.revocable ? sessions.list(userId) : [],
    watch.entries({ userId, limit: storyLimit }),
    watch.alerts({ userId, limit: alertLimit }),
  ])
  return { userId, sessions: list, story, alerts }
}

/** `GET api/entries`: the trail, newest first. */
export function entries({ watch }: Desk, { query }: ConsoleRequest): Promise<TrailPage> {
  return watch.entries({
    limit: whole(query, 'limit', 1, 500) ?? 100,
    cursor: plain(query, 'cursor', longestCursor),
    since: whole(query, 'since', 0, latest),
    until: whole(query, 'until', 0, latest),
    sid: sid(query, 'sid'),
    userId: text(query, 'user', longestUserId),
    address: plain(query, 'address', 100),
    types: someOf(query, 'type', auditTypes),
    severity: oneOf(query, 'severity', severities),
  })
}

/** `GET api/alerts`: alerts, newest first. */
export function alerts({ watch }: Desk, { query }: ConsoleRequest): Promise<AlertsAnswer> {
  return watch.alerts({
    limit: whole(query, 'limit', 1, 200) ?? 50,
    cursor: plain(query, 'cursor', longestCursor),
    state: oneOf<Alert['state']>(query, 'state', states),
    detector: oneOf(query, 'detector', detectorNames),
  })
}

/** Only what was given: `undefined` is no value of a query. */
function given<Query extends object>(query: Query): { [Name in keyof Query]?: Exclude<Query[Name], undefined> } {
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined)) as never
}

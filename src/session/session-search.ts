import { setImmediate } from 'node:timers/promises'
import { UsageError } from '../errors.ts'
import type { AskedDirectory, Entry } from './asked-directory.ts'
import type { AssuranceLevel } from './assurance.ts'
import type { SessionInfo } from './session-info.ts'

/** Which sessions are searched for; they match everything that is given. Nothing given: all of them. */
export interface SessionQuery {
  /** Where to go on: `next` of the page before, with the same other fields. `null` or left out: from the beginning. */
  readonly cursor?: string | null
  /** The most sessions of a page, 1 to 500. Default 50. */
  readonly limit?: number
  /** Sessions of this user, compared exactly. Needs no directory, and is quick however many others there are. */
  readonly userId?: string
  /**
   * A text that occurs in the user id, the address, the user agent or the sid, upper or lower case; plain text, no pattern, at
   * most 256 characters. Every session has to be looked at for it, page after page.
   */
  readonly text?: string
  /** Exactly this level of assurance at this moment. */
  readonly aal?: AssuranceLevel
  /** What brings them to the server. */
  readonly carrier?: 'cookie' | 'bearer'
  /** Whether their user has to prove again who they are. */
  readonly locked?: boolean
}

/** One page of what was found. */
export interface SessionSearchPage {
  /** Newest first where the store can, otherwise in an order that stays. May be empty although more is to come. */
  readonly sessions: readonly SessionInfo[]
  /** Where to go on; `null` when everything was looked at. Opaque: give it back as it is. */
  readonly next: string | null
  /** How many records were looked at for this page, for a console that shows its progress. */
  readonly examined: number
}

/** What a search runs on. */
export interface Searched {
  readonly directory: Pick<AskedDirectory, 'page'>
  list(userId: string): Promise<Entry[]>
  describe(entry: Entry): SessionInfo
}

/** A search for what is rare goes through a million records: it is handed over in pieces that are quickly there. */
const mostExamined = 5_000
const mostMs = 200
/** The most that a store is asked for at once. */
const largestPage = 500

/** One page of the sessions that match. Throws a `UsageError` for a query that is none. */
export async function search(query: SessionQuery, searched: Searched): Promise<SessionSearchPage> {
  const { limit, cursor } = checked(query)
  const matches = matcher(query)
  const found = (entries: readonly Entry[]) => entries.map(entry => searched.describe(entry)).filter(matches)
  if (query.userId !== undefined) return ofUser(await searched.list(query.userId), cursor, limit, found)

  const isFiltered = [query.text, query.aal, query.carrier, query.locked].some(value => value !== undefined)
  const giveUpAt = performance.now() + mostMs
  const sessions: SessionInfo[] = []
  let next = cursor === null ? null : positionIn(cursor, 'a')
  let examined = 0
  let size = limit
  for (;;) {
    const room = limit - sessions.length
    let page = await searched.directory.page(next, Math.min(size, mostExamined - examined))
    let matching = found(page.entries)
    // More than there is room for, and no cursor points into a page: once more, so many that they fit in any case.
    if (matching.length > room) {
      page = await searched.directory.page(next, room)
      matching = found(page.entries)
    }
    sessions.push(...matching)
    examined += page.examined
    next = page.next
    if (next === null || sessions.length >= limit || examined >= mostExamined || performance.now() >= giveUpAt) break
    // What is rare is looked for in larger steps.
    size = isFiltered && matching.length === 0 ? Math.min(2 * size, largestPage) : limit - sessions.length
    // A store that answers at once would keep everybody waiting meanwhile.
    await setImmediate()
  }
  return { sessions, next: next === null ? null : `a.${next}`, examined }
}

/** A page of a user's list, which is there as a whole: from the newest on, and among those of an instant by sid. */
function ofUser(
  entries: readonly Entry[],
  cursor: string | null,
  limit: number,
  found: (entries: readonly Entry[]) => SessionInfo[],
): SessionSearchPage {
  const inOrder = entries.toSorted(
    ({ record: a }, { record: b }) => b.createdAt - a.createdAt || (a.sid < b.sid ? -1 : 1),
  )
  const [, at, sid] = cursor === null ? [] : (/^(-?\d{1,16})\.(.+)$/s.exec(positionIn(cursor, 'u')) ?? noCursor())
  const rest = inOrder.filter(
    ({ record }) =>
      at === undefined ||
      sid === undefined ||
      record.createdAt < Number(at) ||
      (record.createdAt === Number(at) && record.sid > sid),
  )
  const matching = found(rest)
  const sessions = matching.slice(0, limit)
  const last = sessions.at(-1)
  const next = last && matching.length > sessions.length ? `u.${last.createdAt}.${last.sid}` : null
  return { sessions, next, examined: rest.length }
}

function matcher({ text = '', aal, carrier, locked }: SessionQuery): (session: SessionInfo) => boolean {
  const wanted = text.toLowerCase()
  const contains = (value: string | null) => value?.toLowerCase().includes(wanted) === true
  return session =>
    (aal === undefined || session.aal === aal) &&
    (carrier === undefined || session.carrier === carrier) &&
    (locked === undefined || session.locked === locked) &&
    (wanted === '' || [session.userId, session.address, session.userAgent, session.sid].some(contains))
}

/** Queries come from forms: what is wrong with one is said, and nothing is guessed. */
function checked({ cursor = null, limit = 50, userId, text, aal, carrier, locked }: SessionQuery) {
  if (!(Number.isSafeInteger(limit) && limit >= 1 && limit <= largestPage)) {
    throw new UsageError(`sessions.search: limit must be a whole number from 1 to ${largestPage}.`)
  }
  if (cursor !== null && (typeof cursor !== 'string' || cursor.length > 1_000)) noCursor()
  if (userId !== undefined && typeof userId !== 'string')
    throw new UsageError('sessions.search: userId must be a text.')
  if (text !== undefined && (typeof text !== 'string' || text.length > 256)) {
    throw new UsageError('sessions.search: text must be a text of at most 256 characters.')
  }
  if (aal !== undefined && ![0, 1, 2, 3].includes(aal))
    throw new UsageError('sessions.search: aal must be 0, 1, 2 or 3.')
  if (carrier !== undefined && carrier !== 'cookie' && carrier !== 'bearer') {
    throw new UsageError("sessions.search: carrier must be 'cookie' or 'bearer'.")
  }
  if (locked !== undefined && typeof locked !== 'boolean') {
    throw new UsageError('sessions.search: locked must be true or false.')
  }
  return { limit, cursor }
}

/** What stands in a cursor of this kind of search: one of all sessions, or one of a user's. */
function positionIn(cursor: string, kind: 'a' | 'u'): string {
  if (!cursor.startsWith(`${kind}.`)) noCursor()
  return cursor.slice(2)
}

function noCursor(): never {
  throw new UsageError('sessions.search: the cursor is none that this search gave out. Begin anew, without a cursor.')
}

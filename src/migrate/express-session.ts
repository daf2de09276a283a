/**
 * Takes sessions over from express-session: whoever comes with its cookie is signed in here with the first request and
 * notices nothing. Mount it behind Latchkey's middleware, keep the old store running for as long as its sessions last, and
 * remove express-session itself: nothing is written in the old form again.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { UsageError } from '../errors.ts'
import { duplicated, findCookie } from '../http/cookie-header.ts'
import type { Session } from '../session/session.ts'

/** The part of an express-session store that is needed: `connect-redis`, `connect-pg-simple` and all others have it. */
export interface ExpressSessionStore {
  /** Calls back with the session's data, or with nothing when there is none. */
  get(sid: string, callback: (error: unknown, session?: unknown) => void): void
  /** Removes the session, then calls back. */
  destroy(sid: string, callback?: (error?: unknown) => void): void
}

/** What goes on of an old session. */
export interface CarriedOver {
  /** The signed-in user, or `null` for a guest. */
  readonly userId: string | null
  /** How the user had proved who they are, as RFC 8176 values. Default `['pwd']`. */
  readonly amr?: readonly string[]
  /** Whether the new cookie survives the end of the browser ("remember me"). Default `false`. */
  readonly persistent?: boolean
  /** Data for the new session; it is put on top of what is there. */
  readonly data?: Readonly<Record<string, unknown>>
}

/** Options of {@link carryOver}. */
export interface CarryOverOptions {
  /** The secrets that express-session was given as `secret`, all that may have signed a cookie. */
  readonly secrets: readonly string[]
  /** The store that express-session was given. */
  readonly store: ExpressSessionStore
  /** The cookie's name. Default `connect.sid`. */
  readonly name?: string
  /**
   * What goes on of an old session's data, or `null` for nothing. Check the user here as at a sign-in: whoever is disabled
   * or gone gets `null`.
   */
  readonly take: (old: Readonly<Record<string, unknown>>) => CarriedOver | null | Promise<CarriedOver | null>
}

type Request = IncomingMessage & { readonly session: Session<object> }
type Next = (error?: unknown) => void

/**
 * Makes the middleware. An old session is removed from its store before the new one is created, so that a copy of the old
 * cookie buys nothing afterwards; its cookie is removed from the browser. Throws a `UsageError` without a secret.
 */
export function carryOver(
  options: CarryOverOptions,
): (request: IncomingMessage, response: ServerResponse, next: Next) => Promise<void> {
  const { secrets, store, name = 'connect.sid', take } = options
  if (secrets.length === 0 || secrets.some(secret => typeof secret !== 'string' || secret === ''))
    throw new UsageError('carryOver: secrets is missing: pass what express-session was given as `secret`.')

  const carry = async (cookie: string, session: Session<object>): Promise<void> => {
    await session.load()
    const sid = unsigned(cookie, secrets)
    if (sid === null) return
    const old = await read(store, sid)
    if (old === null) return
    await destroy(store, sid)
    // Somebody who is signed in here already keeps what they have.
    if (session.userId !== null || isExpired(old)) return
    const carried = await take(old)
    if (carried === null) return
    if (carried.userId !== null) {
      const { userId, amr = ['pwd'], persistent = false } = carried
      await session.signIn(userId, { amr, persistent })
    }
    Object.assign(session.data, carried.data)
  }
  return async (request, response, next) => {
    if (!('session' in request))
      throw new UsageError('carryOver found no session: mount it behind app.use(sessions(manager)).')
    const cookie = findCookie(request.headers.cookie, name)
    if (cookie !== null && cookie !== duplicated) {
      await carry(cookie, (request as Request).session)
      // Not before: if something failed, the next request tries again.
      response.appendHeader(
        'set-cookie',
        `${name}=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax`,
      )
    }
    next()
  }
}

/** The id in a cookie as `cookie-signature` writes it, `s:<id>.<HMAC-SHA-256 in base64 without padding>`; `null` unless it is good. */
function unsigned(cookie: string, secrets: readonly string[]): string | null {
  const text = decoded(cookie)
  const dot = text.lastIndexOf('.')
  if (!text.startsWith('s:') || dot < 3) return null
  const [sid, signature] = [text.slice(2, dot), Buffer.from(text.slice(dot + 1))]
  const good = secrets.some(secret => {
    const expected = Buffer.from(createHmac('sha256', secret).update(sid).digest('base64').replace(/=+$/, ''))
    return expected.length === signature.length && timingSafeEqual(expected, signature)
  })
  return good ? sid : null
}

function decoded(cookie: string): string {
  try {
    return decodeURIComponent(cookie)
  } catch {
    return ''
  }
}

function read(store: ExpressSessionStore, sid: string): Promise<Record<string, unknown> | null> {
  return new Promise((resolve, reject) => {
    store.get(sid, (error, session) => {
      // Some stores say "no such file" where others say nothing.
      const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
      if (error && !missing) reject(error)
      else resolve(typeof session === 'object' && session !== null ? (session as Record<string, unknown>) : null)
    })
  })
}

function destroy(store: ExpressSessionStore, sid: string): Promise<void> {
  return new Promise((resolve, reject) => {
    store.destroy(sid, error => (error ? reject(error) : resolve()))
  })
}

/** Not every store looks at the expiry that express-session keeps with the data. */
function isExpired(old: Readonly<Record<string, unknown>>): boolean {
  const cookie = old.cookie as { expires?: unknown } | undefined
  const expires = cookie?.expires
  if (typeof expires !== 'string' && !(expires instanceof Date)) return false
  return new Date(expires).getTime() <= Date.now()
}

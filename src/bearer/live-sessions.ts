import { authenticatedAt, levelReachedAt, levelSince } from '../session/assurance.ts'
import { type Awaitable, after } from '../session/awaitable.ts'
import type { SessionBody } from '../session/body.ts'
import type { Engine } from '../session/engine.ts'
import type { RequestOrigin } from '../session/events.ts'
import type { AccessToken } from './access-token.ts'
import type { RevocationList } from './revocation-list.ts'

/**
 * Whether the session behind an access token still lives. `'asked'`: the store is asked every time. A list: only where the
 * list says so. `'unknown'`: nobody is asked, the token lives out its time.
 */
export class LiveSessions {
  readonly #engine: Engine
  readonly #by: 'asked' | 'unknown' | RevocationList

  constructor(engine: Engine, by: 'asked' | 'unknown' | RevocationList) {
    this.#engine = engine
    this.#by = by
  }

  /**
   * At once where the store answers at once; rejects with a `StoreError` when it cannot say. With `origin`, where the request
   * came from, it is a use of the session: recorded, and observed. Without it is a look at it, which leaves no trace.
   */
  isAlive(access: AccessToken, origin: (() => RequestOrigin) | null): Awaitable<boolean> {
    const list = this.#by
    if (list === 'unknown') return true
    if (list === 'asked') return this.#ask(access, origin)
    if (!list.mustAsk(access.sid, access.issuedAt)) return true
    const change = list.changeOf(access.sid)
    return after(this.#ask(access, origin), isAlive => {
      if (isAlive) list.alive(access.sid, change)
      return isAlive
    })
  }

  #ask(access: AccessToken, origin: (() => RequestOrigin) | null): Awaitable<boolean> {
    return after(this.#engine.administration.find(access.sid, 'remembered'), found => {
      if (!found || found.record.userId !== access.userId || !mayCome(access, found.body)) return false
      if (origin) {
        const engine = this.#engine
        if (engine.events.observed) engine.tellUse(found, { arrivedAt: engine.now(), origin })
        engine.touch(found)
        if (cameWithCurrent(access, found.body)) engine.noteArrival(found)
      }
      return true
    })
  }
}

/**
 * Whether the access token was handed out together with the current refresh token, so that one arrived, too. A token knows its
 * time to the second only; in the first second of a session that says nothing.
 */
function cameWithCurrent({ issuedAt }: AccessToken, { proofs, secret }: SessionBody): boolean {
  return issuedAt + 1_000 > secret.issuedAt && secret.issuedAt >= (authenticatedAt(proofs) ?? 0) + 1_000
}

/**
 * Whether a session can have such an access token. It says no more than the session's record, so that whoever finds the
 * signing key cannot raise the level of a session, make it fresher, or free it of the key that it is bound to.
 */
function mayCome(access: AccessToken, { bearer, proofs }: SessionBody): boolean {
  const { aal, clientId, keyThumbprint, levelReachedAt: reached = {} } = access
  if (bearer?.clientId !== clientId || (bearer.keyThumbprint !== null && bearer.keyThumbprint !== keyThumbprint))
    return false
  for (const level of [2, 3] as const) {
    if ((reached[level] ?? 0) > (levelReachedAt(proofs, level) ?? 0)) return false
  }
  const last = authenticatedAt(proofs)
  return aal <= levelSince(proofs, 0) && last !== null && access.authenticatedAt <= last
}

import { type Awaitable, after } from '../session/awaitable.ts'
import type { Engine } from '../session/engine.ts'
import type { AccessToken } from './access-token.ts'
import type { RevocationList } from './revocation-list.ts'

/**
 * Whether the session behind an access token still lives. `'asked'`: the store is asked every time, and the request counts
 * as use of the session. A list: only where the list says so. `'unknown'`: nobody is asked, the token lives out its time.
 */
export class LiveSessions {
  readonly #engine: Engine
  readonly #by: 'asked' | 'unknown' | RevocationList

  constructor(engine: Engine, by: 'asked' | 'unknown' | RevocationList) {
    this.#engine = engine
    this.#by = by
  }

  /** At once where the store answers at once; rejects with a `StoreError` when it cannot say. */
  isAlive(access: AccessToken): Awaitable<boolean> {
    const list = this.#by
    if (list === 'unknown') return true
    if (list === 'asked') return this.#ask(access)
    if (!list.mustAsk(access.sid, access.issuedAt)) return true
    const change = list.changeOf(access.sid)
    return after(this.#ask(access), isAlive => {
      if (isAlive) list.alive(access.sid, change)
      return isAlive
    })
  }

  #ask({ sid, userId }: AccessToken): Awaitable<boolean> {
    return after(this.#engine.administration.find(sid), found => {
      if (!found || found.record.userId !== userId || found.body.bearer === null) return false
      this.#engine.touch(found)
      return true
    })
  }
}

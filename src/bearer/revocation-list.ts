import { ChangeFeed } from '../session/change-feed.ts'
import type { SharedStore } from '../session/store.ts'

/** A change that was told of; two of the same instant are two. */
type Change = { readonly at: number }

/** Sessions that may stand in the list; beyond that everybody is asked about. */
const most = 100_000

/**
 * Tells for which sessions an access token must not be believed without asking the store: those that somebody changed
 * lately, on whatever node, heard through the store's own channel. For all others a token needs no look-up.
 *
 * The list says "ask", never "ended". So a message too many costs a look-up, and while messages may be missing, or the
 * list would grow too long, every token is asked about.
 */
export class RevocationList {
  readonly #feed: ChangeFeed
  readonly #lifetimeMs: number
  readonly #toleranceMs: number
  readonly #clock: () => number
  /** By sid, the last change; in the order of their times. */
  readonly #changed = new Map<string, Change>()
  /** Of tokens issued until then, nobody knows what happened to their session since; epoch ms. */
  #doubtedUntil = Number.POSITIVE_INFINITY

  /**
   * `ttlMs`: how long tokens live. `toleranceMs`: how far the clock of the node that made one may be ahead of ours, by which
   * it seems younger and lives longer. `clock`: the engine's.
   */
  constructor(store: SharedStore, ttlMs: number, toleranceMs: number, clock: () => number) {
    this.#feed = new ChangeFeed(store, sid => this.#told(sid))
    this.#lifetimeMs = ttlMs + 2 * toleranceMs
    this.#toleranceMs = toleranceMs
    this.#clock = clock
  }

  /** Whether the store must be asked before a token of this session, issued at this time (epoch ms), is believed. */
  mustAsk(sid: string, issuedAt: number): boolean {
    return !this.#feed.isComplete() || issuedAt <= this.#doubtedUntil || this.#changed.has(sid)
  }

  /** The session's last change, for {@link alive}; to be taken before the store is asked. */
  changeOf(sid: string): Change | undefined {
    return this.#changed.get(sid)
  }

  /** The store was asked and the session lives: no need to ask again, unless somebody changed it meanwhile. */
  alive(sid: string, change: Change | undefined): void {
    if (this.#changed.get(sid) === change) this.#changed.delete(sid)
  }

  /** Lets go of the channel. */
  stop(): void {
    this.#feed.stop()
  }

  #told(sid: string | null): void {
    const now = this.#clock()
    if (sid === null || this.#changed.size >= most) {
      this.#doubtedUntil = now + this.#toleranceMs
      this.#changed.clear()
    }
    if (sid === null) return
    this.#forget(now - this.#lifetimeMs)
    this.#changed.delete(sid) // so that the newest stand last
    this.#changed.set(sid, { at: now })
  }

  /** Drops sessions whose every token from before the change is dead by now. */
  #forget(dead: number): void {
    for (const [sid, { at }] of this.#changed) {
      if (at > dead) return
      this.#changed.delete(sid)
    }
  }
}

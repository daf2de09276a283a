import type { Following, SharedStore } from './store.ts'

/**
 * How long ago the store's last confirmation may have been asked for. From the moment a change was acknowledged, nobody
 * who asks {@link ChangeFeed} believes what was true before it for longer than this.
 */
const sureForMs = 90
/** How often a confirmation is asked for while the feed is in use: three may be late before it is not complete. */
const confirmEveryMs = 25
/** Nobody asks us: nobody asks the store. */
const restsAfterMs = 2_000
/** Pauses between attempts to follow the store again double from the first to the longest. */
const firstPauseMs = 50
const longestPauseMs = 5_000

/**
 * Hears of every change to a shared store, by anybody, and knows whether it can have missed one.
 *
 * A connection can fall silent without breaking. So the store is asked some forty times a second to confirm that
 * everything was told, and without a confirmation not older than 90 ms the feed is not complete.
 */
export class ChangeFeed {
  readonly #store: SharedStore
  readonly #changed: (sid: string | null) => void
  #following: Following | null = null
  /** When the last confirmation that came was asked for; on the monotonic clock. */
  #confirmedAt = Number.NEGATIVE_INFINITY
  #usedAt = Number.NEGATIVE_INFINITY
  #timer: NodeJS.Timeout | null = null
  #pauseMs = firstPauseMs
  #stopped = false

  /**
   * `changed` is told the sid of each record that changed, or `null`: any may have, as when following begins or is lost.
   * It begins when somebody asks.
   */
  constructor(store: SharedStore, changed: (sid: string | null) => void) {
    this.#store = store
    this.#changed = changed
  }

  /** Whether all changes of more than 90 ms ago were told. Being asked keeps the feed going. */
  isComplete(): boolean {
    const now = performance.now()
    this.#usedAt = now
    this.#timer ??= this.#schedule(0)
    return now - this.#confirmedAt < sureForMs
  }

  /** Whether changes are being told at all. */
  get isFollowing(): boolean {
    return this.#following !== null
  }

  /** Lets go of the store. */
  stop(): void {
    this.#stopped = true
    if (this.#timer) clearTimeout(this.#timer)
    this.#lose()
  }

  /** Never keeps the process alive. */
  #schedule(afterMs: number): NodeJS.Timeout {
    return setTimeout(() => this.#keepUp(), afterMs).unref()
  }

  /** Follows, confirms, and does so again while somebody asks. */
  async #keepUp(): Promise<void> {
    try {
      this.#following ??= await this.#follow()
      const askedAt = performance.now()
      await this.#following.confirm()
      this.#confirmedAt = askedAt
      this.#pauseMs = firstPauseMs
    } catch {
      // Whoever asks the store itself meanwhile is told what is wrong, if anything still is.
      this.#lose()
      this.#pauseMs = Math.min(this.#pauseMs * 2, longestPauseMs)
    }
    const rests = performance.now() - this.#usedAt > restsAfterMs
    this.#timer = this.#stopped || rests ? null : this.#schedule(this.#following ? confirmEveryMs : this.#pauseMs)
  }

  async #follow(): Promise<Following> {
    let over = false
    const following = await this.#store.follow(this.#changed, () => {
      over = true
      if (this.#following === following) this.#lose()
    })
    if (over || this.#stopped) {
      following.stop().catch(ignore)
      throw new Error('the store stopped telling of its changes')
    }
    this.#changed(null)
    return following
  }

  #lose(): void {
    const following = this.#following
    this.#following = null
    this.#confirmedAt = Number.NEGATIVE_INFINITY
    this.#changed(null)
    following?.stop().catch(ignore)
  }
}

function ignore(): void {}

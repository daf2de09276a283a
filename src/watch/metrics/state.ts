import type { Sessions } from '../../http/sessions.ts'
import type { SessionCensus } from '../../session/census.ts'
import { Deadline } from '../../session/deadline.ts'
import type { Watch, WatchStats } from '../watch.ts'

/** How things are now. `null`: unknown, because the store did not say. */
export interface State {
  readonly census: SessionCensus | null
  readonly alerts: { readonly open: number; readonly acknowledged: number } | null
  readonly watch: WatchStats | null
}

/** Several scrapers, or one every second, must not make the stores count all the time. */
const measureEveryMs = 15_000
/** A store that hangs must not take all other metrics with it: Prometheus waits for ten seconds. */
const longestMs = 3_000

/** Finds out how things are, asking the stores now and then only. */
export class StateReader {
  readonly #sessions: Pick<Sessions, 'listable' | 'census'>
  readonly #watch: Pick<Watch, 'countAlerts' | 'stats'> | null
  readonly #now: () => number
  readonly #deadline: Deadline
  #measured: { readonly at: number; readonly stored: Promise<Pick<State, 'census' | 'alerts'>> } | null = null

  constructor(
    sessions: Pick<Sessions, 'listable' | 'census'>,
    watch: Pick<Watch, 'countAlerts' | 'stats'> | null,
    now: () => number = () => performance.now(),
    waitMs: number = longestMs,
  ) {
    this.#sessions = sessions
    this.#watch = watch
    this.#now = now
    this.#deadline = new Deadline(waitMs)
  }

  /** Never rejects. */
  async read(): Promise<State> {
    const at = this.#now()
    if (!this.#measured || at - this.#measured.at >= measureEveryMs) this.#measured = { at, stored: this.#measure() }
    return { ...(await this.#measured.stored), watch: this.#watch?.stats() ?? null }
  }

  async #measure(): Promise<Pick<State, 'census' | 'alerts'>> {
    const watch = this.#watch
    const [census, alerts] = await Promise.all([
      this.#sessions.listable ? this.#known(() => this.#sessions.census()) : null,
      watch && this.#known(() => watch.countAlerts()),
    ])
    return { census, alerts }
  }

  async #known<T>(ask: () => Promise<T>): Promise<T | null> {
    try {
      return await this.#deadline.race(ask())
    } catch {
      // An old number, or zero, would look as if all were well.
      return null
    }
  }
}

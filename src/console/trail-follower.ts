import type { Alert, AuditEntry, Watch } from '../watch/index.ts'

/** What the trail has that is new. */
export interface News {
  /** Oldest first. */
  readonly entries: readonly AuditEntry[]
  /** More happened than fits: these are the newest. */
  readonly gap: boolean
  /** New or changed. */
  readonly alerts: readonly Alert[]
}

/**
 * How far back is looked for what is new, ms. Processes write their entries in portions, their clocks differ, and what is
 * written late must not be missed.
 */
const lookBackMs = 30_000
/**
 * What claims to happen later than this has its turn then, ms. Of many entries the newest are told: a process whose clock is
 * ahead, or somebody who writes a few hundred such entries into the trail, would hide everything that happens now.
 */
const lookAheadMs = 30_000
const mostEntries = 300
const mostAlerts = 100

/** Asks the trail for what is new, once for all listeners, and only while there are any. */
export class TrailFollower {
  readonly #watch: Pick<Watch, 'entries' | 'alerts'>
  readonly #clock: () => number
  readonly #everyMs: number
  readonly #tell: (news: News) => void
  /** Entries that were told, or were there before; with the time of each. */
  #seen = new Map<string, number>()
  /** The newest alerts, and how each was. */
  #alerts = new Map<string, string>()
  #timer: NodeJS.Timeout | null = null
  #begun: Promise<void> | null = null

  constructor(parts: {
    readonly watch: Pick<Watch, 'entries' | 'alerts'>
    readonly clock: () => number
    readonly everyMs: number
    readonly tell: (news: News) => void
  }) {
    this.#watch = parts.watch
    this.#clock = parts.clock
    this.#everyMs = parts.everyMs
    this.#tell = parts.tell
  }

  /** Begins to follow, if nobody did. When it resolves, everything that is written from now on will be told. */
  async begin(): Promise<void> {
    this.#begun ??= this.#first()
    try {
      await this.#begun
    } catch (error) {
      this.#begun = null
      throw error
    }
  }

  /** Stops, and forgets where it was. */
  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#begun = null
    this.#seen = new Map()
    this.#alerts = new Map()
  }

  /** What somebody may have missed who begins to listen after this instant, epoch ms; what came late included. */
  async since(at: number): Promise<News> {
    const now = this.#clock()
    const since = Math.min(at, now) - lookBackMs
    const [{ entries, next }, { alerts }] = await Promise.all([
      this.#watch.entries({ since: Math.max(0, since), until: now + lookAheadMs, limit: mostEntries }),
      this.#watch.alerts({ limit: mostAlerts }),
    ])
    return {
      entries: entries.toReversed(),
      gap: next !== null,
      alerts: alerts.filter(({ lastAt, moved }) => Math.max(lastAt, moved?.at ?? 0) >= since),
    }
  }

  /** What is there already is not new. */
  async #first(): Promise<void> {
    await this.#ask()
    this.#schedule()
  }

  #schedule(): void {
    const timer = setTimeout(async () => {
      try {
        const news = await this.#ask()
        const isNews = news.entries.length > 0 || news.alerts.length > 0
        if (this.#timer === timer && isNews) this.#tell(news)
      } catch {
        // The store is away. What happens meanwhile is told when it is back.
      }
      if (this.#timer === timer) this.#schedule()
    }, this.#everyMs).unref()
    this.#timer = timer
  }

  async #ask(): Promise<News> {
    const now = this.#clock()
    const since = Math.max(0, now - lookBackMs)
    const [{ entries, next }, { alerts }] = await Promise.all([
      this.#watch.entries({ since, until: now + lookAheadMs, limit: mostEntries }),
      this.#watch.alerts({ limit: mostAlerts }),
    ])
    const fresh = entries.filter(({ chain, seq }) => !this.#seen.has(`${chain}:${seq}`))
    for (const [key, at] of this.#seen) if (at < since) this.#seen.delete(key)
    for (const { chain, seq, at } of fresh) this.#seen.set(`${chain}:${seq}`, at)
    const changed = alerts.filter(alert => this.#alerts.get(alert.id) !== stateOf(alert))
    this.#alerts = new Map(alerts.map(alert => [alert.id, stateOf(alert)]))
    return {
      entries: fresh.toReversed(),
      gap: next !== null && fresh.length === entries.length,
      alerts: changed.toReversed(),
    }
  }
}

function stateOf({ state, count, lastAt }: Alert): string {
  return `${state} ${count} ${lastAt}`
}

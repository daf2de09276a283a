import type { AuditEvent, AuditType } from './events.ts'
import type { Point, Series } from './store.ts'
import type { SeriesName } from './watch.ts'

/** What counts as what. */
const seriesOf: ReadonlyMap<AuditType, SeriesName> = new Map([
  ['session.signed-in', 'sign-ins'],
  ['sign-in.failed', 'sign-ins.failed'],
  ['factor.refused', 'sign-ins.failed'],
  ['sign-in.refused', 'sign-ins.failed'],
  ['session.ended', 'sessions.ended'],
  ['request.refused', 'requests.refused'],
  ['token.forged', 'tokens.refused'],
  ['token.replayed', 'tokens.refused'],
  ['token.misplaced', 'tokens.refused'],
  ['token.used-after-end', 'tokens.refused'],
  ['access-token.refused', 'tokens.refused'],
  ['proof.refused', 'tokens.refused'],
  ['detector.hit', 'alerts'],
])

const minuteMs = 60_000
/** Minutes that wait for a store which does not answer; the oldest are forgotten. */
const mostWaiting = 60 * 24

/** Counts events per minute, for charts: in memory, until the counts are added to the store's. */
export class MinuteCounts {
  readonly #series: Series
  #waiting = new Map<string, Point>()

  constructor(series: Series) {
    this.#series = series
  }

  /** Counts an event, if it is one that is counted. */
  count(event: AuditEvent): void {
    if (event.type === 'events.suppressed') {
      const name = seriesOf.get(event.suppressed)
      if (name) this.#add(name, event.at, event.count)
      return
    }
    // What is only written down is no alert.
    if (event.type === 'detector.hit' && event.alert === null) return
    const name = seriesOf.get(event.type)
    if (name) this.#add(name, event.at, 1)
  }

  /** Adds what was counted to the store's numbers; what could not be added is kept for the next time. */
  async flush(): Promise<void> {
    if (this.#waiting.size === 0) return
    const points = this.#waiting
    this.#waiting = new Map()
    try {
      await this.#series.add([...points.values()])
    } catch (error) {
      for (const { name, minute, value } of points.values()) this.#add(name, minute * minuteMs, value)
      throw error
    }
  }

  #add(name: string, at: number, value: number): void {
    const minute = Math.floor(at / minuteMs)
    const key = `${minute} ${name}`
    const known = this.#waiting.get(key)
    this.#waiting.set(key, { name, minute, value: value + (known?.value ?? 0) })
    if (this.#waiting.size <= mostWaiting) return
    for (const oldest of this.#waiting.keys()) {
      this.#waiting.delete(oldest)
      break
    }
  }
}

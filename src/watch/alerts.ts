import { createHash } from 'node:crypto'
import { StoreError } from '../errors.ts'
import type { Severity } from '../session/events.ts'
import { RecentMap } from '../session/recent-map.ts'
import { Crowd } from './crowd.ts'
import { Delivery } from './delivery.ts'
import type { Detection } from './detection.ts'
import type { WatchEvent, WatchEventDetail } from './events.ts'
import type { Notifier } from './notifier.ts'
import { RaiseQueue } from './raise-queue.ts'
import { isMoreUrgent } from './severities.ts'
import type { Alert, AlertStore, Raised } from './store.ts'
import { systemTimers, type Timers, within } from './timers.ts'

/** What {@link Alerts} works with. */
export interface AlertsParts {
  /** Shared by all nodes; it decides what is new. */
  readonly store: AlertStore
  /** Who is told about alerts that are new or got worse. */
  readonly notifiers: readonly Notifier[]
  /** Now, epoch ms. */
  readonly clock: () => number
  /** Random bytes, for ids. */
  readonly random: (size: number) => Buffer
  /** Writes an event down. */
  readonly tell: (event: WatchEvent) => void
  /** An alert that was not seen for so long is over, and the next hit opens another one, ms. Default: an hour. */
  readonly quietMs?: number
  /** Default: the real ones. */
  readonly timers?: Timers
}

const hourMs = 3_600_000
/** The trail learns of a hit of the same alert once in so long; the alert counts them all. */
const tellEveryMs = 60_000
const mostRemembered = 10_000
const storePatienceMs = 5_000

/**
 * Alerts: what detectors find, with what belongs together in one. The store de-duplicates by fingerprint, for all nodes
 * together, and of several that see the same attack the one that opened its alert, or made it more urgent, tells the notifiers.
 *
 * Nothing here makes a request wait or fail. While the store cannot be reached, each node tells its own alerts from
 * memory: several notices are better than none when somebody attacks and the database is gone.
 */
export class Alerts {
  readonly #parts: AlertsParts
  readonly #timers: Timers
  readonly #delivery: Delivery
  readonly #queue: RaiseQueue
  readonly #crowd: Crowd
  readonly #raising = new Set<Promise<unknown>>()
  /** When a hit of an alert was last told to the trail, by alert. */
  readonly #told = new RecentMap<number>(mostRemembered)
  /** What was last told of an alert that the store does not have, by fingerprint. */
  readonly #unsaved = new RecentMap<{ readonly id: string; readonly at: number; readonly severity: Severity }>(
    mostRemembered,
  )

  constructor(parts: AlertsParts) {
    const { store, notifiers, clock, random, timers = systemTimers, quietMs = hourMs } = parts
    this.#parts = parts
    this.#timers = timers
    this.#delivery = new Delivery({
      notifiers,
      clock,
      timers,
      undelivered: (alert, notifier) =>
        this.#tell(clock(), alert, { type: 'alert.undelivered', alert: alert.id, notifier }),
    })
    this.#queue = new RaiseQueue({ store, random, timers, quietMs })
    this.#crowd = new Crowd(clock)
  }

  /** How many detections wait for the store, and how many it never learned of. */
  get stats(): { readonly waiting: number; readonly lost: number } {
    return this.#queue.stats
  }

  /**
   * Opens an alert or counts its hit; resolves to it, or to `null` when the store could not be reached. Never rejects.
   */
  raise(detection: Detection): Promise<Raised | null> {
    const raised = this.#raise(this.#crowd.admit(detection)).finally(() => this.#raising.delete(raised))
    this.#raising.add(raised)
    return raised
  }

  /** A person takes care of an open alert. `null` when it is not open. Rejects with a `StoreError`. */
  acknowledge(id: string, by: string): Promise<Alert | null> {
    return this.#move(id, 'acknowledged', by)
  }

  /** A person is done with an alert. `null` when there is none, or it is closed. Rejects with a `StoreError`. */
  close(id: string, by: string): Promise<Alert | null> {
    return this.#move(id, 'closed', by)
  }

  /** Resolves when everything raised until now is in the store, or was given up. Does not wait for notifiers. */
  async flush(): Promise<void> {
    while (this.#raising.size > 0) await Promise.all(this.#raising)
  }

  /**
   * Stops: what waits for notifiers gets a few seconds. What does not arrive is told, so stop before the trail closes.
   */
  async stop(): Promise<void> {
    await this.flush()
    await this.#delivery.stop()
  }

  async #raise(detection: Detection): Promise<Raised | null> {
    const raised = await this.#queue.raise(detection)
    if (raised === null) {
      this.#raiseUnsaved(detection)
      return null
    }
    // Of detections that waited together the first one brings the answer that is new, or worse.
    const { alert, isNew, isWorse } = raised
    this.#hit(detection, alert, isNew || isWorse)
    if (isNew || isWorse) this.#delivery.send(alert, isWorse)
    return raised
  }

  async #move(id: string, to: 'acknowledged' | 'closed', by: string): Promise<Alert | null> {
    const { store, clock } = this.#parts
    const at = clock()
    const alert = await within(this.#timers, storePatienceMs, store.moveAlert(id, to, by, at)).catch(cause => {
      throw new StoreError('The watch store could not change the alert. Try again in a moment.', { cause })
    })
    if (alert) this.#tell(at, alert, { type: `alert.${to}`, alert: id, by })
    return alert
  }

  /**
   * Everything is as with an alert of the store, except that nobody can move it on and other nodes know nothing of it.
   */
  #raiseUnsaved(detection: Detection): void {
    const { random, quietMs = hourMs } = this.#parts
    const key = createHash('sha256').update(detection.fingerprint).digest('base64')
    const last = this.#unsaved.get(key)
    const { at, ...what } = detection
    const goesOn = last !== undefined && Math.abs(at - last.at) < quietMs
    if (goesOn && !isMoreUrgent(what.severity, last.severity)) return
    const id = goesOn ? last.id : random(16).toString('base64url')
    this.#unsaved.set(key, { id, at, severity: what.severity })
    const alert: Alert = { ...what, id, state: 'open', count: 1, firstAt: at, lastAt: at, moved: null }
    this.#hit(detection, alert, true)
    this.#delivery.send(alert, goesOn)
  }

  #hit({ at, detector, evidence, sid, userId }: Detection, { id }: Alert, isNews: boolean): void {
    const toldAt = this.#told.get(id)
    if (!isNews && toldAt !== undefined && Math.abs(at - toldAt) < tellEveryMs) return
    this.#told.set(id, at)
    this.#tell(at, { sid, userId }, { type: 'detector.hit', detector, alert: id, evidence })
  }

  #tell(at: number, { sid, userId }: Pick<Alert, 'sid' | 'userId'>, detail: WatchEventDetail): void {
    this.#parts.tell({ at, sid, userId, origin: null, ...detail })
  }
}

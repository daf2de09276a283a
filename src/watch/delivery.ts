import { alertText } from './alert-text.ts'
import { Lane } from './lane.ts'
import type { Notice, Notifier } from './notifier.ts'
import { isMoreUrgent } from './severities.ts'
import type { Alert } from './store.ts'
import { systemTimers, type Timers } from './timers.ts'

/** Notices per minute; what comes above that is told in one. An attack on 10,000 accounts is one attack. */
const mostPerMinute = 20
/**
 * So many leave when they are the first of their kind: noise is cheap to make (a forged request, one's own account with twenty
 * browsers), and must not hide what happens to somebody else in the same minute.
 */
const mostWithFirsts = 40
const minuteMs = 60_000
/** How long notices that still wait may take when the watch stops. */
const stoppingMs = 3_000

type Told = Omit<Notice, 'text'>

/** What {@link Delivery} works with. */
export interface DeliveryParts {
  /** Who is told. */
  readonly notifiers: readonly Notifier[]
  /** Now, epoch ms. */
  readonly clock: () => number
  /** Told for every notifier that an alert did not reach and will not reach any more. */
  readonly undelivered: (alert: Alert, notifier: string) => void
  /** Default: the real ones. */
  readonly timers?: Timers
}

/**
 * Brings alerts to notifiers. Each has its own {@link Lane}, so that a webhook that never answers holds up no mail. At
 * most 20 notices a minute leave; the alerts above that are told at the minute's end in one notice, that of the most
 * urgent of them. The first in a minute of a detector, about a user and of a severity finds room for another 20.
 */
export class Delivery {
  readonly #lanes: readonly Lane[]
  readonly #timers: Timers
  /** Of the minute under way: how many notices left, of which kinds, and what was held back. */
  #sent = 0
  readonly #kinds = new Set<string>()
  #held: Told | null = null
  #endMinute: (() => void) | null = null

  constructor({ notifiers, clock, undelivered, timers = systemTimers }: DeliveryParts) {
    this.#timers = timers
    const parts = {
      clock,
      timers,
      undelivered: (notice: { alert: Alert }, name: string) => undelivered(notice.alert, name),
    }
    this.#lanes = notifiers.map(notifier => new Lane(notifier, parts))
  }

  /** Sends an alert on its way, which is new, or got worse. */
  send(alert: Alert, isWorse: boolean): void {
    if (this.#lanes.length === 0) return
    const kind = `${alert.detector} ${alert.severity} ${alert.userId ?? ''}`
    const most = this.#kinds.has(kind) ? mostPerMinute : mostWithFirsts
    if (this.#sent >= most) this.#hold({ alert, isWorse, others: 0 })
    else {
      this.#kinds.add(kind)
      this.#notify({ alert, isWorse, others: 0 })
    }
  }

  /** Tells what was held back, gives what waits a last chance of a few seconds, and resolves when that is over. */
  async stop(): Promise<void> {
    this.#tellHeld()
    this.#endMinute?.()
    this.#endMinute = null
    await Promise.all(this.#lanes.map(lane => lane.stop(stoppingMs)))
  }

  #notify(told: Told): void {
    this.#sent += 1
    this.#endMinute ??= this.#timers.after(minuteMs, () => this.#nextMinute())
    const notice = { ...told, text: alertText(told) }
    for (const lane of this.#lanes) lane.add(notice)
  }

  #hold(told: Told): void {
    const held = this.#held
    if (!held) this.#held = told
    else {
      const most = isMoreUrgent(told.alert.severity, held.alert.severity) ? told : held
      this.#held = { ...most, others: held.others + 1 }
    }
  }

  #nextMinute(): void {
    this.#endMinute = null
    this.#sent = 0
    this.#kinds.clear()
    this.#tellHeld()
  }

  #tellHeld(): void {
    const held = this.#held
    this.#held = null
    if (held) this.#notify(held)
  }
}

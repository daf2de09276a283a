import type { Detection } from './detection.ts'
import { isMoreUrgent, severities } from './severities.ts'
import type { AlertStore, Raised } from './store.ts'
import { pause, pauseAfter, type Timers, within } from './timers.ts'

/** What {@link RaiseQueue} works with. */
export interface RaiseQueueParts {
  /** Where alerts are opened. */
  readonly store: AlertStore
  /** Random bytes, for ids. */
  readonly random: (size: number) => Buffer
  /** For time-outs and pauses. */
  readonly timers: Timers
  /** See `AlertStore.raise`. */
  readonly quietMs: number
}

/** The store often is the database that also has the sessions; a flood of alerts must leave it to them. */
const mostAtOnce = 4
const mostWaiting = 1_000
const mostTries = 4
const firstPauseMs = 250
const longestPauseMs = 2_000
const patienceMs = 5_000

/**
 * The way of detections to the store: few at a time, and those with the same fingerprint that wait together go as one,
 * so that an attack that hits all the time takes nobody else's place. What fails is tried again; while the store is
 * down, once, and what waits behind it is given up with it.
 */
export class RaiseQueue {
  readonly #parts: RaiseQueueParts
  /** By fingerprint, in the order of their arrival. */
  readonly #waiting = new Map<string, { detection: Detection; readonly raised: PromiseWithResolvers<Raised | null> }>()
  #underWay = 0
  #failing = false
  #lost = 0

  constructor(parts: RaiseQueueParts) {
    this.#parts = parts
  }

  /** How many detections wait, and how many the store never learned of. */
  get stats(): { readonly waiting: number; readonly lost: number } {
    return { waiting: this.#waiting.size + this.#underWay, lost: this.#lost }
  }

  /**
   * Resolves to what the store made of it, for the first of several that go as one as an alert that is new or got worse; or to
   * `null` when it failed.
   */
  async raise(detection: Detection): Promise<Raised | null> {
    const { fingerprint } = detection
    const same = this.#waiting.get(fingerprint)
    if (same) {
      same.detection = merged(same.detection, detection)
      const raised = await same.raised.promise
      return raised && { ...raised, isNew: false, isWorse: false }
    }
    if (this.#waiting.size >= mostWaiting) {
      this.#lost += 1
      return null
    }
    const raised = Promise.withResolvers<Raised | null>()
    this.#waiting.set(fingerprint, { detection, raised })
    this.#goOn()
    return raised.promise
  }

  #goOn(): void {
    if (this.#underWay >= mostAtOnce) return
    const [next] = this.#waiting
    if (!next) return
    const [fingerprint, { detection, raised }] = next
    this.#waiting.delete(fingerprint)
    this.#underWay += 1
    void this.#store(detection).then(outcome => {
      this.#underWay -= 1
      raised.resolve(outcome)
      this.#goOn()
    })
  }

  async #store(detection: Detection): Promise<Raised | null> {
    const { store, random, timers, quietMs } = this.#parts
    const id = random(16).toString('base64url')
    for (let tries = 1; ; tries += 1) {
      try {
        const raised = await within(timers, patienceMs, store.raise({ ...detection, id }, quietMs))
        this.#failing = false
        return tries === 1 ? raised : afterFailure(raised, id, detection)
      } catch {
        if (this.#failing || tries === mostTries) {
          this.#giveUp()
          return null
        }
        await pause(timers, pauseAfter(tries, firstPauseMs, longestPauseMs))
      }
    }
  }

  /**
   * What waits is given up, too: detections that pile up behind a store that hangs would be the memory of the process.
   */
  #giveUp(): void {
    this.#failing = true
    this.#lost += 1 + this.#waiting.size
    for (const { raised } of this.#waiting.values()) raised.resolve(null)
    this.#waiting.clear()
  }
}

function merged(earlier: Detection, later: Detection): Detection {
  return { ...later, severity: isMoreUrgent(earlier.severity, later.severity) ? earlier.severity : later.severity }
}

/**
 * What an earlier try may have done, of which only the answer was lost. When it opened the alert, that is there under the id
 * that nobody else has. When it may have made it more urgent, it is taken for it: a notice too many is better than none.
 */
function afterFailure({ alert, isNew, isWorse }: Raised, id: string, { severity }: Detection): Raised {
  if (isNew || alert.id === id) return { alert, isNew: true, isWorse: false }
  return { alert, isNew, isWorse: isWorse || (severity === alert.severity && severity === severities.at(-1)) }
}
